//! The I/O modules of the lane: what they do ([`device`], pure) and how they are reached ([`server`], Modbus TCP).

pub mod build;
pub mod device;
pub mod server;
