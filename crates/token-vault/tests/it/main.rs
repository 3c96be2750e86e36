//! Tests of the vault: sealed, bound, kept.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod binding;
mod fixture;
mod keys;
mod openssl;
mod store;
