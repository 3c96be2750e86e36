//! The development stack against the real thing.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod nats_client;
mod nats_permissions;
mod nats_server;
mod program;
