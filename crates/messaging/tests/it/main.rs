//! The NATS layer against a real nats-server with the users and permissions of `deploy/nats`.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod bucket;
mod changes;
mod connection;
mod listening;
mod micro_service;
mod request;
mod support;
