//! What a lane decides: pure, `no_std`, time as an argument, effects as results.
//!
//! Reading order: [`input`] (everything that can happen to a lane), [`effect`] (everything a lane can ask for), [`lane`] (the machine
//! between them), [`verdict`] (may this vehicle pass, and why not), [`interlock`] (may the boom move, whoever asks).
//!
//! **Architecture invariant:** nothing here reads a clock, draws a random number, uses a float, touches a file or knows a wire format.
#![no_std]
extern crate alloc;

pub mod declaration;
pub mod effect;
pub mod fault;
pub mod ids;
pub mod input;
pub mod interlock;
pub mod lane;
pub mod officer;
pub mod permit;
pub mod plate;
pub mod record;
pub mod rules;
pub mod signal;
pub mod time;
pub mod verdict;
pub mod view;
pub mod weight;
