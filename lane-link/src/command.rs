//! Remote commands (I11): one signed act of a named person at the centre, good for one lane, one passage, one connection and a short time.
//!
//! ```text
//! received ─▶ retained? ─▶ signed by command key(s)? ─▶ exactly the known fields? ─▶ this lane? ─▶ this connection's challenge?
//!          ─▶ within [not_before, expires) on a trusted clock? ─▶ the passage that is at the boom? ─▶ id never seen? ─▶ Accepted
//! ```
//! The first step that fails names the [`Refusal`]; a refused command does nothing but be recorded, the first of each reason at once and
//! then one counted record a minute ([`RefusalLog`]). [`CommandGate::judge`] is pure; whether an id was seen is asked last, of a store
//! that remembers it durably before it answers, so that no crash lets an id pass twice. What is accepted is still only a wish: the lane and
//! its interlock judge it like a person's touch.

use crate::envelope::{Domain, Envelope, EnvelopeError, What};
use crate::hex_bytes::Hex16;
use crate::keys::KeyRing;
use crate::topics::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Largest command, bytes of its envelope.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// Longest id, bytes.
pub const MAX_COMMAND_ID_BYTES: usize = 64;
/// Longest words of a reason, bytes.
pub const MAX_REASON_BYTES: usize = 500;
/// A command may live this long.
pub const MAX_COMMAND_LIFE_MS: i64 = 120_000;
/// After the first, refusals of one reason are recorded together this often.
pub const REFUSAL_RECORD_EVERY_MS: u64 = 60_000;

/// Who decided, as the centre identified the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandPerson {
    /// Login, at most 32 bytes.
    pub id: String,
    /// Agency, at most 32 bytes.
    pub agency: String,
    /// `officer` or `supervisor`.
    pub role: CommandRole,
}

/// What a remote person is trusted with. Technicians work at the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandRole {
    /// Works a lane.
    Officer,
    /// Gives second consent, changes modes.
    Supervisor,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandReason {
    /// Which button.
    pub code: CommandReasonCode,
    /// Words, at most [`MAX_REASON_BYTES`].
    #[serde(default)]
    pub text: String,
}

/// The reason pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum CommandReasonCode {
    DocumentsChecked,
    ConfirmedOutside,
    DeviceFault,
    Ordered,
    Emergency,
    Other,
}

/// Modes that may be set from afar; all others belong to a person at the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum CommandMode {
    Automatic,
    Attended,
    Closed,
}

/// One act. What is not here is done at the lane: resetting faults, closing the boom, groups, emergencies, maintenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum CommandAct {
    /// Raise the boom once for the vehicle at it: an override.
    OpenOnce {
        reason: CommandReason,
    },
    /// Agree with a passing verdict in mode Attended.
    Agree {},
    Refuse {
        reason: CommandReason,
    },
    Divert {
        reason: CommandReason,
    },
    Hold {
        reason: CommandReason,
    },
    /// End a hold, refusal or diversion made by a person.
    Release {},
    CorrectPlate {
        plate: String,
    },
    ChooseDeclaration {
        declaration: String,
    },
    SetAxles {
        axles: u8,
    },
    SetMode {
        mode: CommandMode,
        reason: CommandReason,
    },
    /// Agree as the second person to this act.
    SecondConsent {
        to: String,
    },
}

impl CommandAct {
    /// Must it name the passage it was decided on?
    #[must_use]
    pub const fn needs_passage(&self) -> bool {
        !matches!(self, Self::SetMode { .. })
    }

    fn reason(&self) -> Option<&CommandReason> {
        match self {
            Self::OpenOnce { reason }
            | Self::Refuse { reason }
            | Self::Divert { reason }
            | Self::Hold { reason }
            | Self::SetMode { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its name, unique for ever; at most 64 bytes.
    pub id: String,
    /// For this lane.
    pub lane: Name,
    /// Decided on this passage (`{ledger}-{sequence}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passage: Option<String>,
    /// Of the view it was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_stamp: Option<u32>,
    /// The challenge of the lane's last birth.
    pub challenge: Hex16,
    /// Good from, UTC milliseconds.
    pub not_before_ms: i64,
    /// Good until (exclusive), UTC milliseconds; at most [`MAX_COMMAND_LIFE_MS`] later.
    pub expires_ms: i64,
    /// Who decided.
    pub by: CommandPerson,
    /// What.
    pub act: CommandAct,
}

/// What `{lane}/reply` says: what really happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// The command's name; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `accepted`, an outcome of the lane, or the word of a refusal.
    pub outcome: String,
    /// When, UTC milliseconds; absent where the clock is not trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utc_ms: Option<i64>,
}

/// Why a command does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The broker kept it for us.
    Retained,
    /// Too long, or no envelope.
    Malformed,
    /// No command key's signature.
    BadSignature,
    /// Fields or acts this version does not know, or values out of range.
    NotUnderstood,
    /// It needs two persons' keys.
    NeedsTwoKeys,
    /// For another lane.
    OtherLane,
    /// Another connection's challenge: made before the lane was last born.
    OldChallenge,
    /// The clock is not trusted.
    ClockUnknown,
    /// Before its time.
    TooEarly,
    /// After its time, or made to live too long.
    Expired,
    /// Another vehicle is at the boom, or none.
    OtherPassage,
    /// Its id was seen.
    Replayed,
    /// The id could not be remembered.
    StoreFailed,
}

impl Refusal {
    /// Its word in records and replies.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retained => "retained",
            Self::Malformed => "malformed",
            Self::BadSignature => "bad_signature",
            Self::NotUnderstood => "not_understood",
            Self::NeedsTwoKeys => "needs_two_keys",
            Self::OtherLane => "other_lane",
            Self::OldChallenge => "old_challenge",
            Self::ClockUnknown => "clock_unknown",
            Self::TooEarly => "too_early",
            Self::Expired => "expired",
            Self::OtherPassage => "other_passage",
            Self::Replayed => "replayed",
            Self::StoreFailed => "store_failed",
        }
    }
}

/// A refused command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// Its id, where a believed signature let it be read.
    pub id: Option<String>,
}

/// What the gate knows when a command arrives.
#[derive(Debug, Clone, Copy)]
pub struct CommandGate<'a> {
    /// The keys.
    pub ring: &'a KeyRing,
    /// This lane.
    pub lane: &'a Name,
    /// The challenge of this connection's birth.
    pub challenge: Hex16,
    /// The passage at the boom, as text.
    pub passage: Option<&'a str>,
    /// UTC milliseconds, if the clock is trusted.
    pub now_ms: Option<i64>,
    /// `open_once` needs two keys.
    pub open_needs_two_keys: bool,
}

/// A command that may be done if its id was never seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The command.
    pub command: Command,
    /// Who signed.
    pub signers: Vec<String>,
}

impl CommandGate<'_> {
    /// Judges everything but whether the id was seen: the caller asks that of a durable memory next, and gives
    /// [`Refusal::Replayed`] if so. An id need be remembered until `expires_ms` only.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn judge(&self, bytes: &[u8], retained: bool) -> Result<Accepted, Refused> {
        let refuse = |why| Refused { why, id: None };
        if retained {
            return Err(refuse(Refusal::Retained));
        }
        if bytes.len() > MAX_COMMAND_BYTES {
            return Err(refuse(Refusal::Malformed));
        }
        let envelope = Envelope::parse(bytes).map_err(|_| refuse(Refusal::Malformed))?;
        let domain = Domain::lane(What::Command, self.ring.site(), self.lane);
        let verified = envelope.verify(&domain, self.ring, self.now_ms).map_err(|error| {
            refuse(match error {
                EnvelopeError::Key { why: crate::keys::KeyUse::ClockUnknown, .. } => Refusal::ClockUnknown,
                EnvelopeError::Malformed(_) => Refusal::Malformed,
                _ => Refusal::BadSignature,
            })
        })?;
        let command: Command = verified.read().map_err(|_| refuse(Refusal::NotUnderstood))?;
        let signers = verified.signers;
        match self.why_not(&command, signers.len()) {
            Some(Refusal::NotUnderstood) => Err(refuse(Refusal::NotUnderstood)),
            Some(why) => Err(Refused { why, id: Some(command.id) }),
            None => Ok(Accepted { command, signers }),
        }
    }

    fn why_not(&self, command: &Command, keys: usize) -> Option<Refusal> {
        if !in_bounds(command) {
            return Some(Refusal::NotUnderstood);
        }
        if command.lane != *self.lane {
            return Some(Refusal::OtherLane);
        }
        if command.challenge != self.challenge {
            return Some(Refusal::OldChallenge);
        }
        let Some(now) = self.now_ms else { return Some(Refusal::ClockUnknown) };
        if now < command.not_before_ms {
            return Some(Refusal::TooEarly);
        }
        let life = command.expires_ms.saturating_sub(command.not_before_ms);
        if now >= command.expires_ms || !(1..=MAX_COMMAND_LIFE_MS).contains(&life) {
            return Some(Refusal::Expired);
        }
        if command.act.needs_passage() && (command.passage.is_none() || command.passage.as_deref() != self.passage) {
            return Some(Refusal::OtherPassage);
        }
        if self.open_needs_two_keys && keys < 2 && matches!(command.act, CommandAct::OpenOnce { .. }) {
            return Some(Refusal::NeedsTwoKeys);
        }
        None
    }
}

fn in_bounds(command: &Command) -> bool {
    let id = |text: &str, max_bytes: usize| !text.is_empty() && text.len() <= max_bytes;
    let act = match &command.act {
        CommandAct::CorrectPlate { plate } => id(plate, 32),
        CommandAct::ChooseDeclaration { declaration } => id(declaration, 64),
        CommandAct::SecondConsent { to } => id(to, MAX_COMMAND_ID_BYTES),
        _ => true,
    };
    act && id(&command.id, MAX_COMMAND_ID_BYTES)
        && id(&command.by.id, 32)
        && id(&command.by.agency, 32)
        && command.act.reason().is_none_or(|r| r.text.len() <= MAX_REASON_BYTES)
}

/// What a refusal record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRecord {
    /// Why.
    pub why: Refusal,
    /// How many since the last record of this reason.
    pub count: u32,
    /// The id of the last, where it was readable.
    pub id: Option<String>,
}

#[derive(Debug, Clone)]
struct Pending {
    recorded_at_ms: u64,
    count: u32,
    id: Option<String>,
}

/// Keeps a flood of bad commands from becoming a flood of records: the first of each reason at once, then one counted record a minute.
#[derive(Debug, Clone, Default)]
pub struct RefusalLog {
    by_reason: BTreeMap<Refusal, Pending>,
}

impl RefusalLog {
    /// Notes a refusal at `now_ms` (monotonic); a record where one is due at once.
    pub fn note(&mut self, refused: Refused, now_ms: u64) -> Option<RefusalRecord> {
        let Refused { why, id } = refused;
        match self.by_reason.get_mut(&why) {
            None => {
                self.by_reason.insert(why, Pending { recorded_at_ms: now_ms, count: 0, id: None });
                Some(RefusalRecord { why, count: 1, id })
            }
            Some(pending) => {
                pending.count = pending.count.saturating_add(1);
                pending.id = id;
                None
            }
        }
    }

    /// The counted records that are due at `now_ms`. A reason that was quiet for a whole minute begins anew.
    pub fn due(&mut self, now_ms: u64) -> Vec<RefusalRecord> {
        let mut records = Vec::new();
        self.by_reason.retain(|why, pending| {
            if now_ms.saturating_sub(pending.recorded_at_ms) < REFUSAL_RECORD_EVERY_MS {
                return true;
            }
            if pending.count == 0 {
                return false;
            }
            records.push(RefusalRecord { why: *why, count: pending.count, id: pending.id.take() });
            *pending = Pending { recorded_at_ms: now_ms, count: 0, id: None };
            true
        });
        records
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
