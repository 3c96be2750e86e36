//! The client against a real HTTP server that reactions Microsoft well, badly, slowly and not at all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod authority;
mod certified;
mod fixture;
mod wire;

mod circuit;
mod clouds;
mod credentials;
mod discovery;
mod keys;
mod mailbox;
mod redemption;
mod refreshing;
mod rotation;
mod silence;
mod simulator;
mod throttling;
mod trouble;
mod unproven;
