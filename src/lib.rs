//! The daemon: everything of a lane that touches the world, except pictures.

pub mod barrier;
pub mod camera;
pub mod cli;
pub mod clock;
pub mod officer;
mod planted;
pub mod runtime;
pub mod scale;
pub mod settings;
pub mod store;
pub mod sync;
pub mod web;
