//! What a lane, its screens and the centre say to each other: wire types, topics, signatures, schemas.
//!
//! JSON throughout. What comes down from the centre is believed for its signature ([`envelope`], [`keys`]) and never for the broker that
//! brought it; what goes up is the ledger's own bytes, acknowledged by a signature ([`ack`]). With feature `mqtt` also the one MQTT link that
//! lane and centre both use ([`mqtt`]).

pub mod ack;
pub mod camera;
pub mod chain;
pub mod claim;
pub mod command;
pub mod declaration;
pub mod envelope;
pub mod health;
pub mod hex_bytes;
pub mod ids;
pub mod interlock;
pub mod keys;
#[cfg(feature = "mqtt")]
pub mod mqtt;
pub mod officer;
pub mod query;
pub mod record;
pub mod replica;
pub mod rules;
pub mod state;
pub mod topics;
pub mod view;
pub mod view_api;
pub mod words;
