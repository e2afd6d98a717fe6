//! The downlink as a pure machine: what to do with replica and repair messages, and when to ask for repair.
//!
//! ```text
//!                    change that fits ─▶ Apply ─▶ applied
//!   copy at place ──┤ change with a gap, head ahead ─▶ ask for repair ─▶ missed changes, or manifest and parts (staged, then committed)
//!                    head reached ─▶ fresh as of its time
//! ```
//! One repair a collection at a time; without progress it is asked for again. Nothing is taken that is not newer than the copy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lane_link::keys::KeyRing;
use lane_link::replica::{
    Change, Collection, HeadSays, HeadTrack, Judged, Manifest, Place, RepairMessage, RepairRequest, ReplicaError, ReplicaMessage, Row,
    judge_change, open_change, open_head, open_manifest, open_part,
};
use std::collections::BTreeMap;

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// Ask the centre.
    Ask(RepairRequest),
    /// Give the change to the store, then [`Downlink::applied`] or [`Downlink::failed`].
    Apply(Change),
    /// Begin staging.
    Begin {
        /// Whose.
        collection: Collection,
        /// Where it leads.
        place: Place,
        /// Rows to come.
        rows: u64,
    },
    /// Stage rows; with `commit`, swap after them, then [`Downlink::applied`].
    Stage {
        /// Whose.
        collection: Collection,
        /// Upserts.
        rows: Vec<Row>,
        /// Where the swap leads, after the last part.
        commit: Option<Place>,
    },
    /// The copy is complete as of this time.
    Fresh {
        /// Whose.
        collection: Collection,
        /// UTC milliseconds.
        utc_ms: i64,
    },
}

#[derive(Debug, Default)]
struct Copy {
    place: Place,
    track: HeadTrack,
    wanted: Option<Place>,
    asked_ms: Option<u64>,
    snapshot: Option<(Manifest, u32)>,
}

/// The machine. `now_ms` is monotonic, `utc_ms` trusted wall time.
#[derive(Debug)]
pub struct Downlink {
    copies: BTreeMap<Collection, Copy>,
    repair_timeout_ms: u64,
}

impl Downlink {
    /// Empty copies.
    #[must_use]
    pub fn new(repair_timeout_ms: u64) -> Self {
        Self { copies: Collection::ALL.into_iter().map(|c| (c, Copy::default())).collect(), repair_timeout_ms }
    }

    fn copy(&mut self, collection: Collection) -> &mut Copy {
        self.copies.entry(collection).or_default()
    }

    /// A copy as the store keeps it.
    pub fn restore(&mut self, collection: Collection, place: Place, head_utc_ms: Option<i64>) {
        let copy = self.copy(collection);
        copy.place = place;
        copy.track = HeadTrack::restored(head_utc_ms);
        copy.wanted.take_if(|wanted| wanted.epoch == place.epoch && wanted.revision <= place.revision);
    }

    /// Where a copy stands, and the time of the newest head it has reached.
    #[must_use]
    pub fn state(&self, collection: Collection) -> (Place, Option<i64>) {
        self.copies.get(&collection).map_or((Place::default(), None), |c| (c.place, c.track.reached_utc_ms()))
    }

    /// The connection is new: what was being repaired is asked for again.
    pub fn reconnected(&mut self) {
        for copy in self.copies.values_mut() {
            copy.asked_ms = None;
            copy.snapshot = None;
        }
    }

    /// A message of `replica/{collection}`.
    ///
    /// # Errors
    /// [`ReplicaError`]: not believed, not understood or not newer; nothing changes.
    pub fn replica(
        &mut self,
        collection: Collection,
        bytes: &[u8],
        ring: &KeyRing,
        utc_ms: Option<i64>,
        now_ms: u64,
    ) -> Result<Step, ReplicaError> {
        let message: ReplicaMessage = serde_json::from_slice(bytes).map_err(|e| ReplicaError::Bounds(e.to_string()))?;
        match message {
            ReplicaMessage::Change(envelope) => {
                let change = open_change(&envelope, collection, ring, utc_ms)?;
                self.change(change, ring, now_ms)
            }
            ReplicaMessage::Head(envelope) => {
                let head = open_head(&envelope, collection, ring, utc_ms)?;
                let copy = self.copy(collection);
                match copy.track.take(head, copy.place)? {
                    HeadSays::Complete => Ok(Step::Fresh { collection, utc_ms: head.utc_ms }),
                    HeadSays::Behind => Ok(self.want(collection, Place { epoch: head.epoch, revision: head.revision }, now_ms)),
                }
            }
        }
    }

    fn change(&mut self, change: Change, ring: &KeyRing, now_ms: u64) -> Result<Step, ReplicaError> {
        let collection = change.collection;
        let wanted_epoch = ring.epoch(collection);
        let copy = self.copy(collection);
        match judge_change(&change, copy.place, wanted_epoch) {
            Judged::Apply => {
                if copy.asked_ms.is_some() {
                    copy.asked_ms = Some(now_ms);
                }
                Ok(Step::Apply(change))
            }
            Judged::Have => Ok(Step::Nothing),
            Judged::Gap => Ok(self.want(collection, Place { epoch: change.epoch, revision: change.revision }, now_ms)),
            Judged::OtherEpoch => Err(ReplicaError::Epoch { offered: change.epoch, wanted: wanted_epoch }),
        }
    }

    fn want(&mut self, collection: Collection, wanted: Place, now_ms: u64) -> Step {
        let timeout = self.repair_timeout_ms;
        let copy = self.copy(collection);
        copy.wanted = Some(wanted);
        if copy.asked_ms.is_some_and(|at| now_ms.saturating_sub(at) < timeout) {
            return Step::Nothing;
        }
        copy.asked_ms = Some(now_ms);
        copy.snapshot = None;
        Step::Ask(RepairRequest { collection, epoch: copy.place.epoch, revision: copy.place.revision })
    }

    /// A message of this lane's `repair`.
    ///
    /// # Errors
    /// [`ReplicaError`]: nothing changes; a snapshot with a wrong part is given up.
    pub fn repair(&mut self, bytes: &[u8], ring: &KeyRing, utc_ms: Option<i64>, now_ms: u64) -> Result<Step, ReplicaError> {
        let message: RepairMessage = serde_json::from_slice(bytes).map_err(|e| ReplicaError::Bounds(e.to_string()))?;
        match message {
            RepairMessage::Change { collection, envelope } => {
                let change = open_change(&envelope, collection, ring, utc_ms)?;
                self.change(change, ring, now_ms)
            }
            RepairMessage::Manifest { collection, envelope } => {
                let have = self.copy(collection).place;
                let manifest = open_manifest(&envelope, collection, ring, utc_ms, have)?;
                let copy = self.copy(collection);
                let place = Place { epoch: manifest.epoch, revision: manifest.revision };
                let rows = manifest.rows;
                copy.asked_ms = Some(now_ms);
                copy.snapshot = Some((manifest, 0));
                Ok(Step::Begin { collection, place, rows })
            }
            RepairMessage::Part { collection, index, bytes_b64 } => self.part(collection, index, &bytes_b64, now_ms),
        }
    }

    fn part(&mut self, collection: Collection, index: u32, bytes_b64: &str, now_ms: u64) -> Result<Step, ReplicaError> {
        let copy = self.copy(collection);
        let Some((manifest, next)) = &mut copy.snapshot else { return Ok(Step::Nothing) };
        if index < *next {
            return Ok(Step::Nothing);
        }
        let opened = if index == *next {
            BASE64.decode(bytes_b64).map_err(|_| ReplicaError::Part(index)).and_then(|bytes| open_part(manifest, index, &bytes))
        } else {
            Err(ReplicaError::Part(index))
        };
        let rows = match opened {
            Ok(rows) => rows,
            Err(error) => {
                copy.snapshot = None;
                return Err(error);
            }
        };
        *next += 1;
        let last = *next as usize == manifest.parts.len();
        let place = Place { epoch: manifest.epoch, revision: manifest.revision };
        copy.asked_ms = Some(now_ms);
        Ok(Step::Stage { collection, rows, commit: last.then_some(place) })
    }

    /// A snapshot without parts is complete when it begins.
    #[must_use]
    pub fn empty_snapshot(&self, collection: Collection) -> bool {
        self.copies.get(&collection).and_then(|c| c.snapshot.as_ref()).is_some_and(|(m, _)| m.parts.is_empty())
    }

    /// The store has applied a change or committed a snapshot: the copy is at `place`.
    pub fn applied(&mut self, collection: Collection, place: Place) -> Step {
        let copy = self.copy(collection);
        copy.place = place;
        copy.snapshot.take_if(|(m, _)| m.revision <= place.revision || m.epoch != place.epoch);
        if copy.wanted.is_none_or(|w| w.epoch == place.epoch && w.revision <= place.revision) {
            copy.wanted = None;
            copy.asked_ms = None;
        }
        let before = copy.track.reached_utc_ms();
        copy.track.reach(place);
        match copy.track.reached_utc_ms() {
            Some(utc_ms) if copy.track.reached_utc_ms() != before => Step::Fresh { collection, utc_ms },
            _ => Step::Nothing,
        }
    }

    /// The store did not apply it; `at`: it says where the copy really is.
    pub fn failed(&mut self, collection: Collection, at: Option<Place>) {
        let copy = self.copy(collection);
        copy.snapshot = None;
        if let Some(place) = at {
            copy.place = place;
        }
    }

    /// Repairs to ask for again.
    pub fn due(&mut self, now_ms: u64) -> Vec<RepairRequest> {
        let timeout = self.repair_timeout_ms;
        let mut requests = Vec::new();
        for (collection, copy) in &mut self.copies {
            let late = copy.asked_ms.is_none_or(|at| now_ms.saturating_sub(at) >= timeout);
            if copy.wanted.is_some() && late {
                copy.asked_ms = Some(now_ms);
                copy.snapshot = None;
                let Place { epoch, revision } = copy.place;
                requests.push(RepairRequest { collection: *collection, epoch, revision });
            }
        }
        requests
    }
}
