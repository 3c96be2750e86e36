//! Whatever is read from outside, read as mutated: what was once good or was once bad, with bytes turned over, cut, repeated
//! and put in. Nothing panics, and what is taken keeps to its law. The corpora are in `tests/corpora`; a line that was
//! once read wrongly belongs there.

#![expect(
    clippy::expect_used,
    reason = "a test stops where something is not as it should be"
)]

mod laws;
mod mutation;
