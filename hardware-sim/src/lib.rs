//! `hardware-sim`: a border lane's hardware as real wire protocols, with trucks, physics and faults.
//!
//! It models devices from their makers' descriptions and knows nothing of the daemon, so that the daemon's profiles are checked against it.
//!
//! ```text
//!   control (HTTP, page) ──▶ shell ── one lock ──▶ sim = world (vehicles, boom, weighbridge, detectors) + modules + wires
//!   modbus::server ─────────▶  │
//!   indicator::server ◀────────┤   a clock, or POST /step, moves time
//!   picture::server ◀──────────┘
//! ```
//! `world`, `modbus::device`, `indicator`, `sim`, `knobs`, `scenario` are pure: time and seed are arguments.

pub mod config;
pub mod control;
pub mod indicator;
pub mod knobs;
pub mod modbus;
pub mod picture;
pub mod scenario;
pub mod shell;
pub mod signal;
pub mod sim;
pub mod strict;
pub mod world;
