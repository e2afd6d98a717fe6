//! The lane end to end over its real parts: mosquitto, the centre, the simulated hardware (Modbus TCP, indicator, MJPEG) and the daemon, each a
//! process of its own on free ports, and a person at the screens' API. Each scenario has its own lane and its own folder, asserts what the ledger
//! says, what the I/O module was written, and what the screen showed, and ends with the whole ledger at the centre and `ledger verify`.
//!
//! Most of a scenario is waiting for trucks: run many at once, `cargo nextest run --test e2e -j 8` or `cargo test --test e2e -- --test-threads 8`.
//! `borderlane-central` and `hardware-sim` are taken from beside `borderlane`, and built when they are not there. Scenarios with cameras need
//! `borderlane-vision` there too and `models/manifest.json`; without them they say so and are skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "e2e/lane.rs"]
mod lane;
#[path = "e2e/parts.rs"]
mod parts;
#[path = "e2e/screen.rs"]
mod screen;
#[path = "e2e/site.rs"]
mod site;

#[path = "e2e/boom.rs"]
mod boom;
#[path = "e2e/cameras.rs"]
mod cameras;
#[path = "e2e/clearing.rs"]
mod clearing;
#[path = "e2e/knowledge.rs"]
mod knowledge;
#[path = "e2e/links.rs"]
mod links;
#[path = "e2e/persons.rs"]
mod persons;
#[path = "e2e/scale.rs"]
mod scale;
#[path = "e2e/vehicles.rs"]
mod vehicles;
