//! The development stack against the real thing.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

mod configuration;
mod dangerous;
mod fixture;
mod nats_borders;
mod nats_client;
mod nats_permissions;
mod nats_reading;
mod nats_server;
mod program;
mod reply_subjects;
mod requests;
mod spies;
