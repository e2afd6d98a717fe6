//! The daemon: everything of a lane that touches the world, except pictures.

pub mod cli;
pub mod clock;
pub mod officer;
pub mod scale;
pub mod settings;
pub mod web;
