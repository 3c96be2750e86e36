//! The view against a real sled in real directories.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that can't go on shall stop; its numbers are small"
)]

mod beside;
mod current_changes;
mod damage;
mod held;
mod killed;
mod laws;
mod log;
mod log_check;
mod moments;
mod opening;
mod place;
mod private;
mod replicas;
mod tampering;
mod voiding;
