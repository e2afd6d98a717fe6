//! One truck: it drives up, is read and weighed, and goes through. The weighing's last frame is the last thing that its verdict needs.

use super::device::Device;
use super::lane::Lane;
use crate::figure::Fail;
use borderlane::clock;
use lane_core::ids::Digest;
use lane_core::input::{Camera, Input};
use lane_core::plate::{PlateText, Read};
use lane_core::signal::Signal;
use lane_core::view::PhaseName;
use lane_core::weight::{Reading, Sample, Shown, Stable};
use std::time::{Duration, Instant};

const PLATE: &str = "12C12345";
const GROSS_GRAMS: i64 = 28_000_000;
/// From one frame of the indicator to the next.
const STEP: Duration = Duration::from_millis(10);
/// Everything that came before has been done: the last input finds an idle lane.
pub const QUIET: Duration = Duration::from_millis(60);
/// Frames of each camera.
const FRAMES: u32 = 5;
/// Stable frames that a weighing needs: `flag_min_samples` of the default rules.
const STABLE_FRAMES: u32 = 3;
const LONGEST: Duration = Duration::from_secs(5);

/// Sends a truck through. Gives the microseconds from the last input to the coil.
pub async fn passes(lane: &mut Lane, device: &Device) -> Result<f64, Fail> {
    drives_up(lane, device).await?;
    device.forget_opening();
    for _ in 1..STABLE_FRAMES {
        frame(lane, GROSS_GRAMS, Stable::Yes).await;
    }
    tokio::time::sleep(QUIET).await;
    if device.opened().is_some() {
        return Err(format!("the boom was raised before the last input came; {}", lane.state()).into());
    }
    let begun = Instant::now();
    lane.inbox.give(weight(GROSS_GRAMS, Stable::Yes)).await;
    let opened = loop {
        if let Some(opened) = device.opened() {
            break opened;
        }
        if begun.elapsed() > LONGEST {
            return Err(format!("the boom was not raised; {}", lane.state()).into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    goes_through(lane, device).await?;
    Ok(opened.duration_since(begun).as_secs_f64() * 1e6)
}

/// Until everything is known of it but its weight.
async fn drives_up(lane: &mut Lane, device: &Device) -> Result<(), Fail> {
    for _ in 0..STABLE_FRAMES {
        frame(lane, 0, Stable::Yes).await;
    }
    moves(lane, device, (&[Signal::ApproachLoop], true), 0).await?;
    lane.shows("a passage", |view| view.at_boom.as_ref().is_some_and(|vehicle| vehicle.passage.is_some())).await?;
    moves(lane, device, (&[Signal::PlatformRear], true), GROSS_GRAMS / 3).await?;
    moves(lane, device, (&[Signal::ApproachLoop], false), GROSS_GRAMS * 9 / 10).await?;
    moves(lane, device, (&[Signal::PlatformRear], false), GROSS_GRAMS).await?;
    for camera in [Camera::Front, Camera::Rear] {
        for _ in 0..FRAMES {
            lane.inbox.give(read(camera)?).await;
            tokio::time::sleep(STEP).await;
        }
    }
    frame(lane, GROSS_GRAMS, Stable::No).await;
    lane.shows("its declaration", |view| view.at_boom.as_ref().is_some_and(|vehicle| vehicle.declarations.len() == 1)).await?;
    tokio::time::sleep(QUIET).await;
    frame(lane, GROSS_GRAMS, Stable::No).await;
    Ok(())
}

/// Up goes the boom, the truck passes under it, and down it comes by itself.
async fn goes_through(lane: &mut Lane, device: &Device) -> Result<(), Fail> {
    moves(lane, device, (&[Signal::BoomDown], false), GROSS_GRAMS).await?;
    moves(lane, device, (&[Signal::BoomUp], true), GROSS_GRAMS).await?;
    for (change, grams) in [
        ((&[Signal::PlatformFront, Signal::BoomLoop][..], true), GROSS_GRAMS),
        ((&[Signal::Photocell, Signal::ExitLoop], true), GROSS_GRAMS / 2),
        ((&[Signal::PlatformFront], false), 0),
        ((&[Signal::BoomLoop], false), 0),
        ((&[Signal::Photocell], false), 0),
        ((&[Signal::ExitLoop], false), 0),
    ] {
        moves(lane, device, change, grams).await?;
    }
    lane.shows("the passage's end", |view| matches!(view.phase, PhaseName::Closing | PhaseName::Idle)).await?;
    moves(lane, device, (&[Signal::BoomUp], false), 0).await?;
    moves(lane, device, (&[Signal::BoomDown], true), 0).await?;
    lane.is_idle("after a passage").await
}

/// Signals change, and a scan sees it; the platform carries so much then, not yet at rest.
async fn moves(lane: &mut Lane, device: &Device, (signals, active): (&[Signal], bool), grams: i64) -> Result<(), Fail> {
    signals.iter().for_each(|signal| device.set(*signal, active));
    lane.senses(signals, active).await?;
    frame(lane, grams, Stable::No).await;
    Ok(())
}

/// One frame of the indicator, and the time until the next.
async fn frame(lane: &Lane, grams: i64, stable: Stable) {
    lane.inbox.give(weight(grams, stable)).await;
    tokio::time::sleep(STEP).await;
}

fn weight(grams: i64, stable: Stable) -> Input {
    let reading = Reading::Value { grams, stable, shown: Shown::Gross };
    Input::Weight(Sample { acquired_at: clock::mono(), reading, raw: Digest([7; 32]) })
}

fn read(camera: Camera) -> Result<Input, Fail> {
    let text = PlateText::parse(PLATE).map_err(|error| error.to_string())?;
    let read = Read::of_text(&text, 995_000, 1_000).map_err(|error| error.to_string())?;
    Ok(Input::PlateRead { camera, track: 1, acquired_at: clock::mono(), read: Box::new(read) })
}
