//! The lane's physics as behaviour, in simulated time.

use super::*;
use crate::signal::{Output, Signal};
use geometry::Closing;

const OPEN: Output = Output::Open;

fn world() -> World {
    world_with(BoomBuild::default())
}

fn world_with(boom: BoomBuild) -> World {
    World::new(Geometry::default(), boom, PlatformBuild::default(), Knobs::new(1, &[]), 1)
}

fn run(world: &mut World, ms: u64, drive: Drive) {
    for _ in 0..ms / 10 {
        world.step(10, &drive);
    }
}

/// Runs and writes down each signal's changes.
fn record(world: &mut World, ms: u64, drive: Drive, log: &mut Vec<(Signal, bool)>) {
    for _ in 0..ms / 10 {
        let before = world.signals();
        world.step(10, &drive);
        let after = world.signals();
        log.extend(Signal::ALL.into_iter().filter(|s| before.get(*s) != after.get(*s)).map(|s| (s, after.get(s))));
    }
}

fn truck() -> VehicleSpec {
    VehicleSpec { plate: "12C-123.45".to_owned(), gross_kg: Some(28_000.0), ..VehicleSpec::default() }
}

fn semi() -> VehicleSpec {
    VehicleSpec { trailer_plate: Some("12R-012.34".to_owned()), gross_kg: Some(40_000.0), ..truck() }
}

fn pulse() -> Drive {
    Drive::default().with(OPEN, true)
}

fn passed(world: &World) -> usize {
    world.events().filter(|event| matches!(event.what, EventKind::VehiclePassed { .. })).count()
}

fn strikes(world: &World) -> usize {
    world.events().filter(|event| matches!(event.what, EventKind::BoomStruck { .. })).count()
}

#[test]
fn a_truck_waits_at_the_line_wholly_on_the_scale_and_is_weighed() {
    for spec in [truck(), semi()] {
        let mut world = world();
        let gross_kg = spec.gross_kg() as i64;
        world.spawn(spec).unwrap();
        run(&mut world, 30_000, Drive::default());
        assert!((world.vehicles()[0].front_m - 23.0).abs() < 0.2);
        assert_eq!(world.vehicles()[0].speed_m_s, 0.0);
        let signals = world.signals();
        assert!(!signals.get(Signal::PlatformFront) && !signals.get(Signal::PlatformRear) && !signals.get(Signal::BoomLoop));
        assert!(!world.display().motion);
        assert!((world.display().kg - gross_kg).abs() <= 20, "{:?}", world.display());
    }
}

#[test]
fn the_load_comes_on_axle_by_axle() {
    let spec = VehicleSpec { gross_kg: Some(40_000.0), ..semi() };
    let mut loads: Vec<i64> =
        (0..160).map(|step| Vehicle::new(1, spec.clone(), 6.0 + f64::from(step) * 0.1, 1.0).load_kg([6.0, 24.0]) as i64).collect();
    loads.dedup();
    assert_eq!(loads, [0, 8_000, 16_000, 24_000, 32_000, 40_000]);
}

#[test]
fn a_passage_shows_the_detectors_in_their_order_and_the_board_closes() {
    let mut world = world();
    let mut log = Vec::new();
    world.spawn(truck()).unwrap();
    record(&mut world, 20_000, Drive::default(), &mut log);
    record(&mut world, 500, pulse(), &mut log);
    record(&mut world, 40_000, Drive::default(), &mut log);
    let order: Vec<Signal> = log.iter().filter(|(_, on)| *on).map(|(signal, _)| *signal).collect();
    use Signal::*;
    assert_eq!(order, [ApproachLoop, PlatformRear, BoomUp, PlatformFront, BoomLoop, Photocell, ExitLoop, BoomDown]);
    assert_eq!((passed(&world), strikes(&world)), (1, 0));
    assert!(world.signals().get(BoomDown));
    assert!(world.display().kg == 0 && world.vehicles().is_empty());
}

#[test]
fn without_the_boom_no_vehicle_passes_and_with_red_light_neither() {
    let mut closed = world();
    closed.spawn(truck()).unwrap();
    run(&mut closed, 120_000, Drive::default());
    assert_eq!(passed(&closed), 0);
    assert!(!closed.signals().get(Signal::BoomLoop));

    let mut red = world();
    red.spawn(truck()).unwrap();
    run(&mut red, 60_000, pulse().with(Output::LightRed, true));
    assert!(red.signals().get(Signal::BoomUp) && !red.signals().get(Signal::BoomLoop));
}

#[test]
fn a_gap_drops_out_of_loop_and_photocell_and_a_drawbar_bridges_it() {
    for (drawbar, breaks) in [(false, 2), (true, 1)] {
        let mut world = world();
        let mut log = Vec::new();
        world.spawn(VehicleSpec { gap_m: Some(3.0), length_m: Some(5.0), trailer_length_m: Some(7.0), drawbar, ..semi() }).unwrap();
        record(&mut world, 25_000, Drive::default(), &mut log);
        record(&mut world, 40_000, pulse(), &mut log);
        assert_eq!(log.iter().filter(|entry| **entry == (Signal::Photocell, true)).count(), breaks);
        assert_eq!(log.iter().filter(|entry| **entry == (Signal::BoomLoop, true)).count(), breaks);
    }
}

#[test]
fn a_high_bed_drops_out_of_the_loop_but_not_of_the_photocell() {
    let mut world = world();
    let mut log = Vec::new();
    world.spawn(VehicleSpec { high_bed: true, ..truck() }).unwrap();
    record(&mut world, 25_000, Drive::default(), &mut log);
    record(&mut world, 40_000, pulse(), &mut log);
    assert!(log.iter().filter(|entry| **entry == (Signal::BoomLoop, true)).count() >= 2);
    assert_eq!(log.iter().filter(|entry| **entry == (Signal::Photocell, true)).count(), 1);
}

#[test]
fn a_tailgater_follows_through_on_one_opening() {
    let mut world = world();
    world.spawn(truck()).unwrap();
    world.spawn(VehicleSpec { behaviour: Behaviour::Tailgate, plate: "15C-999.99".to_owned(), ..truck() }).unwrap();
    run(&mut world, 25_000, Drive::default());
    run(&mut world, 500, pulse());
    run(&mut world, 60_000, Drive::default());
    assert_eq!((passed(&world), strikes(&world)), (2, 0));
}

#[test]
fn an_honest_second_vehicle_waits_for_its_own_opening() {
    let mut world = world_with(BoomBuild { close_after_passage_ms: 500, ..BoomBuild::default() });
    world.spawn(VehicleSpec { reaction_ms: Some(0), ..truck() }).unwrap();
    world.spawn(VehicleSpec { reaction_ms: Some(20_000), ..truck() }).unwrap();
    run(&mut world, 25_000, Drive::default());
    run(&mut world, 500, pulse());
    run(&mut world, 60_000, Drive::default());
    assert_eq!(passed(&world), 1);
    assert!(world.signals().get(Signal::BoomDown));
}

#[test]
fn a_vehicle_that_stops_under_the_boom_keeps_a_protecting_board_open_and_is_struck_by_one_that_is_not() {
    for (protects, expected) in [(true, 0), (false, 1)] {
        let build = BoomBuild { closing: Closing::Commanded, reverses_on_presence: protects, ..BoomBuild::default() };
        let mut world = world_with(build);
        let id = world.spawn(VehicleSpec { behaviour: Behaviour::StopUnderBoom, ..truck() }).unwrap();
        run(&mut world, 25_000, Drive::default());
        run(&mut world, 20_000, pulse());
        assert!(world.signals().get(Signal::Photocell));
        run(&mut world, 5_000, Drive::default().with(Output::Close, true));
        assert_eq!(strikes(&world), expected);
        if protects {
            world.order(id, Order::Go).unwrap();
            run(&mut world, 40_000, Drive::default());
            assert_eq!(passed(&world), 1);
        }
    }
}

#[test]
fn a_driver_backs_out_and_another_comes_the_wrong_way() {
    let mut world = world();
    world.spawn(VehicleSpec { behaviour: Behaviour::ReverseOut, ..truck() }).unwrap();
    run(&mut world, 60_000, Drive::default());
    assert!(world.events().any(|event| matches!(event.what, EventKind::VehicleLeftBackwards { .. })));

    let mut log = Vec::new();
    world.spawn(VehicleSpec { behaviour: Behaviour::WrongWay, ..truck() }).unwrap();
    record(&mut world, 40_000, Drive::default(), &mut log);
    assert_eq!(log.first(), Some(&(Signal::ExitLoop, true)));
    assert!(!world.signals().get(Signal::Photocell), "the boom is down: it stands before it");
}

#[test]
fn two_vehicles_on_the_platform_add_up() {
    let mut world = world();
    world.spawn(VehicleSpec { length_m: Some(7.0), gross_kg: Some(10_000.0), axles: Some(2), ..truck() }).unwrap();
    world.spawn(VehicleSpec { length_m: Some(7.0), gross_kg: Some(8_000.0), axles: Some(2), ..truck() }).unwrap();
    run(&mut world, 40_000, Drive::default());
    assert!((world.display().kg - 18_000).abs() <= 20, "{:?}", world.display());
}

#[test]
fn each_lying_detector_lies() {
    let mut world = world();
    for signal in Signal::ALL {
        let name = signal.name();
        world.knobs.turn_on(&format!("{name}_stuck_on"), None).unwrap();
        run(&mut world, 20, Drive::default());
        assert!(world.signals().get(signal), "{name}");
        world.knobs.turn_off(&format!("{name}_stuck_on")).unwrap();
        world.knobs.turn_on(&format!("{name}_stuck_off"), None).unwrap();
        run(&mut world, 20, Drive::default());
        assert!(!world.signals().get(signal), "{name}");
        world.knobs.clear();
        world.knobs.turn_on(&format!("{name}_bounce"), Some(50.0)).unwrap();
        let mut log = Vec::new();
        record(&mut world, 1_000, Drive::default(), &mut log);
        assert!(log.iter().filter(|(changed, _)| *changed == signal).count() >= 15, "{name}");
        world.knobs.clear();
    }
}

#[test]
fn each_switch_and_boom_knob_shows() {
    for (knob, value, shows) in [
        ("e_stop", None, Signal::EStop),
        ("manual_key", None, Signal::ManualKey),
        ("operator_fault", None, Signal::OperatorFault),
        ("tamper", None, Signal::Tamper),
        ("fire_input", None, Signal::BoomUp),
        ("boom_crank", Some(90.0), Signal::BoomUp),
        ("boom_radio_open", None, Signal::BoomUp),
        ("boom_power_cut", None, Signal::OperatorFault),
    ] {
        let mut world = world();
        world.knobs.turn_on(knob, value).unwrap();
        run(&mut world, 5_000, Drive::default());
        assert!(world.signals().get(shows), "{knob}");
    }
    let mut stuck = world();
    stuck.knobs.turn_on("boom_stuck", None).unwrap();
    run(&mut stuck, 10_000, pulse());
    assert!(stuck.signals().get(Signal::BoomDown));
    let mut slow = world();
    slow.knobs.turn_on("boom_slow", Some(4.0)).unwrap();
    run(&mut slow, 5_000, pulse());
    assert!(!slow.signals().get(Signal::BoomUp) && !slow.signals().get(Signal::BoomDown));
    let mut lazy = world();
    lazy.knobs.turn_on("boom_no_auto_close", None).unwrap();
    run(&mut lazy, 500, pulse());
    run(&mut lazy, 120_000, Drive::default());
    assert!(lazy.signals().get(Signal::BoomUp));
    lazy.knobs.turn_on("boom_radio_close", None).unwrap();
    run(&mut lazy, 3_000, Drive::default());
    assert!(lazy.signals().get(Signal::BoomDown));
}

#[test]
fn scale_knobs_show_on_the_display() {
    let mut world = world();
    world.knobs.turn_on("scale_offset", Some(300.0)).unwrap();
    run(&mut world, 5_000, Drive::default());
    assert_eq!(world.display().kg, 300);
    world.knobs.turn_on("scale_unstable", Some(400.0)).unwrap();
    run(&mut world, 1_000, Drive::default());
    assert!(world.display().motion);
    world.knobs.turn_on("scale_overload", None).unwrap();
    run(&mut world, 20, Drive::default());
    assert!(world.display().overload);
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let play = |seed: u64| {
        let mut world = World::new(Geometry::default(), BoomBuild::default(), PlatformBuild::default(), Knobs::new(1, &[]), seed);
        world.spawn(semi()).unwrap();
        let mut shown = Vec::new();
        for _ in 0..2_000 {
            world.step(10, &Drive::default());
            shown.push(world.display());
        }
        shown
    };
    assert_eq!(play(3), play(3));
    assert_ne!(play(3), play(4));
}

#[test]
fn vehicles_never_overlap_and_never_drive_through_a_boom_that_is_down() {
    let mut world = world();
    for (index, behaviour) in [Behaviour::Through, Behaviour::Tailgate, Behaviour::ReverseOut, Behaviour::WrongWay].into_iter().enumerate()
    {
        let wait_ms = Some(1_000 * index as u64);
        world.spawn(VehicleSpec { behaviour, wait_ms, ..semi() }).unwrap();
    }
    for step in 0..30_000u64 {
        let drive = Drive::default().with(OPEN, step % 4_000 < 50);
        world.step(10, &drive);
        let mut extents: Vec<_> = world.vehicles().iter().map(Vehicle::extent_m).collect();
        extents.sort_by(|a, b| a.0.total_cmp(&b.0));
        for pair in extents.windows(2) {
            assert!(pair[0].1 <= pair[1].0 + 0.01, "{pair:?} at {}", world.now_ms());
        }
    }
    assert_eq!(strikes(&world), 0);
}
