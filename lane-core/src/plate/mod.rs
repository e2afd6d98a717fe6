//! Plates: text, grammar, voting over frames, and matching with the plates that are declared.
//!
//! ```text
//!   reader's slots, sight ─▶ read::Read ─▶ tracks::Tracks ─▶ vote::Track ─▶ vote::FusedRead ─┬─▶ matching::match_plates ─▶ Decision
//!                            worth::Sight   one a plate        one plate      lookup_texts() │             ▲
//!                                                                                            └▶ cache ─▶ candidates (declared plates)
//! ```
//!
//! Every probability is an integer: log-probabilities in milli-nats (`milli_nats`), posteriors in parts per
//! million, weights in permille. Nothing here knows a clock; times are arguments.

pub mod confusable;
pub mod grammar;
pub mod matching;
pub mod milli_nats;
pub mod read;
pub mod symbol;
pub mod text;
pub mod tracks;
pub mod vote;
pub mod worth;

pub use grammar::{Class, Country, Fits, Form, Layout};
pub use matching::{Candidate, CandidateId, Closeness, Decision, MatchRules, Matching, match_plates};
pub use milli_nats::MilliNats;
pub use read::{Alternative, Read, ReadError, Slot};
pub use symbol::Symbol;
pub use text::{PlateText, PlateTextError};
pub use tracks::{Chosen, Side, TrackNumber, Tracks};
pub use vote::{FusedRead, ScoredText, Track, VoteRules};
pub use worth::{Ramp, Sight, WorthRules};
