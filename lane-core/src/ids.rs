//! Names of things. None of them is invented here: the store numbers passages, the runtime draws boot ids, the centre names declarations.

use alloc::string::String;
use serde::{Deserialize, Serialize};

/// One ledger file's life: random, drawn when the ledger is made or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LedgerId(pub u128);

/// One start of the daemon: random. Permits carry it and die with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BootId(pub u128);

/// One vehicle's stay: the ledger and the sequence of its first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PassageId {
    /// The ledger that numbered it.
    pub ledger: LedgerId,
    /// The sequence of the record that opened it.
    pub seq: u64,
}

/// One permission to raise the boom. `passage` is absent for emergency and test permits of an empty lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PermitId {
    /// The passage it is bound to.
    pub passage: Option<PassageId>,
    /// Counts the permits of that passage (or of that boot), from 0.
    pub counter: u16,
    /// The start of the daemon it belongs to: it is dead under any other.
    pub boot: BootId,
}

/// A token for a vehicle whose passage the store has not numbered yet: 0 to 3, the lowest that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VisitToken(pub u8);

/// A SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
    };
}
text_id!(/// The centre's opaque name of a declaration; at most 64 bytes, checked at the edge.
    DeclarationId);
text_id!(/// Several declarations or vehicles that belong together; at most 64 bytes.
    ConsignmentId);
text_id!(/// An agency's short name: `customs`, `border_guard`, `health`, `plant`, `animal`, `yard`, `fee`, ...; at most 32 bytes.
    Agency);
text_id!(/// An officer's login; at most 32 bytes.
    OfficerId);
text_id!(/// The name of one act or command, unique per sender; at most 64 bytes. Repeating it repeats nothing.
    ActId);
text_id!(/// A border gate: `huu-nghi`, `tan-thanh`, ...; at most 32 bytes.
    Gate);
text_id!(/// A lane of a gate; at most 32 bytes.
    LaneName);

/// Where in a replica a fact came from: epochs rise only under the root, revisions only increase within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision {
    /// The epoch of the collection.
    pub epoch: u32,
    /// The revision within it.
    pub revision: u64,
}
