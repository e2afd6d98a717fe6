//! The invariants, written on what the lane asked for and on what was true when it asked.

use super::world::{Granted, World};
use lane_core::fault::Severity;
use lane_core::ids::PermitId;
use lane_core::permit::Permit;
use lane_core::record::{PassageEnd, Record, What};

/// Steps a vehicle may wait without a verdict or a call (L1): the call's deadline, and one each for arrival and tick.
const WAITS_STEPS: u8 = 6;

impl World {
    fn breaks(&mut self, invariant: &'static str) {
        self.broken.get_or_insert(invariant);
    }

    /// The vehicle nearest the boom that is not through.
    pub fn first(&self) -> Option<usize> {
        self.cars.iter().position(|car| (1..=5).contains(&car.place))
    }

    pub fn recorded(&mut self, record: &Record) {
        match &record.what {
            What::Verdict(_) => self.judged = true,
            What::Weighed(_) => {
                self.said.weighed = true;
                // A vehicle that is gone by now cannot be told any more.
                if self.first().is_some_and(|car| !self.cars[car].weighable) {
                    self.breaks("I17");
                }
            }
            What::PassageEnded { end, .. } => {
                self.said.passed |= *end == PassageEnd::Passed;
                // Whoever comes after that is another stay.
                self.cars.iter_mut().filter(|car| matches!(car.place, 0 | 7)).for_each(|car| car.weighable = false);
            }
            _ => {}
        }
    }

    /// A permit's record is handed to the store.
    pub fn authorised(&mut self, _: PermitId, record: &Record) {
        if let What::PermitGranted { by, act, .. } = &record.what {
            self.asked_by_itself = by.is_none();
            if let (Some(act), Some(stale)) = (act, self.stale_act)
                && act.as_str() == stale.to_string()
            {
                self.breaks("I13");
            }
        }
    }

    /// What must be true when a permit is given to the interlock.
    pub fn granted(&mut self, permit: Permit) {
        if self.durable != Some(permit.id) {
            self.breaks("I9");
        }
        if self.interlock.faults().at_least(Severity::Block) || self.unseen_fault {
            self.breaks("I5");
        }
        if self.asked_by_itself {
            let first = self.first();
            if first != Some(0) {
                self.breaks("I10");
            } else if !self.confirmed {
                self.breaks("I14");
            } else if !self.cars[0].weighable {
                // Its cargo was checked against a weighing.
                self.breaks("I17");
            }
        }
        self.granted = Some(Granted { id: permit.id, by_itself: self.asked_by_itself, entered: false });
        self.grant = Some(permit);
    }

    /// What must be true after every step.
    pub fn check(&mut self) {
        let worse = self.granted.is_some_and(|granted| granted.by_itself && !granted.entered) && !self.confirmed;
        if worse {
            self.breaks("I3");
        }
        let waits = self.cars.iter().any(|car| (1..=3).contains(&car.place));
        // An indicator that made its zero under a truck hides it.
        let healthy = !self.interlock.faults().at_least(Severity::Block) && !self.unseen_fault && self.zeroed_under == 0;
        if waits && healthy && !self.judged {
            self.waited += 1;
            if self.waited > WAITS_STEPS {
                self.breaks("L1");
            }
        } else {
            self.waited = 0;
        }
    }
}
