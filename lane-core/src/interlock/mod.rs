//! The interlock: may the boom move, whoever asks? A pure function run in the barrier's scan cycle, like a PLC. It knows nothing of
//! declarations, verdicts, officers or networks; it sees inputs with their ages, permits, touches and Stop, and writes outputs.
//!
//! The boom's own controller with its certified devices remains the last protection of people; loops are not safety devices in law.
//!
//! # Terms
//!
//! * **under**: `boom_loop` or `photocell`. **presence**: under, or `exit_loop`. **danger**: presence, `e_stop`, `operator_fault`, `manual_key`.
//!   Each is On, Off or Unknown (stale, never read), and Unknown is treated as On wherever On is the careful answer.
//! * **admitting Up**: Up under a permit. **corrective Up**: Up to save what is under the boom; needs no permit, admits nobody.
//! * **touch**: a person at the lane. A *close touch* lowers the boom under I1; a *reset* clears latched faults and the latched Stop.
//! * **held**: a maintained Open is asserted. Releasing it lowers a self-closing boom, so it is released only when Down would be allowed.
//! * **ready**: `fresh_scans` complete fresh reads in a row were seen since the start, the reset or the leaving of a dead regime.
//!
//! # States of the boom, as far as we may claim to know
//!
//! ```text
//!             ready                permit, or presence while falling
//!  Unknown ──────────▶ Down ───────────────────────────▶ Rising ──▶ Up
//!     │                 ▲  └─ leaves the limit uncommanded ─┐  ▲       │ commanded: may_close; self: the board
//!     │ ready,          │        with presence: Rising      │  │       ▼
//!     │ not down        └────────────── Falling ◀───────────┼──┼───────┘
//!     ▼                                   │ presence        │  │ reversal_rest_ms over
//!  Up/Adrift + boom_open_at_start         └──▶ Reversing ───┼──┘        (self-closing: at once, there is no Down to rest from)
//!                                                           ▼
//!                               Adrift: between the limits, motion unknown; presence ──▶ Reversing
//! ```
//! Rising, Falling or Adrift longer than `travel_limit_ms`: `travel_timeout`, outputs off, blocked.
//!
//! # A vehicle under the boom
//!
//! It *enters* when `under` comes on while the boom is not down. Gaps at the boom line shorter than `joined_gap_ms`, or bridged by the
//! other sensor of the line, belong to one vehicle (drawbars, high beds); a longer one followed by presence is a *second* vehicle: admitted
//! by a group or emergency permit, else a tailgate. When everything has been quiet for `joined_gap_ms` it is
//! *clear* if the exit loop saw it, *backed out* if its last trace was on the near side, and else *in doubt*: the boom stays up, and
//! after `unclear_after_ms` `passage_unclear` calls a person. Without an exit loop the photocell's later release stands for the exit.
//!
//! # What is held here (design, I1 to I8, I15, I16), and where
//!
//! | | where |
//! |---|---|
//! | I1 | [`Interlock::may_close`] is the only gate to a Down, asked at its start *and in every scan of it* |
//! | I2, I15 | `observe_boom` |
//! | I3 | `consider_grant`, `raise_if_permitted`; a permit's name is remembered after it ended, and dies with its boot |
//! | I4 | `track_vehicle` |
//! | I5, I6 | `check_link`, `become_ready`, `reset` |
//! | I7 | `scan`: Stop and dead regimes are handled before anything else is looked at |
//! | I8 | `write_outputs`, `observe_boom` |
//! | I16 | `watch_sensors`, `compare_sensors`; [`FaultSet::lies`] gates Down |
//!
//! `Clone + Eq + Hash`, no sequence numbers, no queues: the model check in `tests/` runs this very code. Mutations for it stand beside the
//! lines they break, as `cfg!(planted = "...")`.

mod boom;
mod config;
mod faults;
mod message;
mod passage;
mod permits;
mod sense;
#[cfg(test)]
mod tests;

pub use boom::{Boom, Fall};
pub use config::{Closing, Config, Drive};
pub use faults::FaultSet;
pub use message::{Event, Movement, Refusal, Regime, Requests, Scan};

use crate::fault::{Fault, Severity};
use crate::ids::{BootId, PermitId};
use crate::permit::{Permit, PermitEnd};
use crate::signal::{Output, Outputs, ProcessImage, Tri};
use crate::time::Mono;
use alloc::vec::Vec;
use passage::Track;
use permits::Live;
use sense::{Limits, Sense};

/// Ended permits remembered by name, so that a repeated grant is refused.
const REMEMBERED_PERMITS: usize = 4;

/// The interlock of one boom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Interlock {
    config: Config,
    boot: BootId,
    regime: Regime,
    stopped: bool,
    ready: bool,
    fresh_run: u8,
    boom: Boom,
    held: bool,
    close_wanted: bool,
    last_open: Option<Mono>,
    last_close: Option<Mono>,
    clear_since: Option<Mono>,
    up_since: Option<Mono>,
    live: Option<Live>,
    ended: [Option<PermitId>; REMEMBERED_PERMITS],
    track: Option<Track>,
    on_since: [Option<Mono>; 3],
    faults: FaultSet,
}

impl Interlock {
    /// An interlock that has seen nothing: nothing moves until `fresh_scans` complete fresh reads.
    #[must_use]
    pub fn new(config: Config, boot: BootId) -> Self {
        Self {
            config,
            boot,
            regime: Regime::Normal,
            stopped: false,
            ready: false,
            fresh_run: 0,
            boom: Boom::Unknown,
            held: false,
            close_wanted: false,
            last_open: None,
            last_close: None,
            clear_since: None,
            up_since: None,
            live: None,
            ended: [None; REMEMBERED_PERMITS],
            track: None,
            on_since: [None; 3],
            faults: FaultSet::default(),
        }
    }

    /// One scan: inputs and requests in, outputs and events out. `now` never runs backwards.
    pub fn scan(&mut self, now: Mono, image: &ProcessImage, requests: &Requests) -> Scan {
        let sense = Sense::read(image, now, &self.config);
        let before = self.faults;
        let mut events = Vec::new();
        if requests.reset && !requests.stop {
            self.reset(&sense, &mut events);
        }
        self.stopped |= requests.stop && !cfg!(planted = "i7");
        self.change_regime(requests.regime, &mut events);
        self.level_faults(now, &sense, requests);
        self.check_link(&sense);
        self.watch_clear(now, &sense);
        if self.stopped || self.is_dead(&sense) {
            self.stand_still(now, &sense, requests, &mut events);
        } else {
            self.become_ready(now, &sense, requests.open_held, &mut events);
            if self.ready {
                self.handle_revoke(requests, &mut events);
                self.track_vehicle(now, &sense, &mut events);
                self.observe_boom(now, &sense, &mut events);
                self.watch_sensors(now, &sense);
                self.handle_permits(now, &sense, requests, &mut events);
                self.handle_touch(&sense, requests, &mut events);
                self.move_if_allowed(now, &sense, &mut events);
            } else {
                self.refuse_all(requests, Refusal::NotReady, &mut events);
            }
        }
        self.end_permit_on_block(&mut events);
        let outputs = self.write_outputs(now, &sense, requests);
        events.extend(self.faults.iter().filter(|fault| !before.has(*fault)).map(Event::FaultRaised));
        events.extend(before.iter().filter(|fault| !self.faults.has(*fault)).map(Event::FaultCleared));
        Scan { outputs, events }
    }

    /// All outputs off, whatever else is true (I15: `manual_key`; the modes in which a person works at the boom; the hard-wired stop).
    fn is_dead(&self, sense: &Sense) -> bool {
        self.regime == Regime::Dead || (sense.manual_key == Tri::On && !cfg!(planted = "i15_key")) || sense.e_stop == Tri::On
    }

    /// Stop, or dead: no movement is asked for, no permit lives, and the boom is only watched.
    fn stand_still(&mut self, now: Mono, sense: &Sense, requests: &Requests, events: &mut Vec<Event>) {
        let dead = self.is_dead(sense);
        self.boom = Boom::watched(self.boom, sense.limits, now);
        let end = match (self.stopped, dead) {
            (true, _) => PermitEnd::Stop,
            (false, _) if sense.e_stop == Tri::On => PermitEnd::Fault,
            (false, _) => PermitEnd::EndedByPerson,
        };
        self.end_permit(end, events);
        // Dropping a held Open would lower a self-closing boom: without a stop contact Stop keeps it (the screen says so).
        self.held &= !dead && !self.config.stop_output && self.boom != Boom::Down;
        self.close_wanted = false;
        if dead {
            // What happened under a boom worked by hand is not ours to conclude: start again from a complete fresh read.
            self.ready = false;
            self.fresh_run = 0;
            self.track = None;
        }
        self.refuse_all(requests, if self.stopped { Refusal::Stopped } else { Refusal::Regime }, events);
    }

    fn change_regime(&mut self, regime: Regime, events: &mut Vec<Event>) {
        if self.regime != regime {
            self.regime = regime;
            self.end_permit_if(|live| !live.suits(regime), PermitEnd::EndedByPerson, events);
        }
    }

    /// A person at the lane looked. After a blocking fault or Stop everything is evaluated from a fresh read, as after a start.
    fn reset(&mut self, sense: &Sense, events: &mut Vec<Event>) {
        let again = self.stopped || self.faults.at_least(Severity::Block);
        self.faults = FaultSet::default();
        self.stopped = false;
        self.on_since = [None; 3];
        if again {
            self.ready = false;
            self.fresh_run = 0;
            self.close_wanted = false;
            self.boom = Boom::Unknown;
            self.end_permit(PermitEnd::EndedByPerson, events);
            // What was not watched cannot be held against a sensor.
            self.track = self.track.filter(|_| sense.presence() != Tri::Off).map(Track::unwatched);
        }
    }

    fn level_faults(&mut self, now: Mono, sense: &Sense, requests: &Requests) {
        self.faults.set(Fault::StopLatched, self.stopped);
        self.faults.set(Fault::OperatorFault, sense.operator_fault == Tri::On);
        self.faults.set(Fault::WatchdogNotArmed, requests.watchdog_not_armed);
        if requests.output_mismatch {
            self.faults.raise(Fault::OutputMismatch);
        }
        if sense.e_stop == Tri::On {
            self.faults.raise(Fault::EmergencyStop);
        }
        if sense.limits == Limits::Both {
            self.faults.raise(Fault::LimitsContradict);
        }
        let idle_up = self.boom == Boom::Up && self.live.is_none() && self.track.is_none() && self.regime != Regime::HeldOpen;
        self.up_since = if idle_up && self.config.open_limit_ms > 0 { self.up_since.or(Some(now)) } else { None };
        let too_long = self.up_since.is_some_and(|since| now.since(since) >= self.config.open_limit_ms);
        self.faults.set(Fault::OpenTooLong, too_long);
    }

    /// I5: a loss with the boom down, no live permit and nobody under it holds and heals; any other blocks.
    fn check_link(&mut self, sense: &Sense) {
        if sense.complete {
            self.fresh_run = self.fresh_run.saturating_add(1).min(self.config.fresh_scans);
            if self.fresh_run >= self.config.fresh_scans {
                self.faults.clear(Fault::BarrierLinkHold);
                if cfg!(planted = "i5") {
                    self.faults.clear(Fault::BarrierLinkLost);
                }
            }
            return;
        }
        self.fresh_run = 0;
        if !self.ready {
            return;
        }
        if self.boom == Boom::Down && self.live.is_none() && self.track.is_none() {
            self.faults.raise(Fault::BarrierLinkHold);
        } else if !self.faults.has(Fault::BarrierLinkLost) {
            self.faults.clear(Fault::BarrierLinkHold);
            self.faults.raise(Fault::BarrierLinkLost);
        }
    }

    /// I6: nothing moves before this; a boom that is not down then is a fault.
    fn become_ready(&mut self, now: Mono, sense: &Sense, open_held: bool, events: &mut Vec<Event>) {
        if self.ready || self.fresh_run < self.config.fresh_scans {
            return;
        }
        self.ready = true;
        events.push(Event::Ready);
        self.boom = Boom::watched(Boom::Unknown, sense.limits, now);
        // Dropping what was held before the start would lower the boom: it is taken over, and released under I1.
        let lowers = !cfg!(planted = "i1_held") && self.config.drive == Drive::Maintained && self.config.closing == Closing::SelfClosing;
        self.held |= open_held && lowers && self.boom != Boom::Down;
        if self.boom != Boom::Down && !cfg!(planted = "i6") {
            self.faults.raise(Fault::BoomOpenAtStart);
        }
        if cfg!(planted = "i6") {
            self.close_wanted = true;
        }
    }

    /// Since when nothing speaks against Down. Kept no older than the hold, so that the state stays small.
    fn watch_clear(&mut self, now: Mono, sense: &Sense) {
        self.clear_since = if sense.complete && sense.danger() == Tri::Off {
            let oldest = Mono(now.0.saturating_sub(self.config.close_clear_hold_ms));
            Some(self.clear_since.map_or(now, |since| since.max(oldest)))
        } else {
            None
        };
    }

    /// I1, the only gate to Down and to the release of a held Open.
    fn may_close(&self, now: Mono, sense: &Sense) -> bool {
        if cfg!(planted = "i1") {
            return self.ready;
        }
        let hold_over = self.clear_since.is_some_and(|since| now.since(since) >= self.config.close_clear_hold_ms);
        let lies = self.faults.lies() && !cfg!(planted = "i16");
        self.ready
            && sense.complete
            && sense.danger() == Tri::Off
            && hold_over
            && !lies
            && !self.faults.at_least(Severity::Hold)
            && self.regime != Regime::HeldOpen
    }

    /// A close touch. It answers `boom_open_at_start` and `passage_unclear`, and ends what permit there is.
    fn handle_touch(&mut self, sense: &Sense, requests: &Requests, events: &mut Vec<Event>) {
        if !requests.close {
            return;
        }
        if self.faults.blocks_a_touch() || self.faults.lies() {
            events.push(Event::CloseRefused(Refusal::Fault));
        } else if self.regime == Regime::HeldOpen {
            events.push(Event::CloseRefused(Refusal::Regime));
        } else if !sense.complete || sense.danger() != Tri::Off {
            events.push(Event::CloseRefused(Refusal::Presence));
        } else {
            self.faults.clear(Fault::BoomOpenAtStart);
            self.faults.clear(Fault::PassageUnclear);
            self.end_permit(PermitEnd::EndedByPerson, events);
            self.track = None;
            self.close_wanted = self.boom != Boom::Down;
        }
    }

    fn refuse_all(&mut self, requests: &Requests, why: Refusal, events: &mut Vec<Event>) {
        if let Some(permit) = requests.grant {
            self.remember(permit.id);
            events.push(Event::PermitRefused(permit.id, why));
        }
        if requests.close {
            events.push(Event::CloseRefused(why));
        }
    }

    /// I8 and the lights. Nothing here decides; it only writes down what the state says.
    fn write_outputs(&mut self, now: Mono, sense: &Sense, requests: &Requests) -> Outputs {
        let mut outputs = Outputs::OFF;
        if self.is_dead(sense) {
            self.last_open = None;
            self.last_close = None;
            return outputs;
        }
        let open = self.held || self.boom.pulses_open(now, &self.config);
        let close = self.boom.drives_close(now, &self.config) && (!open || cfg!(planted = "i8"));
        outputs.set(Output::Open, open);
        outputs.set(Output::Close, close);
        outputs.set(Output::Stop, self.stopped && self.config.stop_output);
        let rest_ms = self.config.reversal_rest_ms;
        let keep = |last: Option<Mono>, on: bool| if on { Some(now) } else { last.filter(|at| now.since(*at) < rest_ms) };
        self.last_open = keep(self.last_open, open);
        self.last_close = keep(self.last_close, close);
        let green = self.may_show_green(sense, requests);
        outputs.set(Output::LightGreen, green);
        outputs.set(Output::LightRed, !green);
        outputs.set(Output::Buzzer, requests.buzzer || self.alarm());
        outputs
    }

    /// Green is a promise that the boom is up and this vehicle may go.
    fn may_show_green(&self, sense: &Sense, requests: &Requests) -> bool {
        let going = self.live.as_ref().is_some_and(|live| live.raised) || self.regime == Regime::HeldOpen;
        requests.green && going && self.boom == Boom::Up && sense.complete && !self.stopped && !self.faults.at_least(Severity::Hold)
    }

    fn alarm(&self) -> bool {
        [Fault::WrongWay, Fault::Tailgate, Fault::UncommandedMovement, Fault::PassageUnclear]
            .into_iter()
            .any(|fault| self.faults.has(fault))
    }

    /// What is known of the boom.
    #[must_use]
    pub const fn boom(&self) -> Boom {
        self.boom
    }

    /// The live permit, if any, and whether Up was started under it.
    #[must_use]
    pub fn permit(&self) -> Option<(Permit, bool)> {
        self.live.as_ref().map(|live| (live.permit, live.raised))
    }

    /// Faults there are now.
    #[must_use]
    pub const fn faults(&self) -> FaultSet {
        self.faults
    }

    /// Has a complete fresh read been seen?
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.ready
    }

    /// Is Stop latched?
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Is a vehicle's end still awaited?
    #[must_use]
    pub const fn vehicle_under(&self) -> bool {
        self.track.is_some()
    }

    /// Moves every remembered time `ms` towards the past, for a model whose clock stands still. Ages saturate at the epoch, so the
    /// model's `now` must lie further from it than every limit.
    pub fn shift_times(&mut self, ms: u64) {
        let back = |at: &mut Mono| at.0 = at.0.saturating_sub(ms);
        for at in [&mut self.last_open, &mut self.last_close, &mut self.clear_since, &mut self.up_since] {
            at.iter_mut().for_each(back);
        }
        self.on_since.iter_mut().flatten().for_each(back);
        self.boom.times().for_each(back);
        if let Some(live) = &mut self.live {
            back(&mut live.permit.expires);
        }
        if let Some(track) = &mut self.track {
            track.times().for_each(back);
        }
    }
}
