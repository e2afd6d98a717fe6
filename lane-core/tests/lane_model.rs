//! Model check of the *real* lane with the *real* interlock: I3, I5, I9, I10, I13, I14, I17 and L1, against a self-closing boom, two vehicles
//! (one declared, one not), a store that answers late or fails, a cache whose row is withdrawn and comes back, a person with an old view, a
//! stop, a pulsed device fault, a late picture, an indicator that restarts (and zeroes itself under a truck) and a restart.
//!
//! One step is one tick of 500 ms in which one thing happens. Times are relative: after each step everything moves one tick into the past,
//! ages are held where nothing asks for more (`Lane::forget_measures`) and saturate. The limits are small multiples of a tick. What may
//! happen, and how often, is each world's budget; within it every state that can be reached is visited: each world is *exhausted*, and
//! prints its bounds, its states and its depth. Without bound are only the ticks that pass and where in them things happen.
//!
//! Bounds of all worlds: two vehicles, one declaration with one confirmation, one plate read a stay, a rear camera absent, every look-up
//! answered at once, the wall clock standing still, one thing a tick.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]

mod lane_model {
    pub mod devices;
    pub mod facts;
    pub mod invariants;
    pub mod model;
    pub mod world;
}

use lane_model::model::{Budget, GRANTED, PASSED, PROPERTIES, REVOKED, Run, Start, WEIGHED};
use lane_model::world::World;
use stateright::{Checker, HasDiscoveries, Model};

fn exhaust(name: &str, start: Start, budget: Budget, reached: &[&'static str]) {
    let run = Run { budget, start };
    let begun = std::time::Instant::now();
    let checker = run.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!(
        "{name}: from {start:?}, at most {budget}: {} states, {} steps, depth {}, {} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
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
    assert!(checker.is_done(), "{name}: not exhausted");
    for what in reached {
        assert!(checker.discovery(what).is_some(), "{name}: never \"{what}\": the model does not reach what it is about");
    }
    println!("{name}: exhausted");
}

#[test]
fn arrival() {
    exhaust("arrival", Start::Empty, Budget { cars: 1, arrivals: 2, backs: 3, flips: 2, ..Budget::NONE }, &[GRANTED, WEIGHED, PASSED]);
}

#[test]
fn facts_that_change() {
    exhaust("facts", Start::Platform, Budget { cars: 1, backs: 2, flips: 3, ..Budget::NONE }, &[GRANTED, REVOKED, PASSED]);
}

#[test]
fn a_store_that_answers_late_or_fails() {
    let budget = Budget { cars: 1, backs: 1, store: 3, flips: 2, late_durable: true, ..Budget::NONE };
    exhaust("store", Start::Platform, budget, &[GRANTED, REVOKED]);
}

#[test]
fn a_person_with_an_old_view() {
    exhaust("person", Start::Platform, Budget { cars: 1, flips: 1, acts: 2, ..Budget::NONE }, &[GRANTED, REVOKED]);
}

#[test]
fn stop_and_a_device_fault() {
    exhaust("faults", Start::Platform, Budget { cars: 1, backs: 1, stops: 1, faults: 1, flips: 1, resets: 2, ..Budget::NONE }, &[GRANTED]);
}

#[test]
fn a_restart() {
    exhaust("restart", Start::Platform, Budget { cars: 1, backs: 1, flips: 1, restarts: 2, resets: 2, ..Budget::NONE }, &[GRANTED]);
}

#[test]
fn an_indicator_that_restarts() {
    exhaust("indicator", Start::Empty, Budget { cars: 2, arrivals: 2, indicator: 1, ..Budget::NONE }, &[GRANTED, WEIGHED]);
}

#[test]
fn a_second_vehicle_and_a_late_picture() {
    let budget = Budget { cars: 2, arrivals: 2, backs: 1, flips: 1, late_reads: 1, ..Budget::NONE };
    exhaust("second", Start::FirstGone, budget, &[WEIGHED]);
}

#[test]
fn two_vehicles_close_together() {
    let budget = Budget { cars: 2, arrivals: 1, backs: 1, flips: 1, ..Budget::NONE };
    exhaust("two", Start::Platform, budget, &[GRANTED, PASSED]);
}

#[test]
fn everything_once() {
    let budget = Budget { cars: 1, flips: 1, store: 1, acts: 1, stops: 1, resets: 1, restarts: 1, ..Budget::NONE };
    exhaust("everything", Start::Platform, budget, &[GRANTED, PASSED]);
}
