//! One exploration: the boom, its board, what may happen.

use lane_core::interlock::{Closing, Config, Drive, Regime};
use lane_core::permit::PermitKind;
use lane_core::time::Mono;

pub const TICK_MS: u64 = 100;
/// Further from the epoch than every limit.
pub const NOW: Mono = Mono(600);
pub const FRESH_SCANS: u8 = 2;
pub const HOLD_TICKS: u8 = 2;
pub const REST_TICKS: u8 = 2;
pub const TRAVEL_TICKS: u8 = 5;
pub const JOINED_TICKS: u8 = 2;
pub const STUCK_TICKS: u8 = 6;
const EXPIRY_TICKS: u8 = 5;
/// Time for two vehicles, and for one of them to come back.
const EXPIRY_OF_MANY_TICKS: u8 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cars {
    One,
    Two,
    Trailer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lie {
    None,
    PhotocellBlind,
    LoopDead,
    LoopStuck,
    BothLimits,
}

/// One exploration.
#[derive(Debug, Clone)]
pub struct Run {
    pub name: &'static str,
    pub closing: Closing,
    pub drive: Drive,
    pub stop_output: bool,
    pub cars: Cars,
    pub lie: Lie,
    pub permits: u8,
    /// How many of the following may happen: link losses, cranks, jams, restarts, stops, a wrong way, the lie's beginning.
    pub mishaps: u8,
    pub may_restart: bool,
    pub may_stop: bool,
    pub may_lose_link: bool,
    pub may_crank: bool,
    pub may_jam: bool,
    pub may_go_wrong_way: bool,
    pub may_revoke: bool,
    pub kind: PermitKind,
    pub regime: Regime,
    /// One signal at a time may keep its last value and grow old.
    pub may_grow_stale: bool,
    pub may_turn_key: bool,
    /// Begins with an Open that an earlier start held; a restart leaves it held.
    pub held_at_start: bool,
}

impl Run {
    pub fn expiry_ticks(&self) -> u8 {
        match self.kind {
            PermitKind::Passage | PermitKind::Test => EXPIRY_TICKS,
            PermitKind::Group { .. } | PermitKind::Emergency => EXPIRY_OF_MANY_TICKS,
        }
    }

    pub fn config(&self) -> Config {
        Config {
            drive: self.drive,
            closing: self.closing,
            stop_output: self.stop_output,
            pulse_ms: TICK_MS,
            fresh_ms: TICK_MS / 2,
            fresh_scans: FRESH_SCANS,
            close_clear_hold_ms: TICK_MS * u64::from(HOLD_TICKS),
            reversal_rest_ms: TICK_MS * u64::from(REST_TICKS),
            travel_limit_ms: TICK_MS * u64::from(TRAVEL_TICKS),
            joined_gap_ms: TICK_MS * u64::from(JOINED_TICKS),
            unclear_after_ms: TICK_MS * 3,
            presence_stuck_ms: if self.lie == Lie::LoopStuck { TICK_MS * u64::from(STUCK_TICKS) } else { 0 },
            open_limit_ms: 0,
        }
    }
}
