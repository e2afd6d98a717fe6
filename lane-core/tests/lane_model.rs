//! Model check of the *real* lane with the *real* interlock: I3, I5, I9, I10, I13, I14, I17 and L1, against a self-closing boom, two vehicles
//! (one declared, one not), a store that answers late or fails, a cache whose row is withdrawn and comes back, a person with an old view, a
//! stop, a pulsed device fault, a late picture and a restart.
//!
//! One step is one tick of 200 ms in which one thing happens. Times are relative: after each step everything moves one tick into the past,
//! ages saturate at `BASE_MS` and deadlines beyond it are held there. The limits are small multiples of a tick. What may happen, and how often,
//! is each run's budget. Each run prints its bounds and its states; a run with a depth says so: it is exhausted to that depth.

mod lane_model {
    pub mod world;
}

use lane_model::world::{Budget, PROPERTIES, Run, World};
use stateright::{Checker, Model};

fn exhaust(name: &str, budget: Budget, depth: usize) {
    let run = Run { budget };
    let checker = run.checker().threads(2).target_max_depth(depth).spawn_bfs().join();
    println!("{name}: {budget:?}, {} states, {} steps, depth {} of {depth}", checker.unique_state_count(), checker.state_count(), checker.max_depth());
    let mut broken = Vec::new();
    for (property, path) in checker.discoveries() {
        if property == "a vehicle passes" || property == "a permit is revoked" {
            continue;
        }
        println!("{name}: BROKEN {property}");
        for (world, action) in path.into_vec() {
            println!("    {}", World::describe(&world, action.as_ref()));
        }
        broken.push(property);
    }
    assert!(broken.is_empty(), "{name}: broken {broken:?}");
    assert!(PROPERTIES.len() >= 7);
}

#[test]
fn one_vehicle_and_facts_that_change() {
    exhaust("facts", Budget { flips: 2, cars: 1, ..Budget::NONE }, 30);
}

#[test]
fn a_store_that_answers_late_or_fails() {
    exhaust("store", Budget { store: 2, flips: 1, cars: 1, late_durable: true, ..Budget::NONE }, 24);
}

#[test]
fn a_person_with_an_old_view() {
    exhaust("person", Budget { flips: 1, acts: 2, cars: 1, ..Budget::NONE }, 20);
}

#[test]
fn stop_faults_and_a_restart() {
    exhaust("faults", Budget { stops: 1, faults: 1, restarts: 1, resets: 2, cars: 1, ..Budget::NONE }, 20);
}

#[test]
fn two_vehicles_and_a_late_picture() {
    exhaust("two", Budget { cars: 2, late_reads: 1, ..Budget::NONE }, 20);
}
