//! Where on the broker each thing is said. One table, from which `docs/wire/topics.md` is generated.
//!
//! ```text
//! borderlane/v1/{site}/{lane}/{topic}        one lane's own
//! borderlane/v1/{site}/replica/{collection}  for every lane of the site
//! borderlane/v1/{site}/replica/keys          the signed key list, retained
//! borderlane/v1/{site}/claims                lanes to lanes
//! ```
//! Site and lane are [`Name`]s: short, lower case, without the broker's wildcards; `replica` and `claims` are no lane.

use crate::replica::Collection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest name of a site or lane, bytes.
pub const MAX_NAME_BYTES: usize = 32;
const PREFIX: &str = "borderlane/v1";
const RESERVED: [&str; 2] = ["replica", "claims"];

/// A site's or a lane's name: 1 to 32 of `a-z 0-9 _ -`, and not a reserved word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A name that could not be part of a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no name: 1 to {MAX_NAME_BYTES} of a-z, 0-9, _ and -, and neither replica nor claims")]
pub struct BadName {
    text: String,
}

impl Name {
    /// # Errors
    /// [`BadName`] when `text` is empty, too long, reserved or holds another character.
    pub fn new(text: &str) -> Result<Self, BadName> {
        let fits = (1..=MAX_NAME_BYTES).contains(&text.len());
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if fits && plain && !RESERVED.contains(&text) {
            return Ok(Self(text.to_owned()));
        }
        Err(BadName { text: text.chars().take(2 * MAX_NAME_BYTES).collect() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::str::FromStr for Name {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// One lane's topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LaneTopic {
    /// Birth and death; retained; also the will.
    State,
    /// Devices, ages, queues, faults.
    Health,
    /// Ledger records in order.
    Events,
    /// Pictures by digest.
    Evidence,
    /// The centre has stored this much.
    Ack,
    /// One signed act.
    Command,
    /// What became of it.
    Reply,
    /// A plate the cache does not know.
    Query,
    /// What the centre knows of it.
    Answer,
    /// Changes this lane missed, or a snapshot.
    Repair,
    /// This lane missed something.
    RepairRequest,
}

impl LaneTopic {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::State,
        Self::Health,
        Self::Events,
        Self::Evidence,
        Self::Ack,
        Self::Command,
        Self::Reply,
        Self::Query,
        Self::Answer,
        Self::Repair,
        Self::RepairRequest,
    ];

    /// Those a lane listens to.
    pub const DOWN: [Self; 4] = [Self::Ack, Self::Command, Self::Answer, Self::Repair];

    /// Those the centre listens to.
    pub const UP: [Self; 7] = [Self::State, Self::Health, Self::Events, Self::Evidence, Self::Reply, Self::Query, Self::RepairRequest];

    /// Its last word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Health => "health",
            Self::Events => "events",
            Self::Evidence => "evidence",
            Self::Ack => "ack",
            Self::Command => "command",
            Self::Reply => "reply",
            Self::Query => "query",
            Self::Answer => "answer",
            Self::Repair => "repair",
            Self::RepairRequest => "repair_request",
        }
    }

    const fn row(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::State => ("lane", "1, retained, will", "LaneState", "birth (boot, ledger, versions, challenge) and death"),
            Self::Health => ("lane", "0", "Health", "every 10 s: devices, ages, queue, faults, stage times, disk, clock"),
            Self::Events => ("lane", "1", "EventBatch", "ledger records in order, the stored bytes themselves"),
            Self::Evidence => ("lane", "1", "EvidenceItem", "a picture by digest, after the records"),
            Self::Ack => ("centre, signed", "1", "Ack", "highest contiguous sequence stored and its hash; evidence digests apart"),
            Self::Command => ("centre, signed", "1", "Command", "one act; retained, replayed or expired ones do nothing"),
            Self::Reply => ("lane", "1", "Reply", "what really happened"),
            Self::Query => ("lane", "1", "Query", "plates that the cache does not know; 2 s"),
            Self::Answer => ("centre, signed", "1", "Answer", "declarations for those plates, or the gate they are declared for"),
            Self::Repair => ("centre, signed", "1", "RepairMessage", "missed changes, or a manifest and its parts"),
            Self::RepairRequest => ("lane", "1", "RepairRequest", "from which revision on this lane lacks changes"),
        }
    }
}

/// `borderlane/v1/{site}/{lane}/{topic}`
#[must_use]
pub fn lane(site: &Name, lane: &Name, topic: LaneTopic) -> String {
    format!("{PREFIX}/{site}/{lane}/{}", topic.word())
}

/// `borderlane/v1/{site}/+/{topic}`: every lane's.
#[must_use]
pub fn every_lane(site: &Name, topic: LaneTopic) -> String {
    format!("{PREFIX}/{site}/+/{}", topic.word())
}

/// `borderlane/v1/{site}/replica/{collection}`
#[must_use]
pub fn replica(site: &Name, collection: Collection) -> String {
    format!("{PREFIX}/{site}/replica/{}", collection.word())
}

/// `borderlane/v1/{site}/replica/keys`
#[must_use]
pub fn keys(site: &Name) -> String {
    format!("{PREFIX}/{site}/replica/keys")
}

/// `borderlane/v1/{site}/claims`
#[must_use]
pub fn claims(site: &Name) -> String {
    format!("{PREFIX}/{site}/claims")
}

/// What a received topic is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Parsed {
    /// One lane's.
    Lane(Name, LaneTopic),
    /// A collection's.
    Replica(Collection),
    /// The key list.
    Keys,
    /// Claims.
    Claims,
}

/// Takes a topic of `site` apart; `None` for anything else.
#[must_use]
pub fn parse(site: &Name, topic: &str) -> Option<Parsed> {
    let rest = topic.strip_prefix(PREFIX)?.strip_prefix('/')?.strip_prefix(site.as_str())?.strip_prefix('/')?;
    match rest.split_once('/') {
        None if rest == "claims" => Some(Parsed::Claims),
        None => None,
        Some(("replica", "keys")) => Some(Parsed::Keys),
        Some(("replica", word)) => Collection::from_word(word).map(Parsed::Replica),
        Some((lane, word)) => {
            let topic = LaneTopic::ALL.into_iter().find(|t| t.word() == word)?;
            Some(Parsed::Lane(Name::new(lane).ok()?, topic))
        }
    }
}

/// The table of `docs/wire/topics.md`.
#[must_use]
pub fn markdown_table() -> String {
    let mut text = String::from(
        "# Topics\n\nGenerated from `lane_link::topics`; a test fails when this page is out of date.\n\n\
         | topic | who | QoS | type | what |\n|---|---|---|---|---|\n",
    );
    for topic in LaneTopic::ALL {
        let (who, qos, kind, what) = topic.row();
        text.push_str(&format!("| `{PREFIX}/{{site}}/{{lane}}/{}` | {who} | {qos} | `{kind}` | {what} |\n", topic.word()));
    }
    for collection in Collection::ALL {
        let word = collection.word();
        text.push_str(&format!(
            "| `{PREFIX}/{{site}}/replica/{word}` | centre, signed | 1 | `ReplicaMessage` | changes of {word}, and the head every 10 s |\n"
        ));
    }
    text.push_str(&format!(
        "| `{PREFIX}/{{site}}/replica/keys` | centre, signed by the root | 1, retained | `KeyList` | keys, purposes, validity, epochs |\n"
    ));
    text.push_str(&format!(
        "| `{PREFIX}/{{site}}/claims` | lanes, signed | 1 | `ClaimMessage` | this vehicle and declaration are in my lane |\n"
    ));
    text.push_str("\nSigned messages travel as an `Envelope` whose payload is the type named here.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_reach_into_other_topics_are_refused() {
        for bad in ["", "+", "#", "a/b", "A", "replica", "claims", "làn", &"x".repeat(33)] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
        assert!(Name::new("huu-nghi_01").is_ok());
    }

    #[test]
    fn every_topic_is_taken_apart_as_it_was_put_together() {
        let (site, name) = (Name::new("huu-nghi").unwrap(), Name::new("lane-1").unwrap());
        for topic in LaneTopic::ALL {
            assert_eq!(parse(&site, &lane(&site, &name, topic)), Some(Parsed::Lane(name.clone(), topic)));
        }
        for collection in Collection::ALL {
            assert_eq!(parse(&site, &replica(&site, collection)), Some(Parsed::Replica(collection)));
        }
        assert_eq!(parse(&site, &keys(&site)), Some(Parsed::Keys));
        assert_eq!(parse(&site, &claims(&site)), Some(Parsed::Claims));
        let other = Name::new("tan-thanh").unwrap();
        assert_eq!(parse(&other, &keys(&site)), None);
        assert_eq!(parse(&site, "borderlane/v1/huu-nghi2/claims"), None);
    }
}
