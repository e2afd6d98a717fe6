//! Identification: reads and pictures are bound to a vehicle by camera, zone and time, fused, looked up and matched.
//!
//! ```text
//!   front camera   the stop line   ─▶ at_boom, until its front is under a permit on the boom line; then approaching
//!   rear camera    the tail        ─▶ at_boom; while it passes and another vehicle approaches: nobody can tell
//!   older than the vehicle or than its turn before the camera, or nobody there: nobody's (I10)
//! ```
//! A camera may see several plates at once: reads are fused track by track, and `plate::tracks` says which plate is the vehicle's. Where another
//! one may as well be ("contested") the lane is not sure, whatever the texts match.
//!
//! The look-up asks for the best texts of the front plate and the best of the rear one; a new question makes answers to older ones void.

use super::Lane;
use super::permits::LivePermit;
use super::timers::Timer;
use super::vehicle::{Plate, Vehicle};
use crate::declaration::{Declaration, DeclarationState, LookupAnswer};
use crate::effect::Effect;
use crate::ids::PassageId;
use crate::input::{Camera, Picture};
use crate::permit::PermitKind;
use crate::plate::{Candidate, CandidateId, Decision as PlateDecision, PlateText, Read, TrackNumber, match_plates};
use crate::record::What;
use crate::rules::Rules;
use crate::time::{Mono, Wall};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Plates of one question.
const MAX_ASKED: usize = 8;
/// Texts of the front plate in one question; the rear plate has the rest.
const MAX_FRONT: usize = 6;

impl Lane {
    /// The vehicle a frame of this camera, taken then, shows.
    fn seen_by(&mut self, camera: Camera, acquired_at: Mono) -> Option<&mut Box<Vehicle>> {
        let entered = self.permit.as_ref().is_some_and(LivePermit::entered);
        let slot = match (camera, entered) {
            (_, false) => &mut self.at_boom,
            (Camera::Front, true) => &mut self.approaching,
            (Camera::Rear, true) if self.approaching.is_none() => &mut self.at_boom,
            (Camera::Rear, true) => return None,
        };
        slot.as_mut().filter(|vehicle| acquired_at >= vehicle.reads_from[camera as usize] || cfg!(planted = "lane_i10"))
    }

    pub(super) fn take_read(&mut self, camera: Camera, track: TrackNumber, acquired_at: Mono, read: &Read) {
        // What a permit was judged on stands until it ends.
        let decided = self.permit.as_ref().is_some_and(|live| live.permit.kind == PermitKind::Passage && !live.entered());
        let live = self.cameras[camera as usize].is_live();
        if acquired_at > self.now || decided || !live {
            return;
        }
        if self.is_still_the_first(camera, track, read) {
            return;
        }
        let rules = self.rules.matching.vote;
        let Some(vehicle) = self.seen_by(camera, acquired_at) else { return };
        let plate = vehicle.plate_mut(camera);
        let changed = plate.push(camera, track, acquired_at, read.clone(), &rules);
        let few = plate.best().is_some_and(|best| best.frames <= 3);
        vehicle.dirty = true;
        if changed || few {
            self.ask();
        }
    }

    /// With its front under the boom the first vehicle's plate may still be in sight: it is not the next one's. It is known by its text, or by its
    /// track as long as what is read there is much like it (a camera may take the next plate in the same place for the same one).
    fn is_still_the_first(&self, camera: Camera, track: TrackNumber, read: &Read) -> bool {
        let entered = self.permit.as_ref().is_some_and(LivePermit::entered);
        let first = self.at_boom.as_ref().filter(|_| entered && camera == Camera::Front);
        first.is_some_and(|vehicle| {
            let named = vehicle.front.corrected.or(vehicle.front.best_text());
            named.is_some_and(|text| read.reads_as(&text))
                || vehicle.front.is_on(track) && vehicle.front.best_text().is_some_and(|text| read.is_much_like(&text))
        })
    }

    pub(super) fn take_evidence(&mut self, camera: Camera, acquired_at: Mono, picture: Picture) {
        match self.seen_by(camera, acquired_at) {
            Some(vehicle) => {
                vehicle.plate_mut(camera).take_picture(picture);
            }
            None => self.say(None, What::Unassigned { camera, evidence: picture.frame }),
        }
    }

    /// Asks the cache about the vehicle at the boom, if what is to be asked changed.
    pub(super) fn ask(&mut self) {
        let rules = self.rules.matching.vote;
        let Some(vehicle) = &mut self.at_boom else { return };
        let plates = vehicle.plates_to_ask(&rules);
        if plates.is_empty() || plates == vehicle.asked {
            return;
        }
        self.question(plates);
    }

    /// Asks again, whatever was asked before: rows changed.
    pub(super) fn knowledge_changed(&mut self) {
        let rules = self.rules.matching.vote;
        if let Some(vehicle) = &self.at_boom {
            let plates = vehicle.plates_to_ask(&rules);
            if !plates.is_empty() {
                self.question(plates);
            }
        }
    }

    fn question(&mut self, plates: Vec<PlateText>) {
        let ask_centre = self.freshness.link_up;
        let deadline = self.now.plus(self.ms(|t| t.query_deadline_ms));
        let Some(vehicle) = &mut self.at_boom else { return };
        // Until it is named nobody could answer.
        let Some(passage) = vehicle.passage else { return };
        vehicle.asked.clone_from(&plates);
        vehicle.question = vehicle.question.wrapping_add(1);
        vehicle.waiting = true;
        let question = vehicle.question;
        self.timers.set(Timer::Query, deadline);
        self.emit(Effect::Lookup { passage, question, plates, ask_centre });
    }

    pub(super) fn take_answer(&mut self, passage: PassageId, question: u16, answer: LookupAnswer) {
        let Some(vehicle) = &mut self.at_boom else { return };
        if vehicle.passage != Some(passage) || vehicle.question != question {
            return;
        }
        vehicle.waiting = false;
        vehicle.answer = Some(answer);
        vehicle.dirty = true;
        self.timers.stop(Timer::Query);
    }

    /// The answer is not waited for any longer. What an older question was answered may no longer be true: nothing is known until one comes.
    pub(super) fn query_deadline(&mut self) {
        if let Some(vehicle) = self.at_boom.as_mut().filter(|v| v.waiting) {
            vehicle.waiting = false;
            vehicle.answer = None;
            vehicle.dirty = true;
        }
    }

    /// Writes the fused plates: each text once, and once more with each better picture of it.
    pub(super) fn record_plates(&mut self) {
        for camera in [Camera::Front, Camera::Rear] {
            let Some(vehicle) = self.at_boom.as_mut().filter(|v| v.passage.is_some()) else { return };
            let passage = vehicle.passage;
            let plate = vehicle.plate_mut(camera);
            let (Some(best), Some(acquired_at)) = (plate.best(), plate.last_at) else { continue };
            let Some(&(text, probability_ppm)) = best.texts.first() else { continue };
            let frames = best.frames;
            let picture = plate.picture().copied();
            let now = (text, picture.map(|picture| picture.frame));
            if plate.recorded == Some(now) {
                continue;
            }
            plate.recorded = Some(now);
            self.say(passage, What::PlateRead { camera, text, probability_ppm, frames, picture, acquired_at });
        }
    }

    /// Tells the other lanes which declaration is here.
    pub(super) fn claim(&mut self) {
        let Some(vehicle) = &mut self.at_boom else { return };
        let Some(passage) = vehicle.passage else { return };
        let here = vehicle.chosen.first().map(|declaration| declaration.id.clone());
        if vehicle.claimed == here {
            return;
        }
        let gone = core::mem::replace(&mut vehicle.claimed, here.clone());
        if let Some(declaration) = gone {
            self.emit(Effect::Claim { passage, declaration, held: false });
        }
        if let Some(declaration) = here {
            self.emit(Effect::Claim { passage, declaration, held: true });
        }
    }
}

impl Vehicle {
    pub(super) fn plate_mut(&mut self, camera: Camera) -> &mut Plate {
        match camera {
            Camera::Front => &mut self.front,
            Camera::Rear => &mut self.rear,
        }
    }

    fn plates_to_ask(&self, rules: &crate::plate::VoteRules) -> Vec<PlateText> {
        let mut plates = texts(&self.front, Camera::Front, rules, MAX_FRONT);
        for text in texts(&self.rear, Camera::Rear, rules, MAX_ASKED) {
            if plates.len() < MAX_ASKED && !plates.contains(&text) {
                plates.push(text);
            }
        }
        plates
    }
}

fn texts(plate: &Plate, camera: Camera, rules: &crate::plate::VoteRules, limit: usize) -> Vec<PlateText> {
    match plate.corrected {
        Some(text) => alloc::vec![text],
        None => plate.chosen(camera, rules).map(|chosen| chosen.fused.lookup_texts(limit)).unwrap_or_default(),
    }
}

/// What matching says of one plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) text: PlateText,
    pub(super) posterior_ppm: u32,
    pub(super) margin_ppm: u32,
    /// The declared plate that it is, where posterior and margin suffice.
    pub(super) plate: Option<PlateText>,
    pub(super) by_officer: bool,
}

impl Matched {
    /// The plate the lane is sure of.
    pub(super) fn sure(&self) -> Option<PlateText> {
        if self.by_officer { Some(self.text) } else { self.plate }
    }
}

/// Weighs a plate against declared ones. `None`: not read.
pub(super) fn match_plate(plate: &Plate, camera: Camera, declared: &[PlateText], truncated: bool, rules: &Rules) -> Option<Matched> {
    if let Some(text) = plate.corrected {
        return Some(Matched { text, posterior_ppm: 1_000_000, margin_ppm: 1_000_000, plate: Some(text), by_officer: true });
    }
    let crate::plate::Chosen { fused, contested, .. } = plate.chosen(camera, &rules.matching.vote)?;
    let candidates: Vec<Candidate> = declared
        .iter()
        .enumerate()
        .map(|(at, plate)| Candidate { id: CandidateId(u32::try_from(at).unwrap_or(u32::MAX)), plate: *plate })
        .collect();
    let matching = match_plates(&rules.matching, Some(&fused), &candidates, truncated);
    let plate = match matching.decision {
        PlateDecision::Auto { plate, .. } if !contested => Some(plate),
        PlateDecision::Auto { .. } | PlateDecision::Ambiguous(_) | PlateDecision::NotInList => None,
        PlateDecision::NoRead => return None,
    };
    let posterior_ppm = matching.ranked.first().map_or(0, |best| best.posterior_ppm);
    Some(Matched { text: fused.likeliest().text, posterior_ppm, margin_ppm: matching.margin_ppm, plate, by_officer: false })
}

/// The plates that a camera may have seen: tractors in front, trailers (or the rigid truck itself) behind.
pub(super) fn declared_plates(answer: Option<&LookupAnswer>, camera: Camera) -> Vec<PlateText> {
    let candidates = answer.map_or(&[][..], |answer| &answer.candidates[..]);
    candidates.iter().map(|d| if camera == Camera::Front { d.plate } else { d.trailer_plate.unwrap_or(d.plate) }).collect()
}

/// Which declarations are meant, and which compete.
pub(super) struct Chosen {
    pub(super) declarations: Vec<Declaration>,
    pub(super) competing: Vec<Declaration>,
}

/// Chooses among the candidates of the sure front plate: those that could be used now, told apart by a sure trailer; one, or all of one
/// consignment. Where none can be used, the newest row, so that the checks say why. More than one consignment competes.
pub(super) fn choose(vehicle: &Vehicle, front: Option<Matched>, rear: Option<Matched>, rules: &Rules, wall: Wall) -> Chosen {
    let none = Chosen { declarations: Vec::new(), competing: Vec::new() };
    let Some(answer) = &vehicle.answer else { return none };
    let by_officer = front.is_some_and(|f| f.by_officer);
    let Some(plate) = front.and_then(|front| front.sure()) else {
        return Chosen { competing: answer.candidates.clone(), ..none };
    };
    let fitting: Vec<&Declaration> = answer.candidates.iter().filter(|d| d.plate == plate).collect();
    if let Some(choice) = fitting.iter().find(|d| Some(&d.id) == vehicle.choice.as_ref()) {
        return Chosen { declarations: alloc::vec![(*choice).clone()], ..none };
    }
    if answer.truncated && !by_officer {
        return Chosen { competing: fitting.into_iter().cloned().collect(), ..none };
    }
    let mut usable: Vec<&Declaration> = fitting.iter().copied().filter(|d| could_be_used(d, rules, wall)).collect();
    let trailer = rear.and_then(|rear| rear.sure());
    if usable.len() > 1 && trailer.is_some() && usable.iter().any(|d| d.trailer_plate == trailer) {
        usable.retain(|d| d.trailer_plate == trailer);
    }
    match usable.as_slice() {
        [] => Chosen { declarations: fitting.into_iter().max_by_key(|d| d.revision).cloned().into_iter().collect(), ..none },
        [one] => Chosen { declarations: alloc::vec![(*one).clone()], ..none },
        [first, rest @ ..] if first.consignment.is_some() && rest.iter().all(|d| d.consignment == first.consignment) => {
            Chosen { declarations: usable.into_iter().cloned().collect(), ..none }
        }
        _ => Chosen { competing: usable.into_iter().cloned().collect(), ..none },
    }
}

fn could_be_used(declaration: &Declaration, rules: &Rules, wall: Wall) -> bool {
    let in_window = wall.trusted().is_none_or(|now| declaration.valid_from_ms <= now && now < declaration.valid_until_ms);
    declaration.state == DeclarationState::Active
        && declaration.gate == rules.gate
        && declaration.direction == rules.direction
        && declaration.entries_used < declaration.entries_allowed
        && in_window
}
