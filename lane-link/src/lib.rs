//! What a lane, its screens and the centre say to each other: wire types, topics, signatures, schemas. It opens no socket and reads no clock.

pub mod declaration;
pub mod ids;
pub mod interlock;
pub mod record;
pub mod view;
pub mod words;
