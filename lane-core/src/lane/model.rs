//! For a model checker: the real lane with relative times and without what only measures, so that its states are few enough to be exhausted.
//!
//! | time | held at | because |
//! |---|---|---|
//! | quiet and unsure presence, quiet loops | `leave_hold_ms`, `joined_gap_ms` | nothing asks whether they are older |
//! | a camera's turn | `leave_hold_ms` | a model's pictures are of now, or older than that |
//! | served and attended since | `call_officer_ms` | a call is due then |
//! | a vehicle's first sight | the epoch, once no run of the scale is older | only that order is asked |
//! | stages, calls, faults, frames, judgements, weighings | now | they date, and decide nothing |
//! | the wall clock | now | it stands still |
//! | passages since the last watch record | 0 | they are counted, and decide nothing |

use super::Lane;
use super::vehicle::Vehicle;
use crate::time::Mono;

impl Lane {
    /// Calls `f` with every time the lane holds: a model checker makes them relative.
    pub fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        f(&mut self.now);
        f(&mut self.wall.1);
        self.booting_since.iter_mut().for_each(&mut *f);
        self.field.shift_times(f);
        self.platform.shift_times(f);
        for vehicle in [&mut self.at_boom, &mut self.approaching].into_iter().flatten() {
            vehicle.shift_times(f);
        }
        if let Some(permit) = &mut self.permit {
            permit.shift_times(f);
        }
        if let Some(second) = &mut self.second {
            f(&mut second.at);
        }
        self.faults.shift_times(f);
        self.timers.shift_times(f);
    }

    /// Brings the lane to the plainest state that does the same from here on, while the wall clock stands still: see the module's header.
    /// Call it after an input, before [`Self::shift_times`].
    pub fn forget_measures(&mut self) {
        let now = self.now;
        self.wall.1 = now;
        self.ended = 0;
        self.faults.shift_times(&mut |at| *at = now);
        let (gap_ms, leave_ms, call_ms) = (self.ms(|t| t.joined_gap_ms), self.ms(|t| t.leave_hold_ms), self.ms(|t| t.call_officer_ms));
        self.field.hold_times(now, gap_ms);
        let unweighed = [&self.at_boom, &self.approaching].into_iter().flatten().filter(|v| v.weighing.is_none()).map(|v| v.since).max();
        let in_order = self.platform.hold_times(now, unweighed);
        for vehicle in [&mut self.at_boom, &mut self.approaching].into_iter().flatten() {
            vehicle.forget_measures(now, in_order);
            vehicle.hold_times(now, gap_ms, leave_ms, call_ms);
        }
        if let Some(permit) = &mut self.permit {
            permit.shift_times(&mut |expires| *expires = (*expires).max(now));
        }
        if let Some(second) = &mut self.second {
            second.at = now;
        }
    }
}

impl Vehicle {
    /// `in_order`: no run of the scale is older than an unweighed vehicle.
    fn forget_measures(&mut self, now: Mono, in_order: bool) {
        if in_order || self.weighing.is_some() {
            self.since = Mono(0);
        }
        self.judged_at = now;
        for plate in [&mut self.front, &mut self.rear] {
            plate.shift_times(&mut |at| *at = now);
        }
        if let Some(weighing) = &mut self.weighing {
            (weighing.acquired_at, weighing.steady_since) = (now, now);
        }
        [&mut self.called_at, &mut self.verdict_at, &mut self.up_at].into_iter().flatten().for_each(|at| *at = now);
    }

    fn hold_times(&mut self, now: Mono, gap_ms: u64, leave_ms: u64, call_ms: u64) {
        now.hold(&mut self.served_since, call_ms);
        self.attended_at.iter_mut().for_each(|at| now.hold(at, call_ms));
        self.quiet_since.iter_mut().for_each(|at| now.hold(at, gap_ms.max(leave_ms)));
        self.unsure_since.iter_mut().for_each(|at| now.hold(at, gap_ms));
        self.reads_from.iter_mut().for_each(|at| now.hold(at, leave_ms));
    }
}
