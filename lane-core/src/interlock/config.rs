//! What a site tells the interlock about its boom. Every time is in milliseconds.

use serde::{Deserialize, Serialize};

/// How the boom's own board wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drive {
    /// A short contact; the board finishes the movement by itself.
    Pulse,
    /// The contact stays closed for as long as the boom shall move or stay up.
    Maintained,
}

/// Who lowers the boom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// The board, by its own devices; we observe (and, with a maintained Open, release it).
    #[serde(rename = "self")]
    SelfClosing,
    /// We do: needs a photocell, position feedback and the site's acceptance by name.
    Commanded,
}

/// The boom and its limits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// How Open (and a commanded Close) is asked for.
    pub drive: Drive,
    /// Who lowers the boom.
    pub closing: Closing,
    /// A normally-closed stop contact exists. Without one a held Open is *kept* on Stop: dropping it would lower a self-closing boom.
    pub stop_output: bool,
    /// Length of a pulse (the scan's own when the module does not time it).
    pub pulse_ms: u64,
    /// A sample older than this is unknown.
    pub fresh_ms: u64,
    /// Complete fresh reads in a row after a start, a reset or a link loss, before anything may move.
    pub fresh_scans: u8,
    /// Everything must have been clear for this long before Down.
    pub close_clear_hold_ms: u64,
    /// Between the end of one direction and the start of the other.
    pub reversal_rest_ms: u64,
    /// Longest movement: twice the commissioned time.
    pub travel_limit_ms: u64,
    /// Gaps at the boom line shorter than this belong to one vehicle.
    pub joined_gap_ms: u64,
    /// All quiet for this long with the vehicle's end not seen: call a person.
    pub unclear_after_ms: u64,
    /// A presence sensor on for this long without an edge is stuck. 0: not watched.
    pub presence_stuck_ms: u64,
    /// The boom up with nobody there and no permit for this long. 0: not watched.
    pub open_limit_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            drive: Drive::Pulse,
            closing: Closing::SelfClosing,
            stop_output: false,
            pulse_ms: 500,
            fresh_ms: 300,
            fresh_scans: 3,
            close_clear_hold_ms: 2_000,
            reversal_rest_ms: 400,
            travel_limit_ms: 15_000,
            joined_gap_ms: 1_500,
            unclear_after_ms: 8_000,
            presence_stuck_ms: 600_000,
            open_limit_ms: 120_000,
        }
    }
}
