//! A sum over all rows that is kept up to date as rows change, in whatever order they do.
//!
//! sled checks each record that it reads, but on recovery it may drop records that it finds
//! damaged and go on without them. The sum in the head tells a view that lost rows from one
//! that did not, without folding the log again.

use sha2::{Digest, Sha256};

/// What one row adds to the sum.
pub(crate) fn of_row(key: &[u8], value: &[u8]) -> u64 {
    let mut hasher = Sha256::new();
    // A key never holds this byte, so no two rows hash the same bytes.
    hasher.update(key);
    hasher.update([u8::MAX]);
    hasher.update(value);
    let hash = hasher.finalize();
    let first = hash.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first)
}

/// The sum after a row was removed.
pub(crate) fn remove_row(sum: u64, key: &[u8], before: &[u8]) -> u64 {
    sum.wrapping_sub(of_row(key, before))
}

/// The sum after a row changed.
pub(crate) fn replace_row(sum: u64, key: &[u8], before: Option<&[u8]>, now: &[u8]) -> u64 {
    let without = before.map_or(sum, |value| sum.wrapping_sub(of_row(key, value)));
    without.wrapping_add(of_row(key, now))
}
