//! What the screens and the daemon say to each other over HTTP: `docs/screen-api.md`, field by field. `ui/src/kit/wire.ts` is written from these types.

use crate::camera::Measured;
use crate::record::Act;
use crate::view::LaneView;
use crate::words::{ActOutcome, Role, Sign};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One view of the lane with what a screen shows around it: the event `view`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ViewFrame {
    /// Completed turns of the lane loop when the view was made.
    #[ts(type = "number")]
    pub turn: u64,
    /// Milliseconds since boot when the view was made.
    #[ts(type = "number")]
    pub now_ms: u64,
    /// Wall clock then.
    #[ts(type = "number")]
    pub utc_ms: i64,
    /// May it be believed?
    pub clock_trusted: bool,
    /// The lane's name.
    pub lane: String,
    /// The site's name, for people.
    pub site: String,
    /// IANA time zone of the site.
    pub time_zone: String,
    /// The way to the centre.
    pub link: LinkFacts,
    /// The barrier's profile has a `stop_output`.
    pub software_stop: bool,
    /// Programs.
    pub versions: Versions,
    /// The lane.
    pub view: LaneView,
    /// The front and the rear camera, beside their state in the view.
    pub cameras: [CameraSight; 2],
}

/// What is known of a camera besides its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct CameraSight {
    /// For how long its state has been what it is, milliseconds.
    #[ts(type = "number | null")]
    pub since_ms: Option<u64>,
    /// What the state was judged by when it began.
    pub measured: Option<Measured>,
    /// The picture that shows the state, as evidence.
    pub picture: Option<String>,
    /// The commissioning view; `None`: nobody has accepted one, and a move cannot be seen.
    pub accepted: Option<AcceptedView>,
    /// There is a view before this one that can be taken back.
    pub has_previous: bool,
}

/// A commissioning view: how a camera looked when a person accepted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AcceptedView {
    /// SHA-256 of the picture, lower-case hex.
    pub picture: String,
    /// When, UTC.
    #[ts(type = "number")]
    pub utc_ms: i64,
    /// Who; `None`: at the lane's control socket.
    pub by: Option<String>,
}

/// `POST /api/camera/{front|rear}/view`, by a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "do", deny_unknown_fields)]
pub enum ViewAct {
    /// From now on the camera is compared with this picture: one that `GET /api/camera/{name}/now` gave within the last minutes.
    Accept {
        /// Its `ETag`: SHA-256 in hex.
        picture: String,
    },
    /// The view before this one counts again; again: this one.
    TakeBack,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ViewAnswer {
    /// The view that counts from now on.
    pub accepted: Option<AcceptedView>,
}

/// The way to the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct LinkFacts {
    /// For how long the centre has been reachable or not, milliseconds.
    #[ts(type = "number | null")]
    pub since_ms: Option<u64>,
    /// Records it has not acknowledged.
    #[ts(type = "number")]
    pub waiting_records: u64,
}

/// Programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Versions {
    /// The daemon's.
    pub program: String,
}

/// The event `beat`, every 500 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Beat {
    /// The lane loop's own counter: nobody else moves it.
    #[ts(type = "number")]
    pub turn: u64,
    /// Milliseconds since boot.
    #[ts(type = "number")]
    pub now_ms: u64,
    /// Wall clock.
    #[ts(type = "number")]
    pub utc_ms: i64,
    /// May it be believed?
    pub clock_trusted: bool,
}

/// The event `sign`: all that the driver's sign may know. No check, no agency, no watchlist, no risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SignFrame {
    /// What it shows.
    pub sign: Sign,
    /// The vehicle's plate.
    pub plate: Option<String>,
    /// The vehicle is here since.
    #[ts(type = "number | null")]
    pub here_ms: Option<u64>,
    /// Live weight of the platform.
    #[ts(type = "number | null")]
    pub gross_grams: Option<i64>,
}

/// `POST /api/act`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ActRequest {
    /// 8 to 64 characters of `[0-9A-Za-z-]`, made for this press.
    pub id: String,
    /// The vehicle the person decided on.
    #[serde(default)]
    pub passage: Option<String>,
    /// [`LaneView::stamp`] of the view the person decided on.
    #[serde(default)]
    pub view_stamp: Option<u32>,
    /// What.
    pub act: Act,
}

/// Its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ActAnswer {
    /// What became of it.
    pub outcome: ActOutcome,
}

/// The answer to `POST /api/stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StopAnswer {
    /// The press was handed to the barrier.
    pub stopped: bool,
}

/// `POST /api/login`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LoginRequest {
    /// 1 to 32 characters of `[a-z0-9._-]`.
    pub id: String,
    /// Six digits.
    pub pin: String,
}

/// Who works the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Session {
    /// The login.
    pub id: String,
    /// The agency.
    pub agency: String,
    /// The role.
    pub role: Role,
    /// Left until it ends by idleness.
    #[ts(type = "number")]
    pub idle_left_ms: u64,
}

/// The answer to `GET /api/session`, `POST /api/login`, `POST /api/logout`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SessionAnswer {
    /// `None`: nobody.
    pub session: Option<Session>,
}

/// A person who may log in here: nothing that proves anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OfficerRow {
    /// The login.
    pub id: String,
    /// The agency.
    pub agency: String,
    /// The role.
    pub role: Role,
    /// Seconds until the next PIN is looked at; `None`: not locked.
    #[ts(type = "number | null")]
    pub locked_s: Option<u64>,
}

/// The answer to `GET /api/officers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OfficersAnswer {
    /// By agency and login.
    pub officers: Vec<OfficerRow>,
}

/// The body of an answer with a status of 400 or more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ApiError {
    /// A word for the page.
    pub error: String,
    /// A sentence in Vietnamese.
    pub message_vi: String,
    /// A sentence in English.
    pub message_en: String,
    /// A sentence in Chinese.
    pub message_zh: String,
    /// With `locked`: seconds until the next PIN is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number", optional)]
    pub retry_after_s: Option<u64>,
}
