//! Model check of the *real* interlock against a boom, its board, two vehicles, a link, a person and a clock of coarse ticks.
//!
//! One step is one tick of 100 ms: the environment acts, the boom moves, the sensors are read, the interlock scans. The limits are small
//! multiples of a tick, so that every one of them is met and passed. Time is kept relative: after each scan everything the interlock
//! remembers moves one tick into the past (`shift_times`), and ages saturate; the state space is finite and is exhausted.
//!
//! Bounds: boom of three places (down, between, up), two vehicles of at most ten places, at most two permits of one kind (passage, group of
//! two, emergency, test), one restart, one sensor that lies in a run of its own, at most two mishaps (link loss, one signal that grows stale,
//! crank, jam, stop, restart, the key turned, wrong way), one choice of the environment and one of a person a tick. The invariants (`monitor.rs`) are written on what
//! the sensors said, what the outputs were and where things physically are, not on the interlock's own state (except its list of faults,
//! which is its public answer). Each run prints its states.

mod interlock_model {
    pub mod monitor;
    pub mod run;
    pub mod world;
}

use interlock_model::run::{Cars, Lie, Run};
use interlock_model::world::World;
use lane_core::interlock::{Closing, Drive, Regime};
use lane_core::permit::PermitKind;
use stateright::{Checker, HasDiscoveries, Model};

/// Explores everything, prints the count, and fails with the trace of the first counterexample.
fn exhaust(run: Run) {
    let name = run.name;
    let started = std::time::Instant::now();
    let checker = run.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!(
        "{name}: {} states, {} steps, depth {}, {} s, exhausted",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs()
    );
    let mut broken = Vec::new();
    for (property, path) in checker.discoveries() {
        println!("{name}: BROKEN {property}");
        for (world, action) in path.into_vec() {
            println!("    {}", World::describe(&world, action.as_ref()));
        }
        broken.push(property);
    }
    assert!(broken.is_empty(), "{name}: broken {broken:?}");
    assert!(checker.is_done());
}

fn base(name: &'static str) -> Run {
    Run {
        name,
        closing: Closing::Commanded,
        drive: Drive::Pulse,
        stop_output: false,
        cars: Cars::One,
        lie: Lie::None,
        permits: 1,
        mishaps: 2,
        may_restart: false,
        may_stop: false,
        may_lose_link: false,
        may_crank: false,
        may_jam: false,
        may_go_wrong_way: false,
        may_revoke: false,
        kind: PermitKind::Passage,
        regime: Regime::Normal,
        may_grow_stale: false,
        may_turn_key: false,
        held_at_start: false,
    }
}

#[test]
fn a_commanded_boom_with_two_vehicles() {
    exhaust(Run { cars: Cars::Two, permits: 2, may_revoke: true, ..base("commanded, two vehicles") });
}

#[test]
fn a_commanded_boom_with_a_trailer() {
    exhaust(Run { cars: Cars::Trailer, ..base("commanded, tractor and trailer") });
}

#[test]
fn a_maintained_commanded_boom_with_two_vehicles() {
    exhaust(Run { cars: Cars::Two, drive: Drive::Maintained, ..base("commanded and maintained, two vehicles") });
}

#[test]
fn a_commanded_boom_stopped_and_restarted() {
    exhaust(Run { may_stop: true, may_restart: true, stop_output: true, ..base("commanded, stop and restart") });
}

#[test]
fn a_commanded_boom_cranked_and_cut_off() {
    exhaust(Run { may_crank: true, may_lose_link: true, ..base("commanded, crank and link loss") });
}

#[test]
fn a_commanded_boom_jammed() {
    exhaust(Run { may_jam: true, ..base("commanded, jam") });
}

#[test]
fn a_commanded_boom_with_a_vehicle_from_the_wrong_side() {
    exhaust(Run { may_go_wrong_way: true, ..base("commanded, wrong way") });
}

#[test]
fn a_commanded_boom_with_a_blind_photocell() {
    exhaust(Run { lie: Lie::PhotocellBlind, permits: 2, ..base("commanded, photocell blind") });
}

#[test]
fn a_commanded_boom_with_a_dead_loop() {
    exhaust(Run { lie: Lie::LoopDead, ..base("commanded, boom loop dead") });
}

#[test]
fn a_commanded_boom_with_a_stuck_loop() {
    exhaust(Run { lie: Lie::LoopStuck, ..base("commanded, boom loop stuck") });
}

#[test]
fn a_commanded_boom_with_both_limits_on() {
    exhaust(Run { lie: Lie::BothLimits, ..base("commanded, both limits") });
}

#[test]
fn a_self_closing_boom_with_two_vehicles() {
    exhaust(Run { closing: Closing::SelfClosing, cars: Cars::Two, permits: 2, ..base("self-closing, two vehicles") });
}

#[test]
fn a_self_closing_boom_held_open_with_everything() {
    exhaust(Run {
        closing: Closing::SelfClosing,
        drive: Drive::Maintained,
        may_stop: true,
        may_restart: true,
        may_lose_link: true,
        ..base("self-closing and held, stop, restart and link loss")
    });
}

#[test]
fn a_self_closing_boom_cranked_and_cut_off() {
    exhaust(Run { closing: Closing::SelfClosing, may_crank: true, may_lose_link: true, ..base("self-closing, crank and link loss") });
}

#[test]
fn a_group_permit() {
    exhaust(Run { cars: Cars::Two, kind: PermitKind::Group { count: 2 }, may_revoke: true, ..base("commanded, group of two") });
}

#[test]
fn an_emergency_permit() {
    exhaust(Run { cars: Cars::Two, kind: PermitKind::Emergency, may_revoke: true, ..base("commanded, emergency") });
}

#[test]
fn a_test_permit() {
    let run = Run { kind: PermitKind::Test, regime: Regime::BringUp, permits: 2, may_lose_link: true, ..base("commanded, test permits") };
    exhaust(run);
}

#[test]
fn a_commanded_boom_with_a_stale_signal() {
    exhaust(Run { may_grow_stale: true, ..base("commanded, a signal grows stale") });
}

#[test]
fn a_self_closing_boom_held_open_with_a_stale_signal() {
    exhaust(Run {
        closing: Closing::SelfClosing,
        drive: Drive::Maintained,
        may_grow_stale: true,
        ..base("self-closing and held, a signal grows stale")
    });
}

#[test]
fn a_commanded_boom_worked_by_hand() {
    exhaust(Run { may_turn_key: true, may_crank: true, may_grow_stale: true, ..base("commanded, key, crank and a stale signal") });
}

#[test]
fn an_open_that_was_held_at_the_start() {
    exhaust(Run {
        closing: Closing::SelfClosing,
        drive: Drive::Maintained,
        held_at_start: true,
        may_turn_key: true,
        may_restart: true,
        may_lose_link: true,
        ..base("self-closing, held at the start, key, restart and link loss")
    });
}
