//! The login hook over HTTP, with a real NATS server and the users of `deploy/nats`.
//!
//! The projection and the gateway are played by small responders, so that a test says what
//! they know; Microsoft by a publisher of keys and metadata, so that a test can forge.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

mod house;
mod microsoft;
mod played;

mod decisions;
mod degraded;
mod refusals;
mod serving;
