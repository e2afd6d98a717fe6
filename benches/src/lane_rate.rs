//! `lane_handle`: what an input costs the lane. The mix is that of a lane at work: half of the inputs are the field's image, four in ten a frame of
//! the indicator, one in ten a tick; half of the time nobody is there, half of the time a vehicle is held. Time goes on by 10 ms an input, so that
//! timers fire, verdicts are made again each second and the minute's watch record is written. Peer: the same inputs through an empty match.

use crate::figure::{Aim, Fail, Figure};
use lane_core::declaration::Direction;
use lane_core::ids::{BootId, Digest, LedgerId};
use lane_core::input::{Camera, CameraState, Freshness, Input, ScaleState, Started, StoreState};
use lane_core::lane::Lane;
use lane_core::officer::Mode;
use lane_core::rules::Rules;
use lane_core::signal::{ProcessImage, Sample, Signal};
use lane_core::time::{Mono, Wall, WallQuality};
use lane_core::weight::{Reading, Sample as WeightSample, Shown, Stable};
use std::hint::black_box;
use std::time::{Duration, Instant};

const FITTED: [Signal; 8] = [
    Signal::ApproachLoop,
    Signal::PlatformFront,
    Signal::PlatformRear,
    Signal::BoomLoop,
    Signal::Photocell,
    Signal::ExitLoop,
    Signal::BoomUp,
    Signal::BoomDown,
];
/// Inputs prepared at once, so that making them is not measured.
const BATCH: u64 = 20_000;
const BATCHES: u64 = 50;
const EACH_MS: u64 = 10;

pub fn measure() -> Result<Vec<Figure>, Fail> {
    let (mut ours, mut theirs) = (Duration::ZERO, Duration::ZERO);
    for here in [false, true] {
        let mut lane = lane();
        for batch in 0..BATCHES {
            let inputs: Vec<(Mono, Input)> = (batch * BATCH..(batch + 1) * BATCH).map(|nth| input(nth, here)).collect();
            let copies = inputs.clone();
            let begun = Instant::now();
            for (now, input) in inputs {
                lane.handle(now, input);
                while let Some(effect) = lane.poll_effect() {
                    black_box(effect);
                }
            }
            ours += begun.elapsed();
            let begun = Instant::now();
            for (now, input) in copies {
                black_box((now, empty(input)));
            }
            theirs += begun.elapsed();
        }
        let seen = lane.view(Mono(BATCHES * BATCH * EACH_MS)).at_boom.is_some();
        if seen != here {
            return Err(format!("the lane should {}see a vehicle", if here { "" } else { "not " }).into());
        }
    }
    let inputs = (2 * BATCH * BATCHES) as f64;
    let (rate, peer) = (inputs / ours.as_secs_f64(), inputs / theirs.as_secs_f64());
    Ok(vec![Figure::new("lane_handle", (rate, "1/s"), peer, Aim::ValueAtLeast(1_000_000.0))])
}

fn input(nth: u64, here: bool) -> (Mono, Input) {
    let now = Mono(1_000 + nth * EACH_MS);
    let input = match nth % 10 {
        0 | 2 | 4 | 6 | 8 => Input::Signals(image(now, here)),
        9 => Input::Tick,
        _ => {
            let (grams, stable) = if here { (28_000_000, Stable::No) } else { (0, Stable::Yes) };
            Input::Weight(WeightSample {
                acquired_at: now,
                reading: Reading::Value { grams, stable, shown: Shown::Gross },
                raw: Digest([7; 32]),
            })
        }
    };
    (now, input)
}

/// The field with nobody, or with a vehicle on the approach.
pub fn image(now: Mono, here: bool) -> Box<ProcessImage> {
    let mut image = ProcessImage::new(FITTED);
    for signal in FITTED {
        let value = signal == Signal::BoomDown || (here && signal == Signal::ApproachLoop);
        image.put(signal, Sample { value, acquired_at: now });
    }
    Box::new(image)
}

/// A lane at work.
pub fn lane() -> Lane {
    let digest = Digest([0; 32]);
    let started = Started {
        boot: BootId(1),
        ledger: LedgerId(1),
        mode: Mode::Automatic,
        mode_by: None,
        open_passage: None,
        program: digest,
        settings: digest,
        models: digest,
    };
    let rules = Rules::local_default("huu-nghi".into(), "lane-1".into(), Direction::Outbound);
    let mut lane = Lane::new(rules, started, ProcessImage::new(FITTED), Mono(0));
    let wall = Wall { utc_ms: 1_793_606_400_000, quality: WallQuality::Trusted };
    for input in [
        Input::Wall(wall),
        Input::Store(StoreState { can_commit: true, nearly_full: false, restored: false }),
        Input::Freshness(Freshness { head_utc_ms: Some(wall.utc_ms), link_up: true, ..Freshness::NONE }),
        Input::ScaleState(ScaleState::Streaming),
        Input::CameraState(Camera::Front, CameraState::Ok),
        Input::CameraState(Camera::Rear, CameraState::Ok),
    ] {
        lane.handle(Mono(0), input);
    }
    while lane.poll_effect().is_some() {}
    lane
}

fn empty(input: Input) -> u8 {
    match input {
        Input::Tick => 0,
        Input::Wall(_) => 1,
        Input::Signals(_) => 2,
        Input::Interlock(_) => 3,
        Input::PlateRead { .. } => 4,
        Input::Evidence { .. } => 5,
        Input::CameraState(..) => 6,
        Input::Weight(_) => 7,
        Input::ScaleState(_) => 8,
        Input::PassageOpened { .. } => 9,
        Input::PermitDurable(_) => 10,
        Input::Store(_) => 11,
        Input::Lookup { .. } => 12,
        Input::Freshness(_) => 13,
        Input::KnowledgeChanged => 14,
        Input::Rules(_) => 15,
        Input::Act(_) => 16,
        Input::Fault { .. } => 17,
    }
}
