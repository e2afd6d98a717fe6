//! What an input costs. Prints the rate of `handle` and drain for the input that comes most often; nothing here is judged by a clock. What is
//! asserted is that an image that changes nothing asks for nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]

use lane_core::declaration::Direction;
use lane_core::ids::{BootId, Digest, LedgerId};
use lane_core::input::{Freshness, Input, ScaleState, Started, StoreState};
use lane_core::lane::Lane;
use lane_core::officer::Mode;
use lane_core::rules::Rules;
use lane_core::signal::{ProcessImage, Sample, Signal};
use lane_core::time::Mono;

const FITTED: [Signal; 5] = [Signal::ApproachLoop, Signal::BoomLoop, Signal::Photocell, Signal::BoomUp, Signal::BoomDown];
const INPUTS: u64 = 200_000;

fn image(now: u64, here: bool) -> Box<ProcessImage> {
    let mut image = ProcessImage::new(FITTED);
    for signal in FITTED {
        let value = signal == Signal::BoomDown || (here && signal == Signal::ApproachLoop);
        image.put(signal, Sample { value, acquired_at: Mono(now) });
    }
    Box::new(image)
}

fn drain(lane: &mut Lane) -> u64 {
    core::iter::from_fn(|| lane.poll_effect()).count() as u64
}

#[test]
fn an_image_that_changes_nothing_asks_for_nothing() {
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
    let rules = Rules::local_default("g".into(), "l".into(), Direction::Outbound);
    let mut lane = Lane::new(rules, started, ProcessImage::new(FITTED), Mono(0));
    lane.handle(Mono(0), Input::Store(StoreState { can_commit: true, nearly_full: false, restored: false }));
    lane.handle(Mono(0), Input::Freshness(Freshness::NONE));
    lane.handle(Mono(0), Input::ScaleState(ScaleState::Absent));
    for (what, here) in [("nobody there", false), ("a vehicle held", true)] {
        for now in 1..100 {
            lane.handle(Mono(now), Input::Signals(image(now, here)));
        }
        drain(&mut lane);
        let images: Vec<_> = (0..INPUTS).map(|_| image(100, here)).collect();
        let begun = std::time::Instant::now();
        let mut effects = 0;
        for image in images {
            lane.handle(Mono(100), Input::Signals(image));
            effects += drain(&mut lane);
        }
        let each_ns = begun.elapsed().as_nanos() / u128::from(INPUTS);
        println!("signals, {what}: {each_ns} ns each, {} a second", 1_000_000_000 / each_ns.max(1));
        assert_eq!(effects, 0, "{what}");
    }
}
