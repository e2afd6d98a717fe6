//! Where things are along the lane, in metres from the start of the drawing, and the boom's build.
//!
//! ```text
//!   0    2--4      6 [==== platform ====] 24      26-[27]-28      31--33            60
//!        approach  platform_rear   stop 23  platform_front  boom_loop + boom + photocell  exit
//! ```

use serde::{Deserialize, Serialize};

/// The lane's fixed places, metres along the direction of travel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Geometry {
    pub approach_loop_m: [f64; 2],
    /// Entry end and exit end of the weighbridge's platform; each has a light barrier.
    pub platform_m: [f64; 2],
    pub stop_line_m: f64,
    pub boom_loop_m: [f64; 2],
    /// The boom's line; the photocell's beam runs along it.
    pub boom_m: f64,
    pub exit_loop_m: [f64; 2],
    /// A vehicle wholly past this place is gone.
    pub end_m: f64,
}

impl Default for Geometry {
    fn default() -> Self {
        Geometry {
            approach_loop_m: [2.0, 4.0],
            platform_m: [6.0, 24.0],
            stop_line_m: 23.0,
            boom_loop_m: [26.0, 28.0],
            boom_m: 27.0,
            exit_loop_m: [31.0, 33.0],
            end_m: 45.0,
        }
    }
}

impl Geometry {
    /// What is wrong with the order of places, if anything.
    pub fn problems(&self) -> Vec<String> {
        let order = [
            ("approach_loop_m start", self.approach_loop_m[0]),
            ("approach_loop_m end", self.approach_loop_m[1]),
            ("platform_m start", self.platform_m[0]),
            ("stop_line_m", self.stop_line_m),
            ("boom_loop_m start", self.boom_loop_m[0]),
            ("boom_m", self.boom_m),
            ("boom_loop_m end", self.boom_loop_m[1]),
            ("exit_loop_m start", self.exit_loop_m[0]),
            ("exit_loop_m end", self.exit_loop_m[1]),
            ("end_m", self.end_m),
        ];
        let mut problems: Vec<String> = order
            .windows(2)
            .filter(|pair| pair[0].1.partial_cmp(&pair[1].1).is_none_or(|order| order.is_gt()))
            .map(|pair| format!("lane: `{}` must not lie behind `{}`", pair[0].0, pair[1].0))
            .collect();
        if self.platform_m[1] <= self.platform_m[0] {
            problems.push("lane: `platform_m` must have a length".to_owned());
        }
        problems
    }
}

/// What the open terminal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenKind {
    /// A pulse starts the opening; the boom stays up after it.
    Pulse,
    /// The boom opens and stays open while the terminal is held; when it is released a self-closing board may close.
    Maintained,
}

/// Who closes the boom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Its own board, after its detectors cleared.
    #[serde(rename = "self")]
    Own,
    /// Only a command at the close terminal.
    Commanded,
}

/// What the boom does without power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerFail {
    Stays,
    /// Rises by its spring.
    Rises,
}

/// The boom and its board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoomBuild {
    pub open_kind: OpenKind,
    pub closing: Closing,
    /// Time from one limit to the other, ms.
    pub travel_ms: u64,
    /// Self-closing: time from the detectors' clearing after a passage to the start of closing, ms.
    pub close_after_passage_ms: u64,
    /// Self-closing: time up without any passage to the start of closing, ms; 0 = never.
    pub close_if_unused_ms: u64,
    /// The board turns round when its own detectors see something while it closes.
    pub reverses_on_presence: bool,
    /// Time the board rests before it turns round, ms.
    pub reversal_rest_ms: u64,
    pub power_fail: PowerFail,
    /// Angle at the start of the simulation, degrees; 0 = down.
    pub start_deg: f64,
}

impl Default for BoomBuild {
    fn default() -> Self {
        BoomBuild {
            open_kind: OpenKind::Pulse,
            closing: Closing::Own,
            travel_ms: 2_000,
            close_after_passage_ms: 2_000,
            close_if_unused_ms: 30_000,
            reverses_on_presence: true,
            reversal_rest_ms: 200,
            power_fail: PowerFail::Stays,
            start_deg: 0.0,
        }
    }
}
