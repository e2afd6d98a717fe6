//! What the appliance at one lane is told once, at the start.

pub mod reader;
