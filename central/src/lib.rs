//! The reference central console: declarations in, records out of the lanes, commands to them, and a page for people.
//!
//! ```text
//!   HTTP (loopback) ──▶ database ──▶ signed changes, heads ──▶ broker ──▶ lanes
//!                          ▲ one transaction a batch                      │
//!   page, API ◀────────────┴──────────── ingest ◀── events, evidence ◀────┘
//! ```
//! * What goes down is signed here ([`keys`]) and kept as signed: a lane that missed a change gets those bytes, or a snapshot ([`replicas`]).
//! * What comes up is stored only where it continues the lane's ledger; a fork is an alarm and is not acknowledged ([`ingest`]).
//! * The broker may lose anything at any time: lanes send again what was not acknowledged, heads show them what they missed.

pub mod app;
mod broker;
pub mod config;
mod db;
mod http;
mod ingest;
pub mod keys;
mod page;
mod repair;
mod replicas;

pub use app::{Running, run};
