//! The program, as operators run it, against a real NATS server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod account;
mod blocked;
mod checkpoint;
mod doctor;
mod explain;
mod fake_service;
mod fixture;
mod list;
mod projection;
mod tail;
mod usage;
mod verify;
