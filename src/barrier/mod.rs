//! The barrier: Modbus modules, their register maps, and the PLC-like cycle around the interlock.
//!
//! ```text
//!   module task (one a module, owns its connection)          scan task (owns the interlock)
//!   ── every scan_ms: read inputs, read outputs back ──▶ snapshot (watch) ──▶ image ─▶ Interlock::scan
//!   ◀── write what differs, read back ── desired outputs (watch) ◀───────────────────────┘     │
//!        commands (bounded) ─▶ one scan each, at once          Stop (its own channel) ─▶ scan at once
//!        reports (bounded) and view (watch) ◀──────────────────────────────────────────────────┘
//! ```
//! A module that hangs stalls nobody else: its signals go stale, and the interlock draws the conclusion. [`profile`] is a register map as
//! a file, [`link`] the connection (any error, time-out or cancelled call drops it), [`module`] one module's task, [`scan`] the cycle, and
//! `urgent` says what waits neither for an answer nor for a reconnect: Stop, and the end of a movement.

mod flash;
pub mod link;
pub mod module;
pub mod profile;
pub mod scan;
#[cfg(test)]
mod tests;
mod urgent;

pub use module::LinkState;
pub use profile::{Normally, Profile, Pulse, PulseKind};
pub use scan::{Command, Handles, Report, SettingsError, StopButton, View, spawn};

use lane_core::interlock;
use std::sync::atomic::{AtomicU64, Ordering};

/// One module of a lane.
#[derive(Debug, Clone)]
pub struct ModuleSettings {
    /// Its name in reports.
    pub name: String,
    /// `host:port`.
    pub address: String,
    /// Its register map and wiring.
    pub profile: Profile,
    /// The site accepts, by name, that this module has no communication watchdog that can be read back: device-timed pulses only.
    pub accept_without_watchdog: bool,
}

/// The site's acceptance of a boom that is lowered by our command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Who accepted it: a person's name and office.
    pub by: String,
    /// When: a date, `YYYY-MM-DD`.
    pub on: String,
}

/// The barrier of one lane.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The cycle, ms (10 to 500).
    pub scan_ms: u64,
    /// Longest connect, read or write, ms.
    pub call_timeout_ms: u64,
    /// First wait before a reconnect, ms; doubled up to [`Settings::reconnect_most_ms`].
    pub reconnect_first_ms: u64,
    /// Longest wait before a reconnect, ms.
    pub reconnect_most_ms: u64,
    /// The interlock's limits.
    pub interlock: interlock::Config,
    /// A commanded closing is run only with it.
    pub closing_accepted: Option<Acceptance>,
    /// At most [`MAX_MODULES`].
    pub modules: Vec<ModuleSettings>,
}

/// Modules of one lane.
pub const MAX_MODULES: usize = 4;

impl Settings {
    /// Defaults around some modules.
    #[must_use]
    pub fn new(interlock: interlock::Config, modules: Vec<ModuleSettings>) -> Self {
        Self {
            scan_ms: 50,
            call_timeout_ms: 500,
            reconnect_first_ms: 200,
            reconnect_most_ms: 5_000,
            interlock,
            closing_accepted: None,
            modules,
        }
    }
}

/// What is counted.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Scans of the interlock.
    pub scans: AtomicU64,
    /// Complete reads of a module.
    pub reads: AtomicU64,
    /// Writes that were answered.
    pub writes: AtomicU64,
    /// Calls that failed and dropped the connection.
    pub link_errors: AtomicU64,
    /// Of those: time-outs. After one a write is unknown, not failed.
    pub timeouts: AtomicU64,
    /// Exception codes: answers.
    pub exceptions: AtomicU64,
    /// Connections made.
    pub connects: AtomicU64,
    /// Reads-back that differ from what was written.
    pub mismatches: AtomicU64,
    /// Reports dropped because nobody took them.
    pub reports_lost: AtomicU64,
    /// Calls given up, with their connection, for a Stop or the end of a movement.
    pub abandoned: AtomicU64,
    /// Module tasks that failed and were started anew.
    pub restarts: AtomicU64,
}

impl Metrics {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
