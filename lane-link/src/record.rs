//! A ledger record as bytes: one JSON object, the same bytes in the ledger, on the wire and at the centre.
//!
//! ```json
//! {"v":1,"at_ms":81234,"utc_ms":1795300000000,"clock_trusted":true,"passage":"{ledger}-{seq}","kind":"permit_granted", ...}
//! ```
//! Readers tolerate unknown fields and unknown kinds: an auditor's old tool still checks a newer ledger's chain.

use crate::ids::{digest_text, passage_text, permit_text};
use crate::interlock::InterlockEvent;
use crate::view::Check;
use crate::words::{
    ActOutcome, Camera, CameraState, Fault, Mode, Origin, Outcome, PassageEnd, PermitEnd, PermitKind, ReasonCode, Role, ScaleState,
    WeightUnknown,
};
use lane_core::ids::{DeclarationId, Revision};
use lane_core::officer::{Act as CoreAct, Officer as CoreOfficer, Reason as CoreReason};
use lane_core::record::{Record as CoreRecord, What};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The version of the record format.
pub const RECORD_VERSION: u8 = 1;
/// No record is longer than this.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Format.
    pub v: u8,
    /// Milliseconds since the machine's boot.
    pub at_ms: u64,
    /// UTC milliseconds.
    pub utc_ms: i64,
    /// May `utc_ms` be believed?
    pub clock_trusted: bool,
    /// Passage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passage: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Person {
    /// Login.
    pub id: String,
    /// Agency.
    pub agency: String,
    /// Role.
    pub role: Role,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Reason {
    /// Which button.
    pub code: ReasonCode,
    /// Words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// A declaration and the revision that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Declaration.
    pub id: String,
    /// Epoch.
    pub epoch: u32,
    /// Revision.
    pub revision: u64,
}

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "do")]
#[allow(missing_docs)]
pub enum Act {
    Open { reason: Reason },
    Agree,
    Refuse { reason: Reason },
    Divert { reason: Reason },
    CorrectPlate { camera: Camera, plate: String },
    ChooseDeclaration { declaration: String },
    Confirm,
    SetAxles { axles: u8 },
    Hold { reason: Reason },
    Release,
    SetMode { mode: Mode, reason: Reason },
    ResetFaults,
    CloseBoom,
    OpenGroup { count: u8, reason: Reason },
    OpenEmergency { reason: Reason },
    SecondConsent { to: String },
}

/// What a record says. Ids, digests and plates are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs)]
pub enum Body {
    Started {
        boot: String,
        ledger: String,
        open_passage: Option<String>,
        program: String,
        settings: String,
        models: String,
    },
    Stopping,
    PassageOpened {
        at_boom: bool,
    },
    PlateRead {
        camera: Camera,
        text: String,
        probability_ppm: u32,
        frames: u16,
        evidence: Option<String>,
        /// The plate cut out of it and pulled straight, by digest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        crop: Option<String>,
        /// Corners of the plate in pixels of the picture.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quad: Option<[[i32; 2]; 4]>,
        acquired_at_ms: u64,
    },
    Weighed {
        gross_grams: i64,
        acquired_at_ms: u64,
        raw: Option<String>,
    },
    NotWeighed {
        why: WeightUnknown,
    },
    Unassigned {
        camera: Camera,
        evidence: String,
    },
    Verdict {
        outcome: Outcome,
        checks: Vec<Check>,
        declarations: Vec<Judged>,
        rules: Option<[u64; 2]>,
        watchlist: Option<[u64; 2]>,
    },
    PermitGranted {
        permit: String,
        permit_kind: PermitKind,
        expires_at_ms: u64,
        lane_would: Outcome,
        by: Option<Person>,
        act: Option<String>,
        declarations: Vec<Judged>,
    },
    PermitEnded {
        permit: String,
        end: PermitEnd,
    },
    Interlock {
        event: InterlockEvent,
    },
    PassageEnded {
        end: PassageEnd,
        verdict_ms: Option<u32>,
        up_ms: Option<u32>,
        clear_ms: Option<u32>,
    },
    Act {
        id: String,
        by: Person,
        origin: Origin,
        act: Act,
        outcome: ActOutcome,
        lane_would: Option<Outcome>,
        view_stamp: Option<u32>,
    },
    ConfirmedAtLane {
        declaration: String,
        agency: String,
        digest: Option<String>,
    },
    Mode {
        from: Mode,
        to: Mode,
        by: Option<Person>,
    },
    Fault {
        fault: Fault,
        raised: bool,
    },
    Watch {
        mode: Mode,
        passages: u32,
        cameras: [CameraState; 2],
        scale: ScaleState,
        faults: Vec<Fault>,
    },
    ClockStepped {
        by_ms: i64,
    },
    /// Written by the link: a command that did nothing, and why (I11).
    CommandRefused {
        command: String,
        why: String,
        count: u32,
    },
    /// Written at every start of a lane whose boom is lowered by command: who accepted that for the site, and when.
    ClosingAccepted {
        by: String,
        on: String,
    },
    /// Written by the store: this ledger follows another (I12).
    LedgerBegun {
        previous: Option<String>,
        last_seq: Option<u64>,
        last_hash: Option<String>,
        why: String,
    },
    /// Written by the store: the key that signs this ledger's heads from here on.
    LedgerKey {
        public_key: String,
    },
    /// Written by the store: so many records were lost while the disk took none.
    RecordsLost {
        count: u64,
    },
    /// A person logged in at this lane.
    LoggedIn {
        by: Person,
    },
    /// A session ended: `logout`; `account` when the account was removed, changed or had run out; `idle`; `crowded` when there were too many sessions.
    LoggedOut {
        by: Person,
        why: String,
    },
    /// An account of this lane was written at its desk (`written`: added, disabled or given a PIN; `unlocked`), or the centre took it back (`removed`).
    Account {
        login: String,
        what: String,
    },
    /// Logins were refused: the first of each login and reason at once, then counted once a minute.
    LoginFailed {
        login: String,
        why: String,
        count: u32,
    },
    /// A camera's condition became this; the picture shows it. At most one an hour of each condition and camera.
    CameraCondition {
        camera: Camera,
        state: CameraState,
        picture: String,
    },
    /// A person `accepted` a camera's commissioning view, or took the one before `back`. `picture`: the view from then on; `by`: nobody where it was
    /// done at the lane's control socket.
    CameraView {
        camera: Camera,
        what: String,
        picture: Option<String>,
        by: Option<Person>,
    },
    /// A kind this version does not know.
    #[serde(other)]
    Unknown,
}

impl From<&CoreOfficer> for Person {
    fn from(o: &CoreOfficer) -> Self {
        Self { id: o.id.0.clone(), agency: o.agency.0.clone(), role: o.role.into() }
    }
}

impl From<&CoreReason> for Reason {
    fn from(r: &CoreReason) -> Self {
        Self { code: r.code.into(), text: r.text.clone() }
    }
}

impl From<&CoreAct> for Act {
    fn from(act: &CoreAct) -> Self {
        match act {
            CoreAct::Open(reason) => Self::Open { reason: reason.into() },
            CoreAct::Agree => Self::Agree,
            CoreAct::Refuse(reason) => Self::Refuse { reason: reason.into() },
            CoreAct::Divert(reason) => Self::Divert { reason: reason.into() },
            CoreAct::CorrectPlate(camera, plate) => Self::CorrectPlate { camera: (*camera).into(), plate: plate.to_string() },
            CoreAct::ChooseDeclaration(id) => Self::ChooseDeclaration { declaration: id.0.clone() },
            CoreAct::Confirm => Self::Confirm,
            CoreAct::SetAxles(axles) => Self::SetAxles { axles: *axles },
            CoreAct::Hold(reason) => Self::Hold { reason: reason.into() },
            CoreAct::Release => Self::Release,
            CoreAct::SetMode(mode, reason) => Self::SetMode { mode: (*mode).into(), reason: reason.into() },
            CoreAct::ResetFaults => Self::ResetFaults,
            CoreAct::CloseBoom => Self::CloseBoom,
            CoreAct::OpenGroup(count, reason) => Self::OpenGroup { count: *count, reason: reason.into() },
            CoreAct::OpenEmergency(reason) => Self::OpenEmergency { reason: reason.into() },
            CoreAct::SecondConsent(to) => Self::SecondConsent { to: to.0.clone() },
        }
    }
}

fn judged(list: &[(DeclarationId, Revision)]) -> Vec<Judged> {
    list.iter().map(|(id, r)| Judged { id: id.0.clone(), epoch: r.epoch, revision: r.revision }).collect()
}

fn pair(revision: Option<Revision>) -> Option<[u64; 2]> {
    revision.map(|r| [u64::from(r.epoch), r.revision])
}

impl From<&CoreRecord> for Record {
    fn from(record: &CoreRecord) -> Self {
        Self {
            v: RECORD_VERSION,
            at_ms: record.at.0,
            utc_ms: record.wall.utc_ms,
            clock_trusted: record.wall.trusted().is_some(),
            passage: record.passage.map(passage_text),
            body: Body::from(&record.what),
        }
    }
}

impl From<&What> for Body {
    fn from(what: &What) -> Self {
        match what {
            What::Started(s) => Self::Started {
                boot: format!("{:032x}", s.boot.0),
                ledger: crate::ids::ledger_text(s.ledger),
                open_passage: s.open_passage.map(passage_text),
                program: digest_text(s.program),
                settings: digest_text(s.settings),
                models: digest_text(s.models),
            },
            What::Stopping => Self::Stopping,
            What::PassageOpened { at_boom } => Self::PassageOpened { at_boom: *at_boom },
            What::PlateRead { camera, text, probability_ppm, frames, picture, acquired_at } => Self::PlateRead {
                camera: (*camera).into(),
                text: text.to_string(),
                probability_ppm: *probability_ppm,
                frames: *frames,
                evidence: picture.map(|picture| digest_text(picture.frame)),
                crop: picture.and_then(|picture| picture.crop).map(digest_text),
                quad: picture.and_then(|picture| picture.quad),
                acquired_at_ms: acquired_at.0,
            },
            What::Weighed(_) | What::NotWeighed(_) => weighing(what),
            What::Unassigned { camera, evidence } => Self::Unassigned { camera: (*camera).into(), evidence: digest_text(*evidence) },
            What::Verdict(v) => Self::Verdict {
                outcome: v.outcome.into(),
                checks: v.checks.iter().map(Check::from).collect(),
                declarations: judged(&v.declarations),
                rules: pair(v.rules),
                watchlist: pair(v.watchlist),
            },
            What::PermitGranted { permit, lane_would, by, act, declarations } => Self::PermitGranted {
                permit: permit_text(permit.id),
                permit_kind: permit.kind.into(),
                expires_at_ms: permit.expires.0,
                lane_would: (*lane_would).into(),
                by: by.as_ref().map(Person::from),
                act: act.as_ref().map(|id| id.0.clone()),
                declarations: judged(declarations),
            },
            What::PermitEnded { permit, end } => Self::PermitEnded { permit: permit_text(*permit), end: (*end).into() },
            What::Interlock(event) => Self::Interlock { event: event.into() },
            What::PassageEnded { end, stages_ms: [verdict_ms, up_ms, clear_ms] } => {
                Self::PassageEnded { end: (*end).into(), verdict_ms: *verdict_ms, up_ms: *up_ms, clear_ms: *clear_ms }
            }
            What::Act { id, by, origin, act, outcome, lane_would, view_stamp } => Self::Act {
                id: id.0.clone(),
                by: by.into(),
                origin: (*origin).into(),
                act: act.into(),
                outcome: (*outcome).into(),
                lane_would: lane_would.map(Into::into),
                view_stamp: *view_stamp,
            },
            What::ConfirmedAtLane { declaration, confirmation } => Self::ConfirmedAtLane {
                declaration: declaration.0.clone(),
                agency: confirmation.agency.0.clone(),
                digest: confirmation.confirmed_digest.map(digest_text),
            },
            What::Mode { from, to, by } => Self::Mode { from: (*from).into(), to: (*to).into(), by: by.as_ref().map(Person::from) },
            What::Fault { fault, raised } => Self::Fault { fault: (*fault).into(), raised: *raised },
            What::Watch { mode, passages, cameras, scale, faults } => Self::Watch {
                mode: (*mode).into(),
                passages: *passages,
                cameras: cameras.map(Into::into),
                scale: (*scale).into(),
                faults: faults.iter().map(|f| (*f).into()).collect(),
            },
            What::ClockStepped { by_ms } => Self::ClockStepped { by_ms: *by_ms },
        }
    }
}

fn weighing(what: &What) -> Body {
    match what {
        What::Weighed(w) => Body::Weighed { gross_grams: w.gross_grams, acquired_at_ms: w.acquired_at.0, raw: Some(digest_text(w.raw)) },
        What::NotWeighed(why) => Body::NotWeighed { why: (*why).into() },
        _ => Body::Unknown,
    }
}

impl Record {
    /// The bytes that the ledger keeps and the wire carries.
    ///
    /// # Errors
    /// Never in practice: every part serialises.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// When the bytes are no record.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}
