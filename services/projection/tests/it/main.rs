//! The projection as a process, against a real nats-server and over real HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

mod answering;
mod authzen;
mod events;
mod foreign;
mod log_check;
mod operator;
mod other_log;
mod rebuilding;
mod rebuilding_changed_log;
mod rebuilding_under_load;
mod rebuilding_without_room;
mod recovering;
mod replicas;
mod snapshot;
mod stream_files;
mod telling;
mod voiding;
mod worker;
mod world;
