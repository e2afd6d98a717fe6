//! A declaration: one movement of one vehicle, as the centre knows it.

use crate::ids::{Agency, ConsignmentId, DeclarationId, Digest, Gate, LaneName, PassageId, Revision};
use crate::plate::PlateText;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Which way the movement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Out of Vietnam.
    Outbound,
    /// Into Vietnam.
    Inbound,
}

/// The trade type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TradeType {
    /// Xuất khẩu.
    Export,
    /// Nhập khẩu.
    Import,
    /// Quá cảnh.
    Transit,
    /// Tạm nhập tái xuất, tạm xuất tái nhập.
    Temporary,
    /// Chuyển khẩu.
    Transshipment,
    /// Cư dân biên giới.
    BorderResidents,
    /// An empty vehicle going home.
    EmptyReturn,
    /// A type this version does not know: held.
    Other,
}

/// Customs' risk channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Luồng xanh: passes.
    Green,
    /// Luồng vàng: papers are checked first.
    Yellow,
    /// Luồng đỏ: goods are inspected first.
    Red,
    /// Not decided yet.
    Undecided,
}

/// Where a declaration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeclarationState {
    /// In force.
    Active,
    /// Taken back by the trader or the centre.
    Withdrawn,
    /// All its entries are used.
    Used,
}

/// What an agency said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConfirmationResult {
    /// Agreed.
    Pass,
    /// Wants the vehicle held.
    Hold,
    /// Refused.
    Refuse,
    /// Was agreed, is no longer.
    Expired,
    /// Nothing said yet.
    Absent,
}

/// One agency's confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Confirmation {
    /// Which agency.
    pub agency: Agency,
    /// Must it have confirmed for this movement?
    pub required: bool,
    /// What it said.
    pub result: ConfirmationResult,
    /// When, UTC milliseconds.
    pub at_ms: Option<i64>,
    /// Until when it holds, UTC milliseconds.
    pub expires_ms: Option<i64>,
    /// Its paper's number; at most 64 bytes.
    pub document: Option<String>,
    /// The digest of what it confirmed; another than the declaration's voids it.
    pub confirmed_digest: Option<Digest>,
}

/// Where a tare comes from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TareSource {
    /// Weighed empty.
    WeighedEmpty,
    /// From the vehicle register.
    Registered,
    /// Declared by the trader.
    Declared,
}

/// A known tare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tare {
    /// Grams of the empty vehicle, tractor and trailer together.
    pub grams: i64,
    /// Where from.
    pub source: TareSource,
    /// When, UTC milliseconds.
    pub at_ms: Option<i64>,
}

/// One movement of one vehicle.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Declaration {
    /// The centre's name of it.
    pub id: DeclarationId,
    /// The replica revision that brought this row.
    pub revision: Revision,
    /// Which gate.
    pub gate: Gate,
    /// Which way.
    pub direction: Direction,
    /// Trade type.
    pub trade: TradeType,
    /// The tractor's or rigid truck's plate.
    pub plate: PlateText,
    /// The trailer's, where there is one.
    pub trailer_plate: Option<PlateText>,
    /// Goods in a few words; at most 200 bytes.
    pub goods: String,
    /// Perishable goods go first.
    pub perishable: bool,
    /// On the priority list.
    pub priority: bool,
    /// Declared gross weight of the cargo, grams.
    pub cargo_grams: Option<i64>,
    /// Axles of the whole combination.
    pub axles: Option<u8>,
    /// Risk channel.
    pub channel: Channel,
    /// In force from, UTC milliseconds.
    pub valid_from_ms: i64,
    /// In force until (exclusive), UTC milliseconds.
    pub valid_until_ms: i64,
    /// How often it may be used.
    pub entries_allowed: u16,
    /// How often it was used: the centre's count overlaid with the ledger and claims, done by the look-up.
    pub entries_used: u16,
    /// Others that belong to it.
    pub consignment: Option<ConsignmentId>,
    /// Where the vehicle goes next (yard, inspection); at most 64 bytes.
    pub next_place: Option<String>,
    /// The lane it was told to use.
    pub lane_hint: Option<LaneName>,
    /// Where it stands.
    pub state: DeclarationState,
    /// Known tare.
    pub tare: Option<Tare>,
    /// What the agencies said.
    pub confirmations: Vec<Confirmation>,
    /// The digest of the fields that confirmations are tied to.
    pub digest: Digest,
}

/// What a watchlist entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WatchAction {
    /// Hold and call.
    Hold,
    /// Pass, and tell those who may see it.
    SilentAlarm,
}

/// Who may see a watchlist hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WatchSeen {
    /// The lane's officer.
    Lane,
    /// Supervisors.
    Supervisor,
    /// The centre alone.
    CentreOnly,
}

/// A watchlist hit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WatchHit {
    /// The entry's name; at most 64 bytes.
    pub entry: String,
    /// What it does.
    pub action: WatchAction,
    /// Who may see it.
    pub seen_by: WatchSeen,
}

/// Another lane's signed word that this vehicle or declaration is in it now.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OtherClaim {
    /// Which lane.
    pub lane: LaneName,
    /// Which declaration.
    pub declaration: DeclarationId,
    /// Its passage.
    pub passage: PassageId,
}

/// What the cache answered to a look-up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LookupAnswer {
    /// Candidates: exact and confusable neighbours, at most [`crate::rules::MAX_CANDIDATES`]; `truncated` when there were more.
    pub candidates: Vec<Declaration>,
    /// There were more candidates than fit: no candidate may be chosen by machine.
    pub truncated: bool,
    /// Watchlist hits of the plates read.
    pub watch: Vec<WatchHit>,
    /// Claims of other lanes on the candidates.
    pub claims: Vec<OtherClaim>,
    /// Declared for another gate, per the centre's answer: where.
    pub elsewhere: Option<Gate>,
    /// The revision of the declarations collection it was answered from.
    pub declarations: Option<Revision>,
    /// The revision of the watchlist it was answered from.
    pub watchlist: Option<Revision>,
}
