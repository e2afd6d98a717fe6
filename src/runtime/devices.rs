//! From what devices report to what the lane understands. Each function is a task that ends with its device's channel.

use super::inbox::Inbox;
use crate::barrier;
use crate::camera::CameraReport;
use crate::camera::board::Board;
use crate::clock;
use crate::scale::line::{LineEvent, LineState};
use crate::scale::reading::{Kind, Problem, Reading as ScaleReading, Stable as ScaleStable};
use crate::store::Store;
use lane_core::ids::Digest;
use lane_core::input::{Camera, CameraState, Input, Picture, ScaleState};
use lane_core::plate::{Alternative, MilliNats, Read, Slot, Symbol};
use lane_core::time::Mono;
use lane_core::weight::{Reading, Sample, Shown, Stable};
use lane_link::camera::{CameraCondition, PlateRead, Purpose, core_sight};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::sync::mpsc;

/// Pictures being written at once per camera.
const MAX_PICTURES: usize = 2;
/// What a frame is worth is said by what was measured of it, and by nothing else.
const FULL_QUALITY: u16 = 1000;

/// The barrier's reports.
pub async fn barrier(mut reports: mpsc::Receiver<barrier::Report>, inbox: Inbox) {
    while let Some(report) = reports.recv().await {
        match report {
            barrier::Report::Interlock { event, .. } => inbox.give(Input::Interlock(event)).await,
            barrier::Report::Lost { count, .. } => {
                tracing::error!(count, "the lane was not told what the barrier did: it is told how things stand")
            }
            // The module's own task has told it.
            barrier::Report::Link { .. } => {}
        }
    }
}

/// The scale's line.
pub async fn scale(mut events: mpsc::Receiver<LineEvent>, platform: u8, inbox: Inbox) {
    while let Some(event) = events.recv().await {
        match event {
            LineEvent::Reading { reading, at } if reading.platform == platform => inbox.offer(Input::Weight(sample(&reading, at))),
            LineEvent::Reading { .. } => {}
            // The weight module notices the silence by itself, on the lane's own time.
            LineEvent::NoWeight { .. } => tracing::warn!("the indicator is silent"),
            LineEvent::State { state, .. } => {
                tracing::info!(state = state.word(), "the scale's line changed");
                inbox.give(Input::ScaleState(scale_state(state))).await;
            }
        }
    }
}

const fn scale_state(state: LineState) -> ScaleState {
    match state {
        LineState::NotOpen => ScaleState::NotOpen,
        LineState::NoBytes => ScaleState::NoBytes,
        LineState::BytesButNoFrames => ScaleState::BytesButNoFrames,
        LineState::FramesNotUnderstood => ScaleState::FramesNotUnderstood,
        LineState::Streaming => ScaleState::Streaming,
    }
}

fn sample(reading: &ScaleReading, at: tokio::time::Instant) -> Sample {
    let age_ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
    Sample {
        acquired_at: Mono(clock::mono().0.saturating_sub(age_ms)),
        reading: core_reading(reading),
        raw: Digest(Sha256::digest(reading.raw.as_bytes()).into()),
    }
}

/// A frame with a problem never carries a number into the core.
fn core_reading(reading: &ScaleReading) -> Reading {
    match (reading.problem, reading.grams()) {
        (Some(Problem::Overload), _) => Reading::Overload,
        (Some(Problem::Underload), _) => Reading::Underload,
        (Some(Problem::ZeroNotCaptured), _) => Reading::ZeroNotCaptured,
        (Some(_), _) | (None, None) => Reading::Problem,
        (None, Some(grams)) => Reading::Value {
            grams,
            stable: match reading.stable {
                ScaleStable::Yes => Stable::Yes,
                ScaleStable::No => Stable::No,
                ScaleStable::Unknown => Stable::Unknown,
            },
            shown: match reading.kind {
                Some(Kind::Gross) => Shown::Gross,
                Some(Kind::Net) => Shown::Net,
                Some(Kind::Tare) => Shown::Tare,
                None => Shown::Unknown,
            },
        },
    }
}

/// One camera's reports.
pub async fn camera(
    which: Camera,
    mut reports: mpsc::Receiver<CameraReport>,
    (store, board): (Store, Board),
    inbox: Inbox,
    trust: clock::Trust,
) {
    let pictures = std::sync::Arc::new(tokio::sync::Semaphore::new(MAX_PICTURES));
    let mut numbers = TrackNumbers::default();
    while let Some(report) = reports.recv().await {
        match report {
            CameraReport::Up { version, models } => {
                numbers.begin_anew();
                // Its condition follows; until then the camera is what it was: down.
                tracing::info!(camera = ?which, version, models = models.len(), "the camera worker is up");
            }
            CameraReport::Condition { condition, measured, has_view } => {
                board.condition(which, Some(condition), Some(measured), clock::mono());
                tracing::info!(camera = ?which, ?condition, ?measured, has_view, "the camera's condition");
                inbox.give(Input::CameraState(which, camera_state(condition))).await;
            }
            CameraReport::Down { .. } => {
                board.condition(which, None, None, clock::mono());
                inbox.give(Input::CameraState(which, CameraState::Down)).await;
            }
            CameraReport::Read { acquired_at, read } => match core_read(&read) {
                Some(core) => {
                    inbox.offer(Input::PlateRead { camera: which, track: numbers.of(read.track), acquired_at, read: Box::new(core) })
                }
                None => tracing::debug!(camera = ?which, "a read was not one that the core takes"),
            },
            CameraReport::Evidence { acquired_at, header, jpeg, .. } if header.purpose == Purpose::Look => {
                board.looked(which, jpeg, acquired_at)
            }
            CameraReport::Evidence { acquired_at, header, jpeg, crop } => {
                let Ok(permit) = pictures.clone().try_acquire_owned() else {
                    tracing::warn!(camera = ?which, "a picture came while others were being written: dropped");
                    continue;
                };
                let (store, inbox, board, track) =
                    (store.clone(), inbox.clone(), board.clone(), header.track.map(|track| numbers.of(track)));
                tokio::spawn(async move {
                    let _permit = permit;
                    if header.purpose == Purpose::Condition {
                        return super::cameras::keep_condition(which, jpeg, &board, &store, trust).await;
                    }
                    match keep(&store, jpeg, crop, trust).await {
                        Ok((frame, crop)) => {
                            let picture = Picture { track, frame, crop, quad: header.quad, worth_permille: header.worth_permille };
                            inbox.give(Input::Evidence { camera: which, acquired_at, picture }).await;
                        }
                        Err(error) => tracing::warn!(%error, "a picture could not be kept"),
                    }
                });
            }
        }
    }
}

/// Writes the plate first: a record that names a picture may name its crop.
async fn keep(
    store: &Store,
    jpeg: Vec<u8>,
    crop: Option<Vec<u8>>,
    trust: clock::Trust,
) -> Result<(Digest, Option<Digest>), crate::store::StoreError> {
    let now = || clock::wall(trust).trusted();
    let crop = match crop {
        Some(crop) => Some(store.put_evidence(crop, now()).await?),
        None => None,
    };
    Ok((store.put_evidence(jpeg, now()).await?, crop))
}

/// A worker counts its tracks from 1; one that was started anew must not have its plates taken for the last one's.
#[derive(Debug, Default)]
struct TrackNumbers {
    base: u64,
    greatest: u64,
}

impl TrackNumbers {
    const fn begin_anew(&mut self) {
        self.base = self.greatest;
    }

    fn of(&mut self, track: u64) -> u32 {
        let number = self.base.saturating_add(track);
        self.greatest = self.greatest.max(number);
        u32::try_from(number % u64::from(u32::MAX)).unwrap_or(0)
    }
}

/// A condition as the lane knows it.
pub(super) const fn camera_state(condition: CameraCondition) -> CameraState {
    match condition {
        CameraCondition::Ok => CameraState::Ok,
        CameraCondition::Dark => CameraState::Dark,
        CameraCondition::Frozen => CameraState::Frozen,
        CameraCondition::NoFrames => CameraState::NoFrames,
        CameraCondition::Covered => CameraState::Covered,
        CameraCondition::Moved => CameraState::Moved,
        CameraCondition::Glare => CameraState::Glare,
        CameraCondition::Blurred => CameraState::Blurred,
        CameraCondition::Dirty => CameraState::Dirty,
        CameraCondition::OutOfFrame => CameraState::OutOfFrame,
    }
}

/// A worker's read as the core takes it; `None` when it names symbols that no plate has.
pub fn core_read(read: &PlateRead) -> Option<Read> {
    let slots = read.slots.iter().map(|slot| {
        let named: Option<Vec<Alternative>> = slot
            .iter()
            .map(|a| Symbol::from_char(a.symbol).map(|symbol| Alternative { symbol, log_prob: MilliNats(a.nats_milli) }))
            .collect();
        Slot::new(named?).ok()
    });
    let sight = core_sight(&read.quad, read.layout, &read.sight);
    Read::new(slots.collect::<Option<Vec<_>>>()?, FULL_QUALITY).ok().map(|core| core.with_sight(sight))
}

/// The wall clock, at the start and every ten seconds.
pub async fn wall(inbox: Inbox, trust: clock::Trust) {
    let mut every = tokio::time::interval(Duration::from_secs(10));
    loop {
        every.tick().await;
        inbox.give(Input::Wall(clock::wall(trust))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lane_link::camera::{Alternative as Named, PlateLayout, PlateSight};

    #[test]
    fn a_worker_that_starts_anew_counts_on() {
        let mut numbers = TrackNumbers::default();
        assert_eq!([numbers.of(1), numbers.of(2), numbers.of(1)], [1, 2, 1]);
        numbers.begin_anew();
        assert_eq!([numbers.of(1), numbers.of(3)], [3, 5]);
        numbers.begin_anew();
        assert_eq!(numbers.of(1), 6);
    }

    #[test]
    fn a_read_brings_its_measures_into_the_core() {
        let sight = PlateSight {
            width_px: 120,
            height_px: 60,
            sharpness_permille: 150,
            contrast: 90,
            lean_permille: 20,
            taper_permille: 10,
            inside_permille: 1000,
            glare_permille: 0,
            dark_permille: 0,
        };
        let read = PlateRead {
            track: 1,
            frame: 1,
            captured_age_ms: 0,
            quad: [[10, 10], [130, 10], [130, 70], [10, 70]],
            layout: PlateLayout::TwoLine,
            country: None,
            colour: None,
            slots: vec![vec![Named { symbol: '1', nats_milli: -10 }]; 8],
            detector_confidence_permille: 400,
            sight,
        };
        let core = core_read(&read).unwrap();
        let seen = core.sight().unwrap();
        assert_eq!((seen.middle_px, seen.lines, seen.width_px, seen.height_px), ([70, 40], 2, 120, 60));
        assert_eq!((seen.sharpness_permille, seen.contrast, seen.inside_permille), (150, 90, 1000));
        let odd = PlateRead { slots: vec![vec![Named { symbol: 'é', nats_milli: -10 }]], ..read };
        assert!(core_read(&odd).is_none(), "a symbol that no plate has");
    }
}
