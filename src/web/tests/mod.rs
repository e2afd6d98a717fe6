//! The server over real HTTP, with the runtime's side played by the test.

mod bench;
mod live;
mod persons;
mod requests;
