//! Replay: the inputs of a passage's black box fed to the same functions, the effects compared.

use crate::store::{BlackBox, BlackBoxWhat};
use lane_core::effect::Effect;
use lane_core::input::Input;
use lane_core::lane::Lane;

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The core's version that recorded it.
    pub recorded_by: String,
    /// The core's version that replayed it.
    pub replayed_by: String,
    /// Inputs fed.
    pub inputs: usize,
    /// Effects that came out as recorded.
    pub same: usize,
    /// Differences, at most [`MAX_TOLD`]: index of the effect, as recorded, as replayed.
    pub differences: Vec<Difference>,
    /// Entries that did not fit into the box: what follows them cannot be compared.
    pub entries_dropped: u64,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which effect, from 0.
    pub index: usize,
    /// As recorded; `None`: nothing.
    pub recorded: Option<String>,
    /// As replayed; `None`: nothing.
    pub replayed: Option<String>,
}

/// Differences told.
pub const MAX_TOLD: usize = 20;

/// Why a black box cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The snapshot is of another version's shape.
    #[error("the snapshot (core {version}) cannot be read: {source}")]
    Snapshot {
        /// Who wrote it.
        version: String,
        /// Why.
        source: serde_json::Error,
    },
    /// An input cannot be read.
    #[error("input {index} cannot be read: {source}")]
    Input {
        /// Which entry.
        index: usize,
        /// Why.
        source: serde_json::Error,
    },
}

/// Replays a black box.
///
/// # Errors
/// What cannot be read.
pub fn replay(black_box: &BlackBox) -> Result<Replayed, ReplayError> {
    let opening = &black_box.opening;
    let mut lane: Lane = serde_json::from_slice(&opening.snapshot)
        .map_err(|source| ReplayError::Snapshot { version: opening.core_version.clone(), source })?;
    let (mut recorded, mut replayed, mut inputs) = (Vec::new(), Vec::new(), 0);
    for (index, entry) in black_box.entries.iter().enumerate() {
        match entry.what {
            BlackBoxWhat::Effect => recorded.push(String::from_utf8_lossy(&entry.bytes).into_owned()),
            BlackBoxWhat::Input => {
                let input: Input = serde_json::from_slice(&entry.bytes).map_err(|source| ReplayError::Input { index, source })?;
                inputs += 1;
                lane.handle(entry.at, input);
                while let Some(effect) = lane.poll_effect() {
                    replayed.push(text(&effect));
                }
            }
        }
    }
    // The box closes in the middle of the turn that ends the passage: what that turn did after is not in it.
    replayed.truncate(recorded.len().max(1));
    Ok(compare(black_box, inputs, &recorded, &replayed))
}

fn text(effect: &Effect) -> String {
    serde_json::to_string(effect).unwrap_or_else(|error| format!("cannot be written: {error}"))
}

fn compare(black_box: &BlackBox, inputs: usize, recorded: &[String], replayed: &[String]) -> Replayed {
    let count = recorded.len().max(replayed.len());
    let (mut same, mut differences) = (0, Vec::new());
    for index in 0..count {
        let (was, is) = (recorded.get(index), replayed.get(index));
        if was == is {
            same += 1;
        } else if differences.len() < MAX_TOLD {
            differences.push(Difference { index, recorded: was.cloned(), replayed: is.cloned() });
        }
    }
    Replayed {
        recorded_by: black_box.opening.core_version.clone(),
        replayed_by: super::black_box::CORE_VERSION.to_owned(),
        inputs,
        same,
        differences,
        entries_dropped: black_box.entries_dropped,
    }
}
