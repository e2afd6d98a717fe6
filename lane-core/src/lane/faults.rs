//! Faults are levels with one owner each. The lane owns those of its own inputs; the interlock and the runtime say theirs.
//!
//! A *blocking* fault stands until its owner sees it gone **and** a person at the lane has reset it (I5). The interlock latches its own; what the
//! runtime raises is latched here. A few of lesser severity wait for a person too: what happened must have been looked at.

use super::Lane;
use crate::fault::{Fault, Severity};
use crate::input::{CameraState, ScaleState};
use crate::record::What;
use crate::signal::{Signal, Tri};
use crate::time::{Mono, WallQuality};
use crate::weight::WeightUnknown;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) fault: Fault,
    pub(super) since: Mono,
    /// Its owner sees it; else it only waits for a person.
    there: bool,
}

/// The faults that stand, worst first, then in the order of the enum.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(super) struct FaultTable {
    standing: Vec<Standing>,
}

impl FaultTable {
    /// The worst severity that stands.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.standing.first().map(|standing| standing.fault.severity())
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.standing.iter().any(|standing| standing.fault == fault)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Standing> {
        self.standing.iter()
    }

    pub(super) fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        self.standing.iter_mut().for_each(|standing| f(&mut standing.since));
    }

    fn raise(&mut self, fault: Fault, now: Mono) -> bool {
        if let Some(standing) = self.standing.iter_mut().find(|standing| standing.fault == fault) {
            standing.there = true;
            return false;
        }
        self.standing.push(Standing { fault, since: now, there: true });
        self.standing.sort_by_key(|standing| (core::cmp::Reverse(standing.fault.severity()), standing.fault));
        true
    }

    fn remove(&mut self, fault: Fault) -> bool {
        let before = self.standing.len();
        self.standing.retain(|standing| standing.fault != fault);
        self.standing.len() != before
    }
}

/// Stands until a person at the lane looked, whatever its owner sees.
fn waits_for_a_person(fault: Fault) -> bool {
    fault.severity() == Severity::Block || matches!(fault, Fault::LedgerRestored | Fault::WithdrawnUnderway)
}

impl Lane {
    /// A fault of the runtime's or the lane's own.
    pub(super) fn set_fault(&mut self, fault: Fault, raised: bool) {
        if !raised && waits_for_a_person(fault) && !cfg!(planted = "lane_i5_latch") {
            if let Some(standing) = self.faults.standing.iter_mut().find(|standing| standing.fault == fault) {
                standing.there = false;
            }
            return;
        }
        self.owner_says(fault, raised);
    }

    /// Something happened that a person at the lane must have looked at; nobody sees it stand.
    pub(super) fn fault_to_be_seen(&mut self, fault: Fault) {
        if self.faults.has(fault) {
            return;
        }
        self.owner_says(fault, true);
        if let Some(standing) = self.faults.standing.iter_mut().find(|standing| standing.fault == fault) {
            standing.there = false;
        }
    }

    /// A fault whose owner latches it itself.
    pub(super) fn owner_says(&mut self, fault: Fault, raised: bool) {
        let changed = if raised { self.faults.raise(fault, self.now) } else { self.faults.remove(fault) };
        if changed {
            let passage = self.passage();
            self.say(passage, What::Fault { fault, raised });
        }
    }

    /// A person at the lane looked: what is no longer there, and what only had to be seen, goes.
    pub(super) fn reset_faults(&mut self) {
        let seen = |standing: &&Standing| {
            let only_to_be_seen = matches!(standing.fault, Fault::LedgerRestored | Fault::WithdrawnUnderway | Fault::Internal);
            only_to_be_seen || !standing.there
        };
        let gone: Vec<Fault> = self.faults.standing.iter().filter(seen).map(|standing| standing.fault).collect();
        for fault in gone {
            self.owner_says(fault, false);
        }
    }

    /// The lane's own faults, as levels. What has not reported yet is not broken: nothing is judged before the first full read, for a while.
    pub(super) fn levels(&mut self) {
        let is_over = |since: Mono| self.ready || self.now.since(since) >= super::BOOT_GRACE_MS;
        self.booting_since = self.booting_since.filter(|since| !is_over(*since));
        if self.booting_since.is_some() {
            return;
        }
        let camera = |states: &[CameraState]| self.cameras.iter().any(|state| states.contains(state));
        let why = if self.scale == ScaleState::Absent { None } else { self.platform.why(self.now) };
        let silent = !matches!(self.scale, ScaleState::Absent | ScaleState::Streaming) || why == Some(WeightUnknown::Silent);
        let stale = self.knowledge_age_s().is_some_and(|age| age > self.rules.timing.cache_age_max_s);
        let levels = [
            (Fault::StoreFailed, self.store.is_some_and(|store| !store.can_commit)),
            (Fault::DiskNearlyFull, self.store.is_some_and(|store| store.nearly_full)),
            (Fault::Tamper, self.signal(Signal::Tamper) == Some(Tri::On)),
            (Fault::ScaleSilent, silent),
            (Fault::ScaleProblem, matches!(why, Some(WeightUnknown::IndicatorProblem | WeightUnknown::ZeroNotCaptured))),
            (Fault::CameraFrozen, camera(&[CameraState::Frozen, CameraState::NoFrames])),
            (Fault::CameraDown, camera(&[CameraState::Down])),
            (Fault::CameraUntrusted, self.cameras.iter().any(|state| state.is_untrusted())),
            (Fault::CameraPoor, self.cameras.iter().any(|state| state.sees_badly())),
            (Fault::ClockUntrusted, self.wall.0.quality == WallQuality::Untrusted),
            (Fault::KnowledgeStale, stale),
            (Fault::CentreLinkLost, !self.freshness.link_up),
        ];
        for (fault, there) in levels {
            if there != self.faults.has(fault) {
                self.owner_says(fault, there);
            }
        }
    }

    /// Age of the replicas; `None`: unknown.
    pub(super) fn knowledge_age_s(&self) -> Option<u32> {
        let now = self.wall_now().trusted()?;
        let head = self.freshness.head_utc_ms?;
        Some(u32::try_from(now.saturating_sub(head).max(0) / 1000).unwrap_or(u32::MAX))
    }
}
