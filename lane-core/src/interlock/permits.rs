//! The life of a permit inside the interlock (I3): `granted ──▶ raised ──▶ ended`, once.

use super::boom::{Boom, Fall};
use super::message::{Event, Refusal, Regime, Requests};
use super::sense::Sense;
use super::{Interlock, REMEMBERED_PERMITS};
use crate::fault::Severity;
use crate::ids::PermitId;
use crate::permit::{Permit, PermitEnd, PermitKind};
use crate::signal::Tri;
use crate::time::Mono;
use alloc::vec::Vec;

/// The permit that lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Live {
    pub permit: Permit,
    /// Up was started under it.
    pub raised: bool,
    /// Vehicles it admitted so far.
    pub admitted: u8,
}

impl Live {
    pub fn suits(&self, regime: Regime) -> bool {
        match regime {
            Regime::Normal | Regime::HeldOpen => self.permit.kind != PermitKind::Test,
            Regime::BringUp => self.permit.kind == PermitKind::Test,
            Regime::Dead => false,
        }
    }

    pub const fn is_expired(&self, now: Mono) -> bool {
        now.0 >= self.permit.expires.0 && !cfg!(planted = "i3")
    }

    fn has_room(&self) -> bool {
        match self.permit.kind {
            PermitKind::Passage => self.admitted == 0 || cfg!(planted = "i4"),
            PermitKind::Group { count } => self.admitted < count || cfg!(planted = "i4_group"),
            PermitKind::Emergency => true,
            PermitKind::Test => false,
        }
    }

    /// May a vehicle whose front comes onto the boom line now pass under it?
    pub fn admits(&self, now: Mono) -> bool {
        self.raised && self.has_room() && !self.is_expired(now)
    }

    /// Nobody else can pass under it.
    pub fn is_full(&self) -> bool {
        !self.has_room() && self.permit.kind != PermitKind::Test
    }
}

impl Interlock {
    /// Before the vehicle is tracked: a permit taken back in the scan of its entry admits nobody.
    pub(super) fn handle_revoke(&mut self, requests: &Requests, events: &mut Vec<Event>) {
        if let Some((id, end)) = requests.revoke {
            let by_person = end == PermitEnd::EndedByPerson;
            self.end_permit_if(|live| live.permit.id == id && (by_person || live.admitted == 0), end, events);
        }
    }

    pub(super) fn handle_permits(&mut self, now: Mono, sense: &Sense, requests: &Requests, events: &mut Vec<Event>) {
        if self.track.is_none() {
            self.end_permit_if(|live| live.is_expired(now), PermitEnd::Expired, events);
        }
        if let Some(permit) = requests.grant {
            match self.consider_grant(now, sense, &permit) {
                Ok(()) => {
                    self.live = Some(Live { permit, raised: false, admitted: 0 });
                    events.push(Event::PermitAccepted(permit.id));
                }
                Err(why) => {
                    if self.live.is_none_or(|live| live.permit.id != permit.id) {
                        self.remember(permit.id);
                    }
                    events.push(Event::PermitRefused(permit.id, why));
                }
            }
        }
    }

    fn consider_grant(&self, now: Mono, sense: &Sense, permit: &Permit) -> Result<(), Refusal> {
        let live = Live { permit: *permit, raised: false, admitted: 0 };
        if permit.id.boot != self.boot {
            Err(Refusal::ForeignBoot)
        } else if self.ended.contains(&Some(permit.id)) && !cfg!(planted = "i3") {
            Err(Refusal::Used)
        } else if self.live.is_some() {
            Err(Refusal::AnotherLive)
        } else if live.is_expired(now) {
            Err(Refusal::Expired)
        } else if self.faults.at_least(Severity::Hold) {
            Err(Refusal::Fault)
        } else if !live.suits(self.regime) {
            Err(Refusal::Regime)
        } else if permit.kind == PermitKind::Test && !Self::proven_empty(sense) {
            Err(Refusal::NotEmpty)
        } else {
            Ok(())
        }
    }

    fn proven_empty(sense: &Sense) -> bool {
        cfg!(planted = "i3_test") || (sense.complete && sense.presence() == Tri::Off && sense.before == Tri::Off)
    }

    /// I3: the start of an admitting Up. Says whether it began.
    pub(super) fn raise_if_permitted(&mut self, now: Mono, sense: &Sense, events: &mut Vec<Event>) -> bool {
        let Some(live) = self.live else { return false };
        let place = matches!(self.boom, Boom::Down | Boom::Up | Boom::Falling { by: Fall::SelfClosing, .. });
        let rested = self.last_close.is_none();
        let empty = live.permit.kind != PermitKind::Test || Self::proven_empty(sense);
        let may = !live.raised
            && !live.is_expired(now)
            && sense.complete
            && !self.faults.at_least(Severity::Hold)
            && place
            && rested
            && empty
            // What stands behind an earlier vehicle waits until that one's end was seen.
            && self.track.is_none();
        if !may {
            return false;
        }
        if let Some(live) = &mut self.live {
            live.raised = true;
        }
        self.start_up(now, false, events);
        true
    }

    pub(super) fn end_permit(&mut self, end: PermitEnd, events: &mut Vec<Event>) {
        self.end_permit_if(|_| true, end, events);
    }

    pub(super) fn end_permit_if(&mut self, ends: impl FnOnce(&Live) -> bool, end: PermitEnd, events: &mut Vec<Event>) {
        if self.live.as_ref().is_some_and(ends)
            && let Some(live) = self.live.take()
        {
            self.remember(live.permit.id);
            events.push(Event::PermitEnded(live.permit.id, end));
        }
    }

    /// A permit that ended or was refused never lives again. The newest names are kept.
    pub(super) fn remember(&mut self, id: PermitId) {
        if !self.ended.contains(&Some(id)) {
            self.ended.rotate_right(1);
            self.ended[0] = Some(id);
        }
        debug_assert!(self.ended.len() == REMEMBERED_PERMITS);
    }
}
