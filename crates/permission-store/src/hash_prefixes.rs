//! The first bytes of each message's hash, 256 messages to a row.
//!
//! The root over the whole log tells whether a log is the one that the view was built from. Where it is not, these tell
//! which message is the first that is another one, for four bytes a message.

use assent_domain::ids::Sequence;

use crate::entry::Entry;
use crate::key;
use crate::table::{Damage, Table};

const MESSAGES_PER_ROW: u64 = 256;
const BYTES_PER_MESSAGE: usize = 4;

/// The row that is being filled.
#[derive(Debug, Default)]
pub(crate) struct HashPrefixes {
    row: u64,
    bytes: Vec<u8>,
}

impl HashPrefixes {
    /// As they are after the last message that a view holds.
    pub(crate) fn after(table: &Table, sequence: Sequence) -> Result<Self, Damage> {
        let (row, at) = place(Sequence(sequence.0.saturating_add(1)));
        if at == 0 {
            let bytes = Vec::new();
            return Ok(Self { row, bytes });
        }
        let kept = table.get(&key::hash_prefixes(row))?;
        let bytes = kept.as_deref().and_then(|kept| kept.get(..at));
        let bytes = bytes.ok_or_else(|| Damage::new("it lacks hashes of the log"))?;
        Ok(Self {
            row,
            bytes: bytes.to_vec(),
        })
    }

    /// Adds the next message; calls `full` with a row that is full.
    pub(crate) fn push<E>(
        &mut self,
        entry: &Entry,
        mut full: impl FnMut(Vec<u8>, Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (row, _) = place(entry.sequence);
        if row != self.row {
            let bytes = std::mem::take(&mut self.bytes);
            full(key::hash_prefixes(self.row), bytes)?;
            self.row = row;
        }
        self.bytes.extend_from_slice(&prefix(&entry.hash));
        Ok(())
    }

    /// The row that is not full yet.
    pub(crate) fn rest(self) -> Option<(Vec<u8>, Vec<u8>)> {
        (!self.bytes.is_empty()).then(|| (key::hash_prefixes(self.row), self.bytes))
    }
}

/// The hash prefixes of a view, read in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct PrefixReader {
    row: Option<(u64, Vec<u8>)>,
}

impl PrefixReader {
    /// Whether a message's hash begins as that of the message that the view was built from.
    pub(crate) fn begins_alike(
        &mut self,
        table: &Table,
        sequence: Sequence,
        hash: &[u8; 32],
    ) -> Result<bool, Damage> {
        let (row, at) = place(sequence);
        let bytes = match self.row.take_if(|(kept, _)| *kept == row) {
            Some((_, bytes)) => bytes,
            None => table
                .get(&key::hash_prefixes(row))?
                .map(|kept| kept.to_vec())
                .unwrap_or_default(),
        };
        let kept = bytes.get(at..at.saturating_add(BYTES_PER_MESSAGE));
        let alike = kept == Some(prefix(hash).as_slice());
        self.row = Some((row, bytes));
        Ok(alike)
    }
}

/// In which row a message is, and where in it.
fn place(sequence: Sequence) -> (u64, usize) {
    let index = sequence.0.saturating_sub(1);
    let at = usize::try_from(index % MESSAGES_PER_ROW).unwrap_or_default();
    (
        index / MESSAGES_PER_ROW,
        at.saturating_mul(BYTES_PER_MESSAGE),
    )
}

fn prefix(hash: &[u8; 32]) -> [u8; BYTES_PER_MESSAGE] {
    hash.first_chunk().copied().unwrap_or_default()
}
