//! The commands a person types. Each takes its streams as arguments and returns the exit code, so that tests use the same door.

pub mod keys;
pub mod scale;
