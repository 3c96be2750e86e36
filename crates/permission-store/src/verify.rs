//! Whether the rows are what was written, and a digest to compare one view with another.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::checksum;
use crate::key;
use crate::table::Damage;
use crate::view::{ReadError, View};

/// How many rows are checked before others may write again.
const ROWS_AT_A_TIME: usize = 1024;

/// The SHA-256 of all rows in the order of their keys, after the sequence that they reflect.
/// Two views of the same events have the same, whatever became of them on the way and whenever
/// their streams were created.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// What a check of all rows found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The rows are those that were written.
    Sound,
    /// Some are missing, or are not what was written.
    Damaged,
}

/// A check of all rows that is under way: the sum of those up to a key.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    up_to: Vec<u8>,
    sum: u64,
}

impl Pass {
    /// A row was written meanwhile. Where the check has passed it already, the sum follows.
    pub(crate) fn row_changed(&mut self, key: &[u8], before: Option<&[u8]>, now: &[u8]) {
        if key <= self.up_to.as_slice() {
            self.sum = checksum::changed(self.sum, key, before, now);
        }
    }
}

impl View {
    /// The digest of the rows. Nothing is applied meanwhile: a second or so per million rows.
    pub fn digest(&self) -> Result<Digest, ReadError> {
        let reading = self.read();
        let mut hasher = Sha256::new();
        hasher.update(reading.sequence().0.to_be_bytes());
        self.table.scan(key::ROWS, None, |key, value| {
            for part in [key, value] {
                hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                hasher.update(part);
            }
            Ok(true)
        })?;
        Ok(Digest(hasher.finalize().into()))
    }

    /// Reads every row, and compares them with the sum that was kept as they were written.
    /// Entries may be applied meanwhile.
    pub fn verify(&self) -> Result<Verdict, ReadError> {
        self.state_mut().pass = Some(Pass::default());
        let verdict = self.run_pass();
        self.state_mut().pass = None;
        Ok(verdict?)
    }

    fn run_pass(&self) -> Result<Verdict, Damage> {
        loop {
            let mut state = self.state_mut();
            let sum = state.head.sum;
            let Some(pass) = &mut state.pass else {
                return Ok(Verdict::Sound);
            };
            let after = (!pass.up_to.is_empty()).then(|| pass.up_to.clone());
            let mut rows = 0;
            self.table.scan(key::ROWS, after.as_deref(), |key, value| {
                pass.sum = pass.sum.wrapping_add(checksum::of_row(key, value));
                rows += 1;
                if rows == ROWS_AT_A_TIME {
                    pass.up_to = key.to_vec();
                }
                Ok(rows < ROWS_AT_A_TIME)
            })?;
            if rows < ROWS_AT_A_TIME {
                return Ok(if pass.sum == sum {
                    Verdict::Sound
                } else {
                    Verdict::Damaged
                });
            }
        }
    }
}
