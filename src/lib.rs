pub mod cli;
pub mod settings;
pub mod sync;
