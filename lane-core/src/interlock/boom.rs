//! What we believe of the boom, what the limits say against it, and the movements that follow.

use super::config::{Closing, Config, Drive};
use super::message::{Event, Movement};
use super::sense::{Limits, Sense};
use super::{Interlock, Regime};
use crate::fault::{Fault, Severity};
use crate::permit::PermitEnd;
use crate::signal::Tri;
use crate::time::Mono;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Why the boom comes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fall {
    /// By our Down.
    Commanded,
    /// By its own board, as the profile says.
    SelfClosing,
    /// By nobody we know.
    Uncommanded,
}

/// The boom, as far as we may claim to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boom {
    /// Nothing complete was read yet.
    Unknown,
    /// At rest on the lower limit.
    Down,
    /// On its way up by our command.
    Rising {
        /// When Up began.
        since: Mono,
        /// It saves what is under the boom; it admits nobody.
        corrective: bool,
    },
    /// At rest on the upper limit.
    Up,
    /// On its way down.
    Falling {
        /// When it began.
        since: Mono,
        /// Why.
        by: Fall,
    },
    /// Down was cut; Up follows after the rest.
    Reversing {
        /// When Down was cut.
        since: Mono,
    },
    /// Between the limits, motion unknown.
    Adrift {
        /// Since when.
        since: Mono,
    },
}

impl Boom {
    /// Belief from the limits alone, while nothing is commanded.
    pub(super) fn watched(self, limits: Limits, now: Mono) -> Self {
        match (limits, self) {
            (Limits::Up, _) => Self::Up,
            (Limits::Down, _) => Self::Down,
            (Limits::Between | Limits::Both, Self::Adrift { since }) => Self::Adrift { since },
            (Limits::Between | Limits::Both, _) => Self::Adrift { since: now },
            (Limits::Unknown, Self::Rising { .. } | Self::Falling { .. } | Self::Reversing { .. }) => Self::Adrift { since: now },
            (Limits::Unknown, other) => other,
        }
    }

    pub(super) fn pulses_open(self, now: Mono, config: &Config) -> bool {
        matches!(self, Self::Rising { since, .. } if config.drive == Drive::Pulse && now.since(since) < config.pulse_ms)
    }

    pub(super) fn drives_close(self, now: Mono, config: &Config) -> bool {
        match self {
            Self::Falling { since, by: Fall::Commanded } => config.drive == Drive::Maintained || now.since(since) < config.pulse_ms,
            _ => false,
        }
    }

    pub(super) fn times(&mut self) -> impl Iterator<Item = &mut Mono> {
        match self {
            Self::Rising { since, .. } | Self::Falling { since, .. } | Self::Reversing { since } | Self::Adrift { since } => Some(since),
            Self::Unknown | Self::Down | Self::Up => None,
        }
        .into_iter()
    }
}

impl Interlock {
    /// Compares the limits with what we believe (I2, I8, I15).
    pub(super) fn observe_boom(&mut self, now: Mono, sense: &Sense, events: &mut Vec<Event>) {
        match self.boom {
            Boom::Unknown => {}
            Boom::Down => self.observe_down(now, sense, events),
            Boom::Up => self.observe_up(now, sense, events),
            Boom::Rising { since, .. } => self.observe_rising(now, since, sense, events),
            Boom::Falling { since, by } => self.observe_falling(now, since, by, sense, events),
            Boom::Reversing { since } => {
                let rested = now.since(since) >= self.config.reversal_rest_ms;
                if rested && sense.limits == Limits::Down && sense.under == Tri::Off {
                    // It arrived before it could be turned, and there is nothing to free.
                    self.reach_down(events);
                } else if rested && !cfg!(planted = "i2") {
                    self.start_up(now, true, events);
                }
            }
            Boom::Adrift { since } => self.observe_adrift(now, since, sense, events),
        }
    }

    fn observe_down(&mut self, now: Mono, sense: &Sense, events: &mut Vec<Event>) {
        if matches!(sense.limits, Limits::Down | Limits::Unknown) {
            return;
        }
        if sense.limits == Limits::Both {
            self.boom = Boom::Adrift { since: now };
            return;
        }
        self.uncommanded(now, sense.under == Tri::On, sense, events);
    }

    fn observe_up(&mut self, now: Mono, sense: &Sense, events: &mut Vec<Event>) {
        if matches!(sense.limits, Limits::Up | Limits::Unknown) {
            return;
        }
        if sense.limits == Limits::Both {
            self.boom = Boom::Adrift { since: now };
            return;
        }
        let expected = self.config.closing == Closing::SelfClosing && !self.held;
        if expected && sense.under == Tri::Off {
            self.boom = Boom::Falling { since: now, by: Fall::SelfClosing };
            if sense.limits == Limits::Down {
                self.reach_down(events);
            }
        } else {
            self.uncommanded(now, sense.under != Tri::Off, sense, events);
        }
    }

    /// I15: the boom left a limit that we did not tell it to leave.
    fn uncommanded(&mut self, now: Mono, presence: bool, sense: &Sense, events: &mut Vec<Event>) {
        self.faults.raise(Fault::UncommandedMovement);
        if presence && !cfg!(planted = "i15") {
            self.start_up(now, true, events);
            return;
        }
        let fell = self.boom == Boom::Up;
        self.boom = match sense.limits {
            Limits::Between if fell => Boom::Falling { since: now, by: Fall::Uncommanded },
            limits => Boom::watched(self.boom, limits, now),
        };
    }

    fn observe_rising(&mut self, now: Mono, since: Mono, sense: &Sense, events: &mut Vec<Event>) {
        let told = self.config.drive == Drive::Maintained || now.since(since) >= self.config.pulse_ms;
        if sense.limits == Limits::Up && told {
            self.boom = Boom::Up;
            events.push(Event::BoomUp);
        } else if now.since(since) >= self.config.travel_limit_ms && !cfg!(planted = "i8") {
            self.faults.raise(Fault::TravelTimeout);
            // A held Open of a self-closing boom keeps it from falling: it is released by a touch only.
            self.held &= self.config.closing == Closing::SelfClosing;
            self.boom = Boom::watched(Boom::Unknown, sense.limits, now);
            if self.boom == Boom::Unknown {
                self.boom = Boom::Adrift { since: now };
            }
        }
    }

    fn observe_falling(&mut self, now: Mono, since: Mono, by: Fall, sense: &Sense, events: &mut Vec<Event>) {
        let commanded = by == Fall::Commanded;
        // I1 is asked anew in every scan of a commanded Down.
        let cut = commanded && !self.may_close(now, sense);
        let threat = if commanded { sense.presence() } else { sense.under };
        if sense.limits == Limits::Down {
            self.reach_down(events);
        } else if threat != Tri::Off && !cfg!(planted = "i1") {
            events.push(Event::Reversed);
            if commanded {
                self.boom = Boom::Reversing { since: now };
            } else {
                self.start_up(now, true, events);
            }
        } else if sense.limits == Limits::Up && !commanded {
            self.boom = Boom::Up;
        } else if cut {
            self.boom = Boom::Adrift { since: now };
        } else if now.since(since) >= self.config.travel_limit_ms && !cfg!(planted = "i8") {
            self.faults.raise(Fault::TravelTimeout);
            self.boom = Boom::Adrift { since: now };
        }
    }

    fn observe_adrift(&mut self, now: Mono, since: Mono, sense: &Sense, events: &mut Vec<Event>) {
        match sense.limits {
            Limits::Up => {
                self.boom = Boom::Up;
                events.push(Event::BoomUp);
            }
            Limits::Down => self.reach_down(events),
            Limits::Between | Limits::Both | Limits::Unknown => {
                if now.since(since) >= self.config.travel_limit_ms {
                    self.faults.raise(Fault::TravelTimeout);
                    self.boom = Boom::Adrift { since: Mono(now.0.saturating_sub(self.config.travel_limit_ms)) };
                } else if sense.under == Tri::On && !self.faults.has(Fault::TravelTimeout) {
                    events.push(Event::Reversed);
                    self.boom = Boom::Reversing { since: now };
                }
            }
        }
    }

    fn reach_down(&mut self, events: &mut Vec<Event>) {
        self.boom = Boom::Down;
        self.close_wanted = false;
        events.push(Event::BoomDown);
        if self.track.is_none() {
            // The board closed before the vehicle came: the permit was used.
            self.end_permit_if(|live| live.raised, PermitEnd::Expired, events);
        }
    }

    /// Up on, in this scan.
    pub(super) fn start_up(&mut self, now: Mono, corrective: bool, events: &mut Vec<Event>) {
        self.boom = Boom::Rising { since: now, corrective };
        self.held = self.config.drive == Drive::Maintained;
        self.close_wanted = true;
        let (movement, permit) = match (&self.live, corrective) {
            (Some(live), false) => (Movement::AdmittingUp, Some(live.permit.id)),
            _ => (Movement::CorrectiveUp, None),
        };
        events.push(Event::MovementStarted { movement, permit });
    }

    /// What the lane's state asks for, where everything allows it.
    pub(super) fn move_if_allowed(&mut self, now: Mono, sense: &Sense, events: &mut Vec<Event>) {
        if self.raise_if_permitted(now, sense, events) {
            return;
        }
        let resting = matches!(self.boom, Boom::Up | Boom::Adrift { .. });
        if resting && self.wants_down() && self.may_close(now, sense) {
            self.lower(now, events);
        } else if self.may_hold_again(sense) {
            self.held = true;
            events.push(Event::MovementStarted { movement: Movement::CorrectiveUp, permit: None });
        }
    }

    /// L2: a boom that we opened (or that a person asked to close) comes down when nobody needs it up.
    fn wants_down(&self) -> bool {
        self.close_wanted && self.track.is_none() && self.live.is_none() && !cfg!(planted = "l2")
    }

    fn lower(&mut self, now: Mono, events: &mut Vec<Event>) {
        if self.held {
            self.held = false;
            if self.config.closing == Closing::SelfClosing {
                events.push(Event::MovementStarted { movement: Movement::Release, permit: None });
            }
            return;
        }
        if self.config.closing == Closing::Commanded && (self.last_open.is_none() || cfg!(planted = "i8")) {
            self.boom = Boom::Falling { since: now, by: Fall::Commanded };
            events.push(Event::MovementStarted { movement: Movement::Down, permit: None });
        }
    }

    /// A released Open is taken back when something comes under a boom that has not begun to fall.
    fn may_hold_again(&self, sense: &Sense) -> bool {
        self.config.drive == Drive::Maintained
            && self.config.closing == Closing::SelfClosing
            && self.boom == Boom::Up
            && !self.held
            && self.close_wanted
            && sense.under != Tri::Off
            && self.regime != Regime::Dead
    }

    /// I15 and every other blocking fault take the permit away. In doubt alone does not: its vehicle may still be there.
    pub(super) fn end_permit_on_block(&mut self, events: &mut Vec<Event>) {
        let mut faults = self.faults;
        faults.clear(Fault::PassageUnclear);
        if faults.at_least(Severity::Block) {
            self.end_permit(PermitEnd::Fault, events);
        }
    }
}
