//! The one timer table. A timer is an instant at which the lane wants to be called; what is due fires in the order of the table.

use super::Lane;
use crate::time::Mono;
use serde::{Deserialize, Serialize};

/// Every reason to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// Identification of the vehicle at the boom stops waiting.
    Identify,
    /// A held vehicle calls a person.
    Call,
    /// The call was not answered.
    Unanswered,
    /// Facts that age (windows, knowledge) are judged again.
    Rejudge,
    /// Quiet presence of the vehicle at the boom becomes a departure.
    Leave,
    /// Quiet presence of the approaching vehicle becomes a departure.
    ApproachLeave,
    /// The live permit runs out.
    Permit,
    /// The centre's answer is no longer waited for.
    Query,
    /// A second person's consent is no longer waited for.
    Second,
    /// The minute's watch record.
    Watch,
}

const ALL: [Timer; 10] = [
    Timer::Identify,
    Timer::Call,
    Timer::Unanswered,
    Timer::Rejudge,
    Timer::Leave,
    Timer::ApproachLeave,
    Timer::Permit,
    Timer::Query,
    Timer::Second,
    Timer::Watch,
];

/// When each timer is due.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(super) struct Timers {
    at: [Option<Mono>; ALL.len()],
}

impl Timers {
    pub(super) const fn set(&mut self, timer: Timer, at: Mono) {
        self.at[timer as usize] = Some(at);
    }

    pub(super) const fn stop(&mut self, timer: Timer) {
        self.at[timer as usize] = None;
    }

    pub(super) const fn is_set(&self, timer: Timer) -> bool {
        self.at[timer as usize].is_some()
    }

    pub(super) fn next(&self) -> Option<Mono> {
        self.at.iter().flatten().min().copied()
    }

    /// Takes one due timer out of the table.
    fn take_due(&mut self, now: Mono) -> Option<Timer> {
        let due = ALL.into_iter().find(|timer| self.at[*timer as usize].is_some_and(|at| at <= now))?;
        self.stop(due);
        Some(due)
    }

    pub(super) fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        self.at.iter_mut().flatten().for_each(f);
    }
}

impl Lane {
    pub(super) fn fire_timers(&mut self) {
        // Bounded: a timer that is set while firing is not due before the next instant.
        while let Some(timer) = self.timers.take_due(self.now) {
            match timer {
                Timer::Identify => self.identify_deadline(),
                Timer::Call => self.call_due(),
                Timer::Unanswered => self.call_unanswered(),
                Timer::Rejudge => self.facts_changed(),
                // Presence itself was sensed before the timers fire.
                Timer::Leave | Timer::ApproachLeave => {}
                Timer::Permit => self.permit_ran_out(),
                Timer::Query => self.query_deadline(),
                Timer::Second => self.second_ran_out(),
                Timer::Watch => self.watch(),
            }
        }
    }
}
