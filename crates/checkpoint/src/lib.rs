//! The whole log as one Merkle tree, and signed statements of its size and root.
//!
//! Hash chains tie the events of one subject to one another. They can't show that the last events of a subject are
//! gone, or a subject with all its events. A root over the whole log can, for whoever kept an earlier one.
//!
//! Read in this order:
//!
//! 1. [`Tree`]: sizes and roots as RFC 9162 has them, kept in a few hashes however long the log is.
//! 2. [`SigningKey`] and [`VerifierKey`]: note keys, in the text forms of C2SP.
//! 3. [`Checkpoint`]: a size and a root under an origin, as a signed note of C2SP.

mod tree;

mod key;

mod checkpoint;

pub use checkpoint::{Checkpoint, CheckpointError, MAX_BYTES, UnverifiedCheckpoint};
pub use key::{KeyError, SigningKey, VerifierKey};
pub use tree::{InvalidTree, Root, Tree};
