//! The eyes of a lane: pictures in, plate reads out. The only program that links OpenCV (it pulls in 240 libraries and its own
//! SQLite), and therefore one of its own, that may hang or crash without harm to the lane.
//!
//! ```text
//! source ─▶ frame ─▶ presence gate ─▶ detector ─▶ refiner: four corners ─▶ rectified plate ─▶ reader ─▶ track ─▶ report
//! ```
//!
//! A `Mat` shares memory and stays on the thread that made it; threads hand each other owned bytes.

pub mod condition;
pub mod decode;
pub mod detector;
pub mod eyes;
pub mod format;
pub mod geometry;
pub mod label;
pub mod live;
pub mod manifest;
pub mod measure;
pub mod mjpeg;
pub mod network;
pub mod picture;
pub mod plates;
pub mod quiet;
pub mod reader;
pub mod reads;
pub mod refiner;
pub mod source;
pub mod track;
pub mod worker;
