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
/// Long enough for a few scans, and for a limit to settle.
const STEP: Duration = Duration::from_millis(80);
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
    device.set(Signal::ApproachLoop, true);
    frame(lane, 0, Stable::No).await;
    lane.shows("a passage", |view| view.at_boom.as_ref().is_some_and(|vehicle| vehicle.passage.is_some())).await?;
    device.set(Signal::PlatformRear, true);
    frame(lane, GROSS_GRAMS / 3, Stable::No).await;
    device.set(Signal::ApproachLoop, false);
    frame(lane, GROSS_GRAMS * 9 / 10, Stable::No).await;
    device.set(Signal::PlatformRear, false);
    frame(lane, GROSS_GRAMS, Stable::No).await;
    for camera in [Camera::Front, Camera::Rear] {
        for _ in 0..FRAMES {
            lane.inbox.give(read(camera)?).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    frame(lane, GROSS_GRAMS, Stable::No).await;
    lane.shows("its declaration", |view| view.at_boom.as_ref().is_some_and(|vehicle| vehicle.declarations.len() == 1)).await?;
    frame(lane, GROSS_GRAMS, Stable::No).await;
    Ok(())
}

/// Up goes the boom, the truck passes under it, and down it comes by itself.
async fn goes_through(lane: &mut Lane, device: &Device) -> Result<(), Fail> {
    device.set(Signal::BoomDown, false);
    frame(lane, GROSS_GRAMS, Stable::Yes).await;
    device.set(Signal::BoomUp, true);
    frame(lane, GROSS_GRAMS, Stable::Yes).await;
    frame(lane, GROSS_GRAMS, Stable::Yes).await;
    for (signals, active, grams) in [
        (&[Signal::PlatformFront, Signal::BoomLoop][..], true, GROSS_GRAMS),
        (&[Signal::Photocell, Signal::ExitLoop], true, GROSS_GRAMS / 2),
        (&[Signal::PlatformFront], false, 0),
        (&[Signal::BoomLoop], false, 0),
        (&[Signal::Photocell], false, 0),
        (&[Signal::ExitLoop], false, 0),
    ] {
        signals.iter().for_each(|signal| device.set(*signal, active));
        frame(lane, grams, Stable::No).await;
    }
    lane.shows("the passage's end", |view| matches!(view.phase, PhaseName::Closing | PhaseName::Idle)).await?;
    device.set(Signal::BoomUp, false);
    frame(lane, 0, Stable::Yes).await;
    device.set(Signal::BoomDown, true);
    frame(lane, 0, Stable::Yes).await;
    lane.is_idle("after a passage").await
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
