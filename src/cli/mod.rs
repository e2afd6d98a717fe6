//! The commands a person types. Each takes its streams as arguments and returns the exit code, so that tests use the same door.

pub mod check;
pub mod declarations;
pub mod keys;
pub mod ledger;
pub mod officer;
pub mod plates;
pub mod replay;
pub mod scale;
