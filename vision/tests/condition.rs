//! The condition of a camera on made video: what each measure says of each thing that happens to a camera, the judgement over time, and the worker
//! from its front door.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod made;
mod player;
mod watched;

use borderlane_vision::condition::Watch;
use borderlane_vision::condition::limits::{self, Limits};
use borderlane_vision::condition::measure::{Cell, Grey, Look};
use borderlane_vision::condition::view::{EdgeMap, place};
use hardware_sim::picture::scene::Face;
use image::RgbImage;
use lane_link::camera::{CameraCondition as C, FromWorker, Order, Purpose, Report};
use made::*;
use player::Player;
use watched::Worker;

const LIMITS: Limits = Limits { after_ms: 1_000, no_frames_after_ms: 2_000, frozen_after_ms: Some(5_000), dark_below: 18 };

/// What must leave the camera's condition as it is, over an empty lane.
fn harmless(empty: &RgbImage) -> Vec<(&'static str, RgbImage)> {
    vec![
        ("noon", lit(empty, 1.35, 10.0)),
        ("evening", lit(empty, 0.4, 0.0)),
        ("night under lamps", night(empty, 0.6, 3)),
        ("deep night", night(empty, 0.3, 3)),
        ("rain", rain(empty, 3)),
        ("a truck far off", truck(empty, &EYE, 9.0, Face::Front)),
    ]
}

/// A truck that fills the view: seen only while something is present.
fn filling(empty: &RgbImage) -> Vec<(&'static str, RgbImage)> {
    vec![
        ("a truck before the lens", truck(empty, &EYE, 2.6, Face::Front)),
        ("a tail before the lens", truck(empty, &EYE, 2.6, Face::Rear)),
        ("a white flank", flank([225, 226, 228])),
        ("a blue flank", flank([40, 70, 120])),
        ("headlights at night", headlights(&night(empty, 0.3, 3))),
    ]
}

fn spoiled(clean: &Look, now: &Look) -> usize {
    let known = clean.cells.iter().filter(|c| **c == Cell::Rich).count();
    let lost = clean.cells.iter().zip(&now.cells).filter(|(a, b)| **a == Cell::Rich && **b == Cell::Plain).count();
    lost * 1000 / known.max(1)
}

fn measured(furnished: bool) {
    let empty = lane(&EYE, furnished);
    let reference = seen(&empty, 1);
    let (view, clean) = (EdgeMap::of(&reference), Look::at(&reference));
    let sharp = |look: &Look| look.sharpness_permille.unwrap_or(1000);
    for (name, picture) in harmless(&empty).into_iter().chain(filling(&empty)) {
        let look = Look::at(&seen(&picture, 7));
        eprintln!("{name}: {} {:?} {:?}", look.washed_out_permille, look.flat_permille, look.sharpness_permille);
        assert!(look.flat_permille.unwrap_or(0) + 200 <= limits::COVERED.0, "{name}: flat {:?}", look.flat_permille);
        assert!(look.washed_out_permille + 100 <= limits::GLARE.0, "{name}: white {}", look.washed_out_permille);
        assert!(sharp(&look) >= limits::BLURRED.0 + 150, "{name}: sharpness {:?}", look.sharpness_permille);
    }
    for (name, picture) in harmless(&empty) {
        let grey = seen(&picture, 8);
        let placed = place(&view, &EdgeMap::of(&grey)).unwrap();
        eprintln!("{name}: {placed:?}, spoiled {}", spoiled(&clean, &Look::at(&grey)));
        assert!(
            placed.shift_permille.is_some_and(|shift| shift <= limits::MOVED.0 / 2) && placed.match_permille >= 800,
            "{name}: {placed:?}"
        );
        assert!(spoiled(&clean, &Look::at(&grey)) <= 40, "{name}");
    }
    for (name, picture) in
        [("a hand", covered(90.0, 60.0)), ("a bag", lit(&blurred(&empty, 40.0), 0.5, 60.0)), ("tape", covered(40.0, 8.0))]
    {
        assert_eq!(Look::at(&seen(&picture, 7)).flat_permille, Some(1000), "{name}");
    }
    assert!(sharp(&Look::at(&seen(&blurred(&empty, 6.0), 7))) <= limits::BLURRED.0 - 80);
    assert!(spoiled(&clean, &Look::at(&seen(&dirty(&empty, 9, 4), 7))) >= 80);
    assert!(Look::at(&seen(&lit(&empty, 3.5, 60.0), 7)).washed_out_permille >= 800);
}

#[test]
fn every_measure_keeps_its_distance_on_a_bare_road() {
    measured(false);
}

#[test]
fn every_measure_keeps_its_distance_before_a_furnished_gate() {
    measured(true);
}

#[test]
fn a_move_is_measured_by_day_at_night_and_in_rain() {
    let empty = lane(&EYE, true);
    let view = EdgeMap::of(&seen(&empty, 1));
    let at = |picture: &RgbImage| place(&view, &EdgeMap::of(&seen(picture, 5))).unwrap();
    let shifted = warped(&empty, 0.0, 1.0, 77.0, 0.0);
    for (name, picture) in [("day", shifted.clone()), ("night", night(&shifted, 0.3, 3)), ("rain", rain(&shifted, 3))] {
        let shift = at(&picture).shift_permille.unwrap();
        assert!((52..=72).contains(&shift), "{name}: {shift} of 60 permille");
    }
    let turned = at(&turned(&empty, 0.105));
    assert!((80..=120).contains(&turned.turn_permille) && turned.shift_permille >= Some(limits::MOVED.0), "{turned:?}");
    let zoomed = at(&warped(&empty, 0.0, 1.1, 0.0, 0.0));
    assert!((75..=115).contains(&zoomed.zoom_permille) && zoomed.shift_permille >= Some(limits::MOVED.0), "{zoomed:?}");
    for eye in [Eye { across_m: -3.0, aim_m: 6.0, ..EYE }, Eye { across_m: 6.0, aim_m: 5.0, ..EYE }] {
        let elsewhere = at(&lane(&eye, true));
        assert!(elsewhere.shift_permille.is_none() && elsewhere.match_permille + 100 < limits::LOST, "{elsewhere:?}");
    }
    assert!(at(&warped(&empty, 0.0, 1.0, 320.0, 0.0)).match_permille < limits::LOST, "a quarter of the width off");
}

/// Shows a picture for so long, at even times, with fresh noise, and gives the conditions that stood, each once.
struct Shown {
    watch: Watch,
    now_ms: u64,
    every_ms: u64,
}

impl Shown {
    fn new(view: Option<&RgbImage>) -> Self {
        let mut watch = Watch::new(LIMITS);
        watch.set_view(view.map(|picture| seen(picture, 99)).as_ref());
        Self { watch, now_ms: 1_000, every_ms: 250 }
    }

    fn show(&mut self, picture: &RgbImage, for_ms: u64) -> Vec<C> {
        let variants: Vec<Grey> = (0..3).map(|seed| seen(picture, self.now_ms + seed)).collect();
        let mut stood: Vec<C> = Vec::new();
        for step in 0..for_ms / self.every_ms {
            self.now_ms += self.every_ms;
            self.watch.look(self.now_ms, &variants[step as usize % 3]);
            let condition = self.watch.condition(0, 0);
            if stood.last() != Some(&condition) {
                stood.push(condition);
            }
        }
        stood
    }

    fn presence(&mut self, on: bool) {
        self.watch.presence(on, self.now_ms);
    }
}

#[test]
fn each_condition_is_entered_after_its_patience_and_left_again() {
    let empty = lane(&EYE, true);
    let mut camera = Shown::new(Some(&empty));
    assert_eq!(camera.show(&empty, 5_000), [C::Ok]);
    for (picture, wanted, after_ms) in [
        (covered(90.0, 60.0), C::Covered, 1_000),
        (warped(&empty, 0.0, 1.0, 90.0, 0.0), C::Moved, 2_000),
        (lane(&Eye { across_m: -3.0, aim_m: 6.0, ..EYE }, true), C::Moved, 6_000),
        (lit(&empty, 3.5, 60.0), C::Glare, 1_000),
        (blurred(&empty, 6.0), C::Blurred, 4_000),
        (dirty(&empty, 12, 4), C::Dirty, 23_000),
    ] {
        assert_eq!(camera.show(&picture, after_ms), [C::Ok], "{wanted:?} is not said before its time");
        assert_eq!(camera.show(&picture, 1_500).last(), Some(&wanted), "{:?}", camera.watch.measured());
        assert_eq!(camera.show(&picture, 5_000), [wanted], "it stays");
        assert_eq!(camera.show(&empty, 3_000).last(), Some(&C::Ok), "{wanted:?} goes again");
    }
}

#[test]
fn a_black_picture_is_night_when_it_came_slowly_and_a_cover_when_it_came_at_once() {
    let empty = lane(&EYE, true);
    let mut camera = Shown::new(Some(&empty));
    let mut stood = camera.show(&empty, 1_000);
    for step in 1..40 {
        stood.extend(camera.show(&noise(&lit(&empty, 0.9_f32.powi(step), 0.0), 3.0, 1), 1_000));
    }
    stood.dedup();
    assert_eq!(stood, [C::Ok, C::Dark]);
    assert_eq!(camera.show(&empty, 2_000).last(), Some(&C::Ok));
    assert_eq!(camera.show(&noise(&lit(&empty, 0.01, 1.0), 2.0, 1), 4_000), [C::Ok, C::Covered], "black at once");
    assert_eq!(camera.show(&empty, 2_000).last(), Some(&C::Ok));
}

#[test]
fn light_weather_and_vehicles_leave_the_condition_alone() {
    for furnished in [false, true] {
        let empty = lane(&EYE, furnished);
        let mut camera = Shown::new(Some(&empty));
        camera.every_ms = 1_000;
        for (name, picture) in harmless(&empty) {
            assert_eq!(camera.show(&picture, 30_000), [C::Ok], "{name}: {:?}", camera.watch.measured());
        }
        for (name, picture) in filling(&empty) {
            camera.presence(true);
            camera.watch.plates(&[[[100.0, 100.0], [200.0, 100.0], [200.0, 130.0], [100.0, 130.0]]], (1280.0, 720.0));
            assert_eq!(camera.show(&picture, 24_000), [C::Ok], "{name}: {:?}", camera.watch.measured());
            camera.presence(false);
            assert_eq!(camera.show(&empty, 4_000), [C::Ok], "after {name}");
        }
    }
}

#[test]
fn without_a_commissioning_view_dirt_is_still_seen_and_a_move_is_not_claimed() {
    let empty = lane(&EYE, true);
    let mut camera = Shown::new(None);
    assert_eq!(camera.show(&empty, 8_000), [C::Ok]);
    assert_eq!(camera.show(&warped(&empty, 0.0, 1.0, 90.0, 0.0), 15_000), [C::Ok]);
    assert!(!camera.watch.has_view());
    let mut camera = Shown::new(None);
    camera.show(&empty, 8_000);
    assert_eq!(camera.show(&dirty(&empty, 12, 4), 30_000).last(), Some(&C::Dirty));
}

#[test]
fn vehicles_without_one_whole_plate_are_the_cameras_fault_from_the_third_on() {
    let empty = lane(&EYE, true);
    let mut camera = Shown::new(None);
    camera.show(&empty, 1_000);
    let cut = [[1200.0, 300.0], [1280.0, 300.0], [1280.0, 330.0], [1200.0, 330.0]];
    let whole = cut.map(|[x, y]| [x - 300.0, y]);
    let visit = |camera: &mut Shown, quads: &[[[f32; 2]; 4]]| {
        camera.presence(true);
        for _ in 0..8 {
            camera.watch.plates(quads, (1280.0, 720.0));
        }
        camera.presence(false);
        camera.watch.condition(0, 0)
    };
    assert_eq!([visit(&mut camera, &[cut]), visit(&mut camera, &[])], [C::Ok, C::Ok]);
    assert_eq!(visit(&mut camera, &[cut]), C::OutOfFrame);
    assert_eq!(visit(&mut camera, &[cut, whole]), C::Ok);
    // what cannot see says nothing of where plates are
    camera.show(&covered(90.0, 60.0), 3_000);
    for _ in 0..4 {
        assert_eq!(visit(&mut camera, &[]), C::Covered);
    }
    assert_eq!(camera.show(&empty, 3_000).last(), Some(&C::Ok));
}

#[test]
fn the_worst_is_named() {
    let empty = lane(&EYE, true);
    let mut camera = Shown::new(None);
    camera.show(&covered(90.0, 60.0), 3_000);
    assert_eq!(camera.watch.condition(0, 0), C::Covered);
    assert_eq!(camera.watch.condition(0, 5_000), C::Frozen);
    assert_eq!(camera.watch.condition(2_000, 5_000), C::NoFrames);
    camera.show(&empty, 3_000);
    assert_eq!(camera.watch.condition(0, 0), C::Ok);
}

// ---- from the front door: a camera over HTTP, the worker as the daemon runs it ----

fn view_file(picture: &RgbImage) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), jpeg(picture, 85)).unwrap();
    file
}

#[test]
fn the_worker_names_what_happens_to_its_camera_and_sends_the_picture() {
    let empty = lane(&EYE, true);
    let view = view_file(&empty);
    let camera = Player::show(&empty);
    let worker = Worker::start(&camera.url, &["--condition-after-ms", "250", "--view", view.path().to_str().unwrap()]);
    let (_, has_view) = worker.until(C::Ok);
    assert!(has_view);
    for (picture, wanted) in [
        (covered(90.0, 60.0), C::Covered),
        (warped(&empty, 0.0, 1.0, 90.0, 0.0), C::Moved),
        (lit(&empty, 3.5, 60.0), C::Glare),
        (blurred(&empty, 6.0), C::Blurred),
        (dirty(&empty, 12, 4), C::Dirty),
    ] {
        camera.set(&picture);
        let (measured, _) = worker.until(wanted);
        let jpeg = worker.wait_for("picture", |message| match message {
            FromWorker::Evidence { header, jpeg, .. } if header.purpose == Purpose::Condition && header.track.is_none() => Some(jpeg),
            _ => None,
        });
        assert!(jpeg.starts_with(&[0xff, 0xd8]), "{wanted:?} {measured:?}");
        camera.set(&empty);
        worker.until(C::Ok);
    }
}

#[test]
fn the_worker_takes_another_view_by_order_and_says_what_it_cannot_use() {
    let empty = lane(&EYE, true);
    let moved = warped(&empty, 0.0, 1.0, 90.0, 0.0);
    let (view, other) = (view_file(&empty), view_file(&moved));
    let camera = Player::show(&moved);
    let mut worker = Worker::start(&camera.url, &["--condition-after-ms", "250", "--view", view.path().to_str().unwrap()]);
    worker.until(C::Moved);
    let path = |file: &tempfile::NamedTempFile| Some(file.path().to_str().unwrap().to_owned());
    worker.order(&Order::View { path: path(&other) });
    assert!(worker.until(C::Ok).1);
    let nonsense = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(nonsense.path(), b"no picture").unwrap();
    worker.order(&Order::View { path: path(&nonsense) });
    let what = worker.wait_for("problem", |message| match message {
        FromWorker::Report(Report::Problem { what }) => Some(what),
        _ => None,
    });
    assert!(what.contains("commissioning view") && what.contains("neither JPEG"), "{what}");
    assert!(!worker.until(C::Ok).1, "there is none now");
    worker.order(&Order::Look);
    worker.wait_for("look", |message| {
        matches!(message, FromWorker::Evidence { header, .. } if header.purpose == Purpose::Look).then_some(())
    });
}

#[test]
fn the_worker_lets_night_rain_and_a_truck_before_the_lens_pass() {
    let empty = lane(&EYE, true);
    let view = view_file(&empty);
    let camera = Player::show(&empty);
    let mut worker = Worker::start(&camera.url, &["--condition-after-ms", "100", "--view", view.path().to_str().unwrap()]);
    worker.until(C::Ok);
    for (name, picture, present) in
        [("night", night(&empty, 0.5, 3), false), ("rain", rain(&empty, 3), false), ("truck", truck(&empty, &EYE, 2.6, Face::Rear), true)]
    {
        if present {
            worker.order(&Order::Presence { on: true });
        }
        camera.set(&picture);
        let from = worker.frames();
        worker.none_but_ok(name, from + 80);
    }
}

#[test]
fn a_lane_of_vehicles_without_a_plate_in_the_picture_is_out_of_frame_until_one_is() {
    let camera = Player::show(&lane(&EYE, true));
    let mut worker = Worker::start(&camera.url, &[]);
    worker.until(C::Ok);
    for _ in 0..3 {
        worker.order(&Order::Presence { on: true });
        let from = worker.frames();
        worker.none_but_ok("a visit", from + 45);
        worker.order(&Order::Presence { on: false });
    }
    worker.until(C::OutOfFrame);
    camera.set_jpeg(std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vn_one_line_12C34567.jpg")).unwrap());
    worker.order(&Order::Presence { on: true });
    worker.until(C::Ok);
}
