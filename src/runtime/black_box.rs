//! The black box: a run is a function of its inputs, so a passage's inputs are recorded, opening with a snapshot of the lane as it was when the
//! store named the passage. `borderlane replay` feeds them to the same functions and compares the effects.

use super::recorder::{BoxPart, Job};
use crate::store::{BlackBoxEntry, BlackBoxOpening, BlackBoxWhat};
use lane_core::effect::Effect;
use lane_core::ids::{Digest, PassageId};
use lane_core::input::Input;
use lane_core::lane::Lane;
use lane_core::record::What;
use lane_core::time::Mono;
use sha2::{Digest as _, Sha256};

/// The core's version, as snapshots name it.
pub const CORE_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Entries gathered before they are handed to the store by themselves. Commonly they go with a turn's records and cost no commit of their own.
const FLUSH_ENTRIES: usize = 256;
/// Passages recorded at once: two in the lane, and those just leaving it.
const MAX_OPEN: usize = 4;

struct Open {
    passage: PassageId,
    /// Its passage ended in this turn: the box closes when the turn is done, so that it holds whole turns.
    ending: bool,
    /// The number of the first of `entries`, from 1: the store sees by it what it never got.
    first: u64,
    entries: Vec<BlackBoxEntry>,
}

impl Open {
    fn hand_over(&mut self, is_last: bool, jobs: &mut Vec<Job>) {
        let entries = std::mem::take(&mut self.entries);
        let part = BoxPart { first: self.first, entries, is_last };
        self.first += part.entries.len() as u64;
        jobs.push(Job::AppendBox(self.passage, part));
    }
}

/// Records turns of the lane.
#[derive(Default)]
pub struct BlackBox {
    open: Vec<Open>,
}

impl BlackBox {
    /// Before the turn: an input, and the lane as it is. Opens a box when the input names a passage.
    pub fn input(&mut self, at: Mono, input: &Input, lane: &Lane, jobs: &mut Vec<Job>) {
        if let Input::PassageOpened { passage, .. } = input {
            self.begin(*passage, lane, jobs);
        }
        if !self.open.is_empty() {
            self.add(at, BlackBoxWhat::Input, serde_json::to_vec(input), jobs);
        }
    }

    /// During the turn: an effect.
    pub fn effect(&mut self, at: Mono, effect: &Effect, jobs: &mut Vec<Job>) {
        if self.open.is_empty() {
            return;
        }
        self.add(at, BlackBoxWhat::Effect, serde_json::to_vec(effect), jobs);
        if let Effect::Record(record) = effect
            && let (What::PassageEnded { .. }, Some(passage)) = (&record.what, record.passage)
        {
            self.open.iter_mut().filter(|open| open.passage == passage).for_each(|open| open.ending = true);
        }
    }

    /// Is anything recorded?
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// After the turn. `flush`: the store is writing anyway.
    pub fn turn_done(&mut self, flush: bool, jobs: &mut Vec<Job>) {
        if flush {
            self.open.iter_mut().filter(|open| !open.ending && !open.entries.is_empty()).for_each(|open| open.hand_over(false, jobs));
        }
        while let Some(passage) = self.open.iter().find(|open| open.ending).map(|open| open.passage) {
            self.end(passage, jobs);
        }
    }

    fn begin(&mut self, passage: PassageId, lane: &Lane, jobs: &mut Vec<Job>) {
        if self.open.len() >= MAX_OPEN {
            let oldest = self.open[0].passage;
            self.end(oldest, jobs);
        }
        let rules = serde_json::to_vec(lane.rules()).unwrap_or_default();
        let opening = BlackBoxOpening {
            core_version: CORE_VERSION.to_owned(),
            rules: Digest(Sha256::digest(&rules).into()),
            utc_ms: None,
            snapshot: serde_json::to_vec(lane).unwrap_or_default(),
        };
        jobs.push(Job::OpenBox(passage, opening));
        self.open.push(Open { passage, ending: false, first: 1, entries: Vec::with_capacity(FLUSH_ENTRIES) });
    }

    fn add(&mut self, at: Mono, what: BlackBoxWhat, bytes: Result<Vec<u8>, serde_json::Error>, jobs: &mut Vec<Job>) {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, "an entry of the black box cannot be written down");
                for open in &mut self.open {
                    open.hand_over(false, jobs);
                    open.first += 1;
                }
                return;
            }
        };
        for open in &mut self.open {
            open.entries.push(BlackBoxEntry { what, at, bytes: bytes.clone() });
            if open.entries.len() >= FLUSH_ENTRIES {
                open.hand_over(false, jobs);
            }
        }
    }

    fn end(&mut self, passage: PassageId, jobs: &mut Vec<Job>) {
        if let Some(index) = self.open.iter().position(|open| open.passage == passage) {
            self.open.remove(index).hand_over(true, jobs);
        }
    }
}
