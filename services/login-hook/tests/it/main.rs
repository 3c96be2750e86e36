//! The login hook over HTTP, with a real NATS server and the users of `deploy/nats`.
//!
//! The projection and the gateway are faked by small responders, so that a test says what
//! they know; Microsoft by a publisher of keys and metadata, so that a test can forge.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

mod fake_services;
mod fixture;
mod microsoft;

mod connections;
mod decisions;
mod degraded;
mod refusals;
mod serving;
