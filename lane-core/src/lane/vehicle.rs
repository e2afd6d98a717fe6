//! One vehicle's stay: everything that was learnt of it, and nothing of any other (I10).

use crate::declaration::{Confirmation, Declaration, LookupAnswer};
use crate::ids::{DeclarationId, Digest, PassageId, Revision, VisitToken};
use crate::input::{Camera, Picture};
use crate::officer::Officer;
use crate::plate::{Chosen, PlateText, Read, Side, TrackNumber, Tracks, VoteRules};
use crate::time::Mono;
use crate::verdict::{CheckKind, CheckResult, Outcome, Verdict};
use crate::weight::Weighing;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Where a vehicle was last sensed: it tells how it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Place {
    /// On the approach loop or the platform's far end.
    Approach,
    /// On the platform.
    Platform,
    /// On the boom line.
    Boom,
}

/// What a person decided against the vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Ban {
    Hold,
    Refuse,
    Divert,
}

/// A person's decision, with the person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Decision {
    pub(super) ban: Ban,
    pub(super) by: Officer,
}

/// Likeliest texts that are kept for the screen.
pub(super) const MAX_TEXTS: usize = 5;

/// The plate that was read, of all in view the vehicle's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Best {
    /// Likeliest texts with their probabilities in parts per million, best first; 1 to [`MAX_TEXTS`].
    pub(super) texts: Vec<(PlateText, u32)>,
    /// Frames.
    pub(super) frames: u16,
    /// The tracks it was seen on.
    pub(super) tracks: Vec<TrackNumber>,
    /// Another plate in view may as well be the vehicle's.
    pub(super) contested: bool,
}

/// One plate of the vehicle, as one camera saw it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(super) struct Plate {
    tracks: Tracks,
    best: Option<Best>,
    pub(super) last_at: Option<Mono>,
    /// As a person named it.
    pub(super) corrected: Option<PlateText>,
    /// Pictures, the best of each track and of none; at most [`MAX_PICTURES`].
    pictures: Vec<Picture>,
    /// The text and the picture that were recorded last.
    pub(super) recorded: Option<(PlateText, Option<Digest>)>,
}

/// Pictures that are remembered of one plate.
const MAX_PICTURES: usize = 6;

impl Plate {
    /// Takes a read; true when the likeliest text changed, or whose plate it is.
    pub(super) fn push(&mut self, camera: Camera, track: TrackNumber, acquired_at: Mono, read: Read, rules: &VoteRules) -> bool {
        self.tracks.push(track, acquired_at, read, rules);
        self.last_at = self.last_at.max(Some(acquired_at));
        let key = |best: &Option<Best>| best.as_ref().map(|best| (best.texts.first().copied().map(|(text, _)| text), best.contested));
        let before = key(&self.best);
        self.best = self.chosen(camera, rules).map(|chosen| Best {
            texts: chosen.fused.likely_texts(MAX_TEXTS).iter().map(|one| (one.text, one.log_prob.to_ppm())).collect(),
            frames: chosen.fused.reads,
            tracks: chosen.numbers,
            contested: chosen.contested,
        });
        before != key(&self.best)
    }

    /// The vehicle's plate among those in view, fused.
    pub(super) fn chosen(&self, camera: Camera, rules: &VoteRules) -> Option<Chosen> {
        let side = if camera == Camera::Front { Side::Front } else { Side::Tail };
        self.tracks.choose(side, rules)
    }

    pub(super) const fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    pub(super) fn best_text(&self) -> Option<PlateText> {
        self.best.as_ref().and_then(|best| best.texts.first()).map(|(text, _)| *text)
    }

    /// Was this track seen on the plate that was chosen?
    pub(super) fn is_on(&self, track: TrackNumber) -> bool {
        self.best.as_ref().is_some_and(|best| best.tracks.contains(&track))
    }

    /// Keeps the best picture of each track; true when it is kept.
    pub(super) fn take_picture(&mut self, picture: Picture) -> bool {
        if let Some(kept) = self.pictures.iter_mut().find(|kept| kept.track == picture.track) {
            // A snapshot of no track shows the newest; of a track the best is kept.
            let better = picture.track.is_none() || picture.worth_permille >= kept.worth_permille;
            if better {
                *kept = picture;
            }
            return better;
        }
        if self.pictures.len() >= MAX_PICTURES
            && let Some((least, _)) = self.pictures.iter().enumerate().min_by_key(|(_, kept)| kept.worth_permille)
        {
            self.pictures.remove(least);
        }
        self.pictures.push(picture);
        true
    }

    /// The best picture of the plate that was chosen; without one a picture of no plate in particular; never one of another plate.
    pub(super) fn picture(&self) -> Option<&Picture> {
        let of_plate = self.pictures.iter().filter(|picture| picture.track.is_some_and(|track| self.is_on(track)));
        of_plate.max_by_key(|picture| picture.worth_permille).or_else(|| self.pictures.iter().find(|picture| picture.track.is_none()))
    }

    pub(super) fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        self.tracks.shift_times(f);
        self.last_at.iter_mut().for_each(f);
    }
}

/// What changes a verdict's meaning: the ages in its facts do not.
pub(super) type Judged = Vec<(CheckKind, CheckResult, Outcome)>;

/// The meaning of a verdict.
pub(super) fn judged(verdict: &Verdict) -> Judged {
    verdict.checks.iter().map(|check| (check.kind, check.result, check.leads_to)).collect()
}

/// One vehicle.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Vehicle {
    pub(super) visit: VisitToken,
    pub(super) passage: Option<PassageId>,
    /// First sensed.
    pub(super) since: Mono,
    /// First in the lane since.
    pub(super) served_since: Mono,
    pub(super) place: Place,
    /// Pictures taken before show another vehicle, by camera (I10).
    pub(super) reads_from: [Mono; 2],
    /// Its front was on the boom line.
    pub(super) reached_boom: bool,
    /// Presence is quiet since; it still counts as here.
    pub(super) quiet_since: Option<Mono>,
    /// Presence is not surely there since: quiet or unknown.
    pub(super) unsure_since: Option<Mono>,
    /// It was on the platform's far end.
    pub(super) reached_platform: bool,
    /// A passing verdict alone does not open (any more).
    pub(super) needs_person: bool,
    /// It came through the exit.
    pub(super) wrong_way: bool,
    /// It came under the open boom without a permit of its own.
    pub(super) tailgating: bool,
    /// It moved up behind one that passed, and was not sensed since.
    pub(super) moved_up_unseen: bool,
    pub(super) front: Plate,
    pub(super) rear: Plate,
    pub(super) weighing: Option<Weighing>,
    /// The weighing, or its absence, stands in the ledger.
    pub(super) weight_recorded: bool,
    pub(super) axles: Option<u8>,
    /// Plates of the last question.
    pub(super) asked: Vec<PlateText>,
    pub(super) question: u16,
    /// The last question is not answered yet.
    pub(super) waiting: bool,
    pub(super) answer: Option<LookupAnswer>,
    /// A person chose among competing declarations.
    pub(super) choice: Option<DeclarationId>,
    pub(super) chosen: Vec<Declaration>,
    pub(super) competing: Vec<DeclarationId>,
    pub(super) confirmed: Vec<(DeclarationId, Confirmation)>,
    pub(super) claimed: Option<DeclarationId>,
    /// Facts changed since the verdict.
    pub(super) dirty: bool,
    /// The identification's deadline has passed.
    pub(super) settled: bool,
    pub(super) verdict: Option<Verdict>,
    pub(super) judged_at: Mono,
    /// The meaning of the verdict that was recorded last, with the declarations it names.
    pub(super) verdict_recorded: Option<(Judged, Vec<(DeclarationId, Revision)>)>,
    pub(super) decision: Option<Decision>,
    pub(super) called_at: Option<Mono>,
    /// A person acted on it last.
    pub(super) attended_at: Option<Mono>,
    /// Counts this passage's permits.
    pub(super) permits: u16,
    pub(super) verdict_at: Option<Mono>,
    pub(super) up_at: Option<Mono>,
}

impl Vehicle {
    pub(super) fn new(visit: VisitToken, place: Place, now: Mono) -> Self {
        Self {
            visit,
            passage: None,
            since: now,
            served_since: now,
            place,
            reads_from: [now; 2],
            reached_boom: false,
            quiet_since: None,
            unsure_since: None,
            reached_platform: false,
            needs_person: false,
            wrong_way: false,
            tailgating: false,
            moved_up_unseen: false,
            front: Plate::default(),
            rear: Plate::default(),
            weighing: None,
            weight_recorded: false,
            axles: None,
            asked: Vec::new(),
            question: 0,
            waiting: false,
            answer: None,
            choice: None,
            chosen: Vec::new(),
            competing: Vec::new(),
            confirmed: Vec::new(),
            claimed: None,
            dirty: true,
            settled: false,
            verdict: None,
            judged_at: now,
            verdict_recorded: None,
            decision: None,
            called_at: None,
            attended_at: None,
            permits: 0,
            verdict_at: None,
            up_at: None,
        }
    }

    /// The verdict's outcome; `None` while it was not judged.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.verdict.as_ref().map(|verdict| verdict.outcome)
    }

    /// Milliseconds from first sight to verdict, to Up, to now.
    pub(super) fn stages_ms(&self, now: Mono, through: bool) -> [Option<u32>; 3] {
        let since = |at: Mono| u32::try_from(at.since(self.since)).unwrap_or(u32::MAX);
        [self.verdict_at.map(since), self.up_at.map(since), through.then(|| since(now))]
    }

    pub(super) fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        f(&mut self.since);
        f(&mut self.served_since);
        f(&mut self.judged_at);
        for time in &mut self.reads_from {
            f(time);
        }
        self.front.shift_times(f);
        self.rear.shift_times(f);
        if let Some(weighing) = &mut self.weighing {
            f(&mut weighing.acquired_at);
            f(&mut weighing.steady_since);
        }
        let optional = [
            &mut self.quiet_since,
            &mut self.unsure_since,
            &mut self.called_at,
            &mut self.attended_at,
            &mut self.verdict_at,
            &mut self.up_at,
        ];
        optional.into_iter().flatten().for_each(f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plate::PlateText;

    fn picture(track: Option<u32>, name: u8, worth_permille: u16) -> Picture {
        Picture { track, frame: Digest([name; 32]), crop: None, quad: None, worth_permille }
    }

    #[test]
    fn the_picture_is_the_best_of_the_vehicles_own_plate() {
        let mut plate = Plate::default();
        let shown = |plate: &Plate| plate.picture().map(|picture| picture.frame.0[0]);
        assert!(plate.take_picture(picture(None, 1, 0)));
        assert_eq!(shown(&plate), Some(1), "no plate was read: the snapshot");
        let read = |text: &str| Read::of_text(&PlateText::parse(text).unwrap(), 990_000, 1000).unwrap();
        plate.push(Camera::Front, 4, Mono(0), read("12C12345"), &VoteRules::default());
        plate.push(Camera::Front, 5, Mono(0), read("12R12345"), &VoteRules::default());
        assert!(plate.take_picture(picture(Some(5), 2, 900)), "the trailer's");
        assert_eq!(shown(&plate), Some(1), "a picture of another plate is not this one's");
        assert!(plate.take_picture(picture(Some(4), 3, 400)));
        assert!(!plate.take_picture(picture(Some(4), 4, 399)), "a worse one that came later");
        assert_eq!(shown(&plate), Some(3));
        assert!(plate.take_picture(picture(Some(4), 5, 800)));
        assert_eq!(shown(&plate), Some(5));
        for track in 6..20 {
            plate.take_picture(picture(Some(track), 9, 100));
        }
        assert!(plate.pictures.len() <= MAX_PICTURES);
        assert_eq!(shown(&plate), Some(5), "bounded, and the best stays");
    }
}
