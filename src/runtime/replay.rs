//! Replay: the inputs of a passage's black box, fed to the same functions over the same snapshot. `borderlane replay` compares the effects.

use crate::store::{BlackBox, BlackBoxWhat};
use lane_core::input::Input;
use lane_core::lane::Lane;

/// The effects that the box's inputs have now, in order, as bytes.
///
/// # Errors
/// A snapshot or an input of another version's shape, in a sentence.
pub fn rerun(black_box: &BlackBox) -> Result<Vec<Vec<u8>>, String> {
    let opening = &black_box.opening;
    let mut lane: Lane = serde_json::from_slice(&opening.snapshot)
        .map_err(|error| format!("the snapshot of core {} cannot be read: {error}", opening.core_version))?;
    let mut effects = Vec::new();
    for (index, entry) in black_box.entries.iter().enumerate() {
        if entry.what != BlackBoxWhat::Input {
            continue;
        }
        let input: Input = serde_json::from_slice(&entry.bytes).map_err(|error| format!("entry {index} cannot be read: {error}"))?;
        lane.handle(entry.at, input);
        while let Some(effect) = lane.poll_effect() {
            effects.push(serde_json::to_vec(&effect).map_err(|error| format!("an effect cannot be written: {error}"))?);
        }
    }
    Ok(effects)
}
