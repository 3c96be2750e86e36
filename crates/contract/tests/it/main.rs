//! The wire, as other programs and later versions of this one see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

mod fixtures;
mod messages;
mod second_version;
mod stored;
mod unreadable;
