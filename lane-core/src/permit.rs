//! Permits: the only way to an admitting Up (I3, I4).

use crate::ids::{OfficerId, PermitId, Revision};
use crate::time::Mono;
use serde::{Deserialize, Serialize};

/// Whom a permit admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PermitKind {
    /// One vehicle: the one of the passage.
    Passage,
    /// `count` vehicles, by a named person with a reason; every one recorded.
    Group {
        /// 2 to 20.
        count: u8,
    },
    /// Rescue: anyone until it ends, every vehicle recorded.
    Emergency,
    /// Bring-up with the lane proven empty.
    Test,
}

/// A permit as the interlock sees it: it knows nothing of declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Permit {
    /// Its name, used once.
    pub id: PermitId,
    /// Whom it admits.
    pub kind: PermitKind,
    /// Bounds the start of Up and the entry onto the boom loop; it never ends under a vehicle.
    pub expires: Mono,
}

/// What a permit was judged on; a change that would alter the verdict revokes it until the front is on the boom loop.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JudgedOn {
    /// Declarations collection.
    pub declarations: Option<Revision>,
    /// Rules collection.
    pub rules: Option<Revision>,
    /// Watchlist collection.
    pub watchlist: Option<Revision>,
    /// The person, where one decided.
    pub by: Option<OfficerId>,
}

/// How a permit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PermitEnd {
    /// Its vehicle (or the last of its group) was seen to leave.
    VehicleClear,
    /// Its vehicle went back.
    BackedOut,
    /// Nobody entered in time, or Up never started.
    Expired,
    /// The facts changed before the vehicle entered.
    Revoked,
    /// A person ended it.
    EndedByPerson,
    /// A fault ended it.
    Fault,
    /// Stop ended it.
    Stop,
    /// The daemon restarted.
    Restart,
}
