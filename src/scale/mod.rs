//! The weighbridge: indicators read over serial lines and TCP.
//!
//! ```text
//!  serial / TCP ─▶ line (one task owns it) ─▶ decode (pure, one file a family) ─▶ Reading + time ─▶ lane loop
//! ```
//!
//! - [`reading`]: what one frame said, in units that cannot lose a gram.
//! - [`decode`]: bytes in, readings and bad frames out; no clock, no I/O; every byte is accounted for.
//! - [`endpoint`]: where the indicator is (`tcp://`, `serial://`).
//! - [`line`]: opens, reads, reconnects; says what the officer should see when no weight comes.
//! - [`profile`]: makers' defaults as data, `config/profiles/scale/*.toml`.
//!
//! A frame is one display of one indicator. Whether a weighing counts (zero seen before, wholly on, stable) is
//! decided elsewhere; here a number is given only when the frame states one in kg or t without reservation.

pub mod decode;
pub mod endpoint;
pub mod line;
pub mod profile;
pub mod reading;
