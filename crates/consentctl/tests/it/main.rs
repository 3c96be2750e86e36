//! The program, as operators run it, against a real NATS server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

mod account;
mod blocked;
mod certificates;
mod check;
mod checkpoint;
mod doctor;
mod errors;
mod explain;
mod fake_service;
mod fixture;
mod generated;
mod list;
mod projection;
mod proxy;
mod rebuild;
mod replay;
mod tail;
mod transfer;
mod usage;
mod vault;
mod verify;
mod verify_views;
