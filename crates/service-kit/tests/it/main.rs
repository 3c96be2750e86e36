//! The kit from outside: real sockets, real processes, real keys.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so"
)]

mod bearer;
mod connections;
mod host_keys;
mod issuer;
mod problems;
mod program;
mod serving;
mod traces;
