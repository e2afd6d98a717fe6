//! What may happen in a world, how often, from where, and what must hold.

use super::world::World;
use stateright::{Model, Property};
use std::fmt;

pub const PROPERTIES: [&str; 8] = ["I3", "I5", "I9", "I10", "I13", "I14", "I17", "L1"];

// The model reaches what it is about.
pub const GRANTED: &str = "a permit is granted";
pub const REVOKED: &str = "a permit is revoked";
pub const WEIGHED: &str = "a vehicle is weighed";
pub const PASSED: &str = "a vehicle passed";

/// What may happen in a run, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    pub cars: u8,
    /// Times a vehicle drives onto the approach loop.
    pub arrivals: u8,
    /// Places a vehicle goes back.
    pub backs: u8,
    /// Changes of the declaration's one confirmation: given, withdrawn.
    pub flips: u8,
    /// Changes of the store between good and failed.
    pub store: u8,
    /// The store answers whenever it likes.
    pub late_durable: bool,
    /// Overrides by a person, each on the present view or on one looked at before.
    pub acts: u8,
    pub stops: u8,
    pub resets: u8,
    /// Pulsed blocking faults of a device.
    pub faults: u8,
    /// Restarts of the lane.
    pub restarts: u8,
    /// Restarts of the indicator: what stands there becomes its zero.
    pub indicator: u8,
    /// Pictures of the first vehicle that are read only after it is gone.
    pub late_reads: u8,
}

impl Budget {
    pub const NONE: Self = Self {
        cars: 0,
        arrivals: 0,
        backs: 0,
        flips: 0,
        store: 0,
        late_durable: false,
        acts: 0,
        stops: 0,
        resets: 0,
        faults: 0,
        restarts: 0,
        indicator: 0,
        late_reads: 0,
    };
    /// More than the way to a start needs.
    pub const START: Self = Self { cars: 2, arrivals: 2, ..Self::NONE };
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vehicles", self.cars)?;
        let counts = [
            (self.arrivals, "arrivals"),
            (self.backs, "steps back"),
            (self.flips, "changes of the confirmation"),
            (self.store, "changes of the store"),
            (self.acts, "overrides"),
            (self.stops, "stops"),
            (self.resets, "resets"),
            (self.faults, "device faults"),
            (self.restarts, "restarts"),
            (self.indicator, "restarts of the indicator"),
            (self.late_reads, "late pictures"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        if self.late_durable { write!(f, ", late answers of the store") } else { Ok(()) }
    }
}

/// Where a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// Nobody there.
    Empty,
    /// The first vehicle stands wholly on the platform, not read yet.
    Platform,
    /// The first vehicle passed.
    FirstGone,
}

pub struct Run {
    pub budget: Budget,
    pub start: Start,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Wait,
    Forward(u8),
    Back(u8),
    Read(u8),
    /// A picture of the first vehicle, taken long ago, read only now.
    LateRead,
    Flip,
    Store,
    Durable,
    Look,
    Open {
        looked: bool,
    },
    Stop,
    Reset,
    Fault,
    Restart,
    Indicator,
}

impl Model for Run {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.budget, self.start)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_none() {
            world.possible(actions);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        next.act(action);
        next.step();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("I3", |_, world: &World| world.broken != Some("I3")),
            Property::always("I5", |_, world: &World| world.broken != Some("I5")),
            Property::always("I9", |_, world: &World| world.broken != Some("I9")),
            Property::always("I10", |_, world: &World| world.broken != Some("I10")),
            Property::always("I13", |_, world: &World| world.broken != Some("I13")),
            Property::always("I14", |_, world: &World| world.broken != Some("I14")),
            Property::always("I17", |_, world: &World| world.broken != Some("I17")),
            Property::always("L1", |_, world: &World| world.broken != Some("L1")),
            Property::sometimes(GRANTED, |_, world: &World| world.granted.is_some()),
            Property::sometimes(REVOKED, |_, world: &World| world.said.revoked),
            Property::sometimes(WEIGHED, |_, world: &World| world.said.weighed),
            Property::sometimes(PASSED, |_, world: &World| world.said.passed),
        ]
    }
}
