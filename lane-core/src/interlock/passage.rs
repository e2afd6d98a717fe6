//! What is under the boom: counting, joining, clearing (I4), and sensors that contradict each other over it (I16).

use super::Interlock;
use super::boom::Boom;
use super::message::{Event, Regime};
use super::sense::Sense;
use crate::fault::Fault;
use crate::ids::PermitId;
use crate::permit::PermitEnd;
use crate::signal::Tri;
use crate::time::Mono;
use alloc::vec::Vec;

/// Vehicles that came under the boom without a gap in which it was seen clear: counted up to here, then "nine or more".
const MOST_VEHICLES: u8 = 9;
/// Vehicles under one permit are counted up to here: no group is larger, an emergency has no count to reach.
const MOST_ADMITTED: u8 = 20;

/// What came under the boom since it was last seen clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Track {
    /// The permit that admitted the first of it.
    pub permit: Option<PermitId>,
    pub vehicles: u8,
    /// How many of them reached the exit before the last came.
    pub passed: u8,
    /// Of the last vehicle: which sensors saw it.
    pub saw_loop: bool,
    pub saw_cell: bool,
    pub saw_exit: bool,
    /// The photocell was on after the loop was last on: the tail went forward.
    pub tail_ahead: bool,
    /// The boom line is quiet since.
    pub line_quiet: Option<Mono>,
    /// Everything is quiet since.
    pub quiet: Option<Mono>,
}

impl Track {
    fn new(permit: Option<PermitId>) -> Self {
        Self {
            permit,
            vehicles: 1,
            passed: 0,
            saw_loop: false,
            saw_cell: false,
            saw_exit: false,
            tail_ahead: false,
            line_quiet: None,
            quiet: None,
        }
    }

    /// The same vehicle after a time in which nobody looked: no sensor is accused over it.
    pub fn unwatched(self) -> Self {
        Self { saw_loop: true, saw_cell: true, ..self }
    }

    pub fn times(&mut self) -> impl Iterator<Item = &mut Mono> {
        [&mut self.line_quiet, &mut self.quiet].into_iter().flatten()
    }

    fn see(&mut self, now: Mono, sense: &Sense, joined_gap_ms: u64, unclear_after_ms: u64) {
        self.saw_loop |= sense.boom_loop == Tri::On;
        self.saw_cell |= sense.photocell == Tri::On;
        self.saw_exit |= sense.exit == Tri::On;
        match (sense.boom_loop, sense.photocell) {
            (Tri::On, _) => self.tail_ahead = false,
            (_, Tri::On) => self.tail_ahead = true,
            _ => {}
        }
        // Ages are kept no older than what is asked of them, so that the state stays small.
        let quiet = |since: Option<Mono>, off: bool, limit_ms: u64| {
            off.then(|| since.map_or(now, |since| since.max(Mono(now.0.saturating_sub(limit_ms)))))
        };
        self.line_quiet = quiet(self.line_quiet, sense.under == Tri::Off, joined_gap_ms);
        self.quiet = quiet(self.quiet, sense.presence() == Tri::Off, joined_gap_ms.max(unclear_after_ms));
    }
}

/// How what was under the boom left.
enum End {
    Clear,
    BackedOut,
    Doubt,
}

impl Interlock {
    /// I4. Runs before the boom is judged, so that both see the same reading.
    pub(super) fn track_vehicle(&mut self, now: Mono, sense: &Sense, events: &mut Vec<Event>) {
        let gap_ms = self.config.joined_gap_ms;
        let on_line = sense.under == Tri::On;
        match self.track {
            None => {
                if on_line && self.boom != Boom::Down {
                    let permit = self.admit(now, events);
                    self.track = Some(Track::new(permit));
                } else if sense.exit == Tri::On {
                    self.faults.raise(Fault::WrongWay);
                }
            }
            Some(track) => {
                let parted = track.line_quiet.is_some_and(|since| now.since(since) >= gap_ms);
                if on_line && parted {
                    self.admit(now, events);
                    self.compare_sensors(&track, sense);
                    let passed = if track.saw_exit { track.vehicles } else { track.passed };
                    let vehicles = track.vehicles.saturating_add(1).min(MOST_VEHICLES);
                    self.track = Some(Track { vehicles, passed, ..Track::new(track.permit) });
                }
            }
        }
        let unclear_after_ms = self.config.unclear_after_ms;
        if let Some(track) = &mut self.track {
            track.see(now, sense, gap_ms, unclear_after_ms);
            let track = *track;
            if let Some(since) = track.quiet
                && now.since(since) >= gap_ms
            {
                self.end_of_vehicle(now, since, track, sense, events);
            }
        }
    }

    /// A front came onto the boom line: under which permit?
    fn admit(&mut self, now: Mono, events: &mut Vec<Event>) -> Option<PermitId> {
        if let Some(live) = &mut self.live
            && live.admits(now)
        {
            live.admitted = live.admitted.saturating_add(1).min(MOST_ADMITTED);
            let permit = Some(live.permit.id);
            events.push(Event::VehicleEntered { permit });
            return permit;
        }
        if self.regime == Regime::HeldOpen {
            events.push(Event::VehicleEntered { permit: None });
        } else {
            self.faults.raise(Fault::Tailgate);
            events.push(Event::Tailgate { permit: self.live.map(|live| live.permit.id) });
        }
        None
    }

    fn end_of_vehicle(&mut self, now: Mono, since: Mono, track: Track, sense: &Sense, events: &mut Vec<Event>) {
        match judge_end(&track, sense) {
            End::Clear => {
                self.compare_sensors(&track, sense);
                self.track = None;
                events.push(Event::VehicleClear { permit: track.permit, vehicles: track.vehicles });
                self.end_permit_if(|live| live.admitted > 0 && (live.is_full() || live.is_expired(now)), PermitEnd::VehicleClear, events);
            }
            End::BackedOut => {
                self.track = None;
                let mut end = PermitEnd::BackedOut;
                if track.passed > 0 {
                    end = PermitEnd::VehicleClear;
                    events.push(Event::VehicleClear { permit: track.permit, vehicles: track.passed });
                }
                events.push(Event::BackedOut { permit: track.permit.filter(|_| track.passed == 0) });
                self.end_permit_if(|live| live.admitted > 0 && (live.is_full() || live.is_expired(now)), end, events);
            }
            End::Doubt => {
                if now.since(since) >= self.config.unclear_after_ms.max(self.config.joined_gap_ms) {
                    self.faults.raise(Fault::PassageUnclear);
                    if sense.has_exit && track.saw_loop && track.saw_cell {
                        self.faults.raise(Fault::PresenceDisagrees);
                    }
                }
            }
        }
    }

    /// I16: what the exit loop and one sensor of the line saw, the other must have seen.
    fn compare_sensors(&mut self, track: &Track, sense: &Sense) {
        if !track.saw_exit || cfg!(planted = "i16") {
            return;
        }
        if sense.has_photocell && !track.saw_cell {
            self.faults.raise(Fault::PhotocellBlind);
        }
        if sense.has_boom_loop && !track.saw_loop {
            self.faults.raise(Fault::PresenceDisagrees);
        }
    }

    /// I16: presence without an edge. (Both limits at once is seen in `level_faults`, disagreement in `compare_sensors`.)
    pub(super) fn watch_sensors(&mut self, now: Mono, sense: &Sense) {
        let limit_ms = self.config.presence_stuck_ms;
        if limit_ms == 0 {
            return;
        }
        for (since, value) in self.on_since.iter_mut().zip([sense.boom_loop, sense.photocell, sense.exit]) {
            *since = match value {
                Tri::On => Some(since.unwrap_or(now).max(Mono(now.0.saturating_sub(limit_ms)))),
                Tri::Off => None,
                Tri::Unknown => *since,
            };
        }
        if self.on_since.iter().flatten().any(|since| now.since(*since) >= limit_ms) {
            self.faults.raise(Fault::PresenceStuck);
        }
    }
}

/// Everything is quiet: where did it go? Doubt is the answer unless its end was seen.
fn judge_end(track: &Track, sense: &Sense) -> End {
    if cfg!(planted = "i4") {
        return End::Clear;
    }
    let near_side = !sense.has_before || sense.before == Tri::On;
    match (sense.has_exit, sense.has_boom_loop && sense.has_photocell) {
        (true, _) if track.saw_exit => End::Clear,
        (true, true) if !track.tail_ahead && near_side => End::BackedOut,
        (true, _) => End::Doubt,
        (false, true) if track.tail_ahead => End::Clear,
        (false, true) if near_side => End::BackedOut,
        (false, true) => End::Doubt,
        // One sensor only: its silence is all there is to see. The screen says `tailgate_detection = none`.
        (false, false) => End::Clear,
    }
}
