//! The log against a real nats-server.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod appending;
mod damaged;
mod following;
mod group_commit;
mod known;
mod opening;
mod permissions;
mod proxy;
mod racing;
mod recovering;
mod replaying;
mod unknown_outcome;
mod voiding;
mod world;
