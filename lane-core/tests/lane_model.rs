//! Model check of the *real* lane with the *real* interlock: I3, I5, I9, I10, I13, I14, I17 and L1, against a self-closing boom, two vehicles
//! (one declared, one not), a store that answers late or fails, a cache whose row is withdrawn and comes back, a person with an old view, a
//! stop, a pulsed device fault, a late picture and a restart.
//!
//! One step is one tick of 200 ms in which one thing happens. Times are relative: after each step everything moves one tick into the past,
//! ages saturate at `BASE_MS` and deadlines beyond it are held there. The limits are small multiples of a tick. What may happen, and how often,
//! is each run's budget. Each run is exhausted to a stated depth from a stated start; it prints its bounds and its states.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]

mod lane_model {
    pub mod facts;
    pub mod world;
}

use lane_model::world::{Budget, PROPERTIES, Run, Start, World};
use stateright::{Checker, Model};

fn exhaust(name: &str, start: Start, budget: Budget, depth: usize, reached: &[&'static str]) {
    let run = Run { budget, start };
    let begun = std::time::Instant::now();
    let checker = run.checker().threads(2).target_max_depth(depth).spawn_bfs().join();
    println!(
        "{name}: from {start:?}, {budget:?}: {} states, {} steps, exhausted to depth {depth}, {} s",
        checker.unique_state_count(),
        checker.state_count(),
        begun.elapsed().as_secs()
    );
    let mut broken = Vec::new();
    let discoveries = checker.discoveries();
    for (property, path) in discoveries.into_iter().filter(|(property, _)| PROPERTIES.contains(property)) {
        println!("{name}: BROKEN {property}");
        for (world, action) in path.into_vec() {
            println!("    {}", World::describe(&world, action.as_ref()));
        }
        broken.push(property);
    }
    assert!(broken.is_empty(), "{name}: broken {broken:?}");
    for what in reached {
        assert!(checker.discovery(what).is_some(), "{name}: never \"{what}\": the model does not reach what it is about");
    }
}

const GRANTED: &str = "a permit is granted";
const REVOKED: &str = "a permit is revoked";

#[test]
fn arrival() {
    exhaust("arrival", Start::Empty, Budget { cars: 1, flips: 1, ..Budget::NONE }, 10, &[GRANTED]);
}

#[test]
fn facts_that_change() {
    exhaust("facts", Start::Platform, Budget { cars: 1, flips: 2, ..Budget::NONE }, 10, &[GRANTED, REVOKED]);
}

#[test]
fn a_store_that_answers_late_or_fails() {
    exhaust("store", Start::Platform, Budget { cars: 1, store: 2, flips: 1, late_durable: true, ..Budget::NONE }, 9, &[GRANTED, REVOKED]);
}

#[test]
fn a_person_with_an_old_view() {
    exhaust("person", Start::Platform, Budget { cars: 1, flips: 1, acts: 2, ..Budget::NONE }, 8, &[GRANTED, REVOKED]);
}

#[test]
fn stop_faults_and_a_restart() {
    exhaust("faults", Start::Platform, Budget { cars: 1, stops: 1, faults: 1, restarts: 1, resets: 2, ..Budget::NONE }, 8, &[GRANTED]);
}

#[test]
fn a_second_vehicle_and_a_late_picture() {
    exhaust("second", Start::FirstGone, Budget { cars: 2, late_reads: 1, ..Budget::NONE }, 13, &[]);
}

#[test]
fn two_vehicles_close_together() {
    exhaust("two", Start::Platform, Budget { cars: 2, ..Budget::NONE }, 11, &[GRANTED]);
}
