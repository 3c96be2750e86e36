//! Whether the rows are what was written, and a digest to compare one view with another.
//!
//! Both walk over every row, as it was at one moment, while others read and write: a few rows at
//! a time, and whoever writes to a row that the walk has not come to leaves it the old one.

use std::fmt;
use std::sync::PoisonError;

use sha2::{Digest as _, Sha256};
use sled::IVec;

use crate::checksum;
use crate::cursor::Head;
use crate::key;
use crate::pass::Pass;
use crate::table::Damage;
use crate::view::{ReadError, View};

/// How many rows are read before others get their turn: a fraction of a millisecond.
const ROWS_AT_A_TIME: usize = 256;

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
pub enum RowsCheck {
    /// The rows are those that were written.
    Sound,
    /// Some are missing, or are not what was written.
    Damaged,
}

/// A row's key, and its value when the walk began.
type RowThen = (Vec<u8>, Option<IVec>);

impl View {
    /// The digest of the rows. Takes a second or so per million rows; others may read and
    /// write meanwhile.
    pub fn digest(&self) -> Result<Digest, ReadError> {
        let mut hasher = Sha256::new();
        let head = self.walk(|key, value| {
            for part in [key, value] {
                let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
                hasher.update(length.to_be_bytes());
                hasher.update(part);
            }
        })?;
        hasher.update(head.cursor.sequence.0.to_be_bytes());
        Ok(Digest(hasher.finalize().into()))
    }

    /// Reads every row, and compares them with the sum that was kept as they were written.
    /// Others may read and write meanwhile.
    pub fn verify(&self) -> Result<RowsCheck, ReadError> {
        let mut sum = 0_u64;
        let head = self.walk(|key, value| {
            sum = sum.wrapping_add(checksum::of_row(key, value));
        })?;
        Ok(if sum == head.sum {
            RowsCheck::Sound
        } else {
            RowsCheck::Damaged
        })
    }

    /// Visits every row in the order of the keys, as all were when it began.
    fn walk(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<Head, Damage> {
        let _only_walk = self.walker.lock().unwrap_or_else(PoisonError::into_inner);
        let head = {
            let mut state = self.state_mut();
            state.pass = Some(Pass::default());
            state.head.clone()
        };
        let walked = loop {
            match self.next_rows() {
                Ok(rows) if rows.is_empty() => break Ok(head),
                Ok(rows) => rows.iter().for_each(|(key, value)| {
                    if let Some(value) = value {
                        visit(key, value);
                    }
                }),
                Err(damage) => break Err(damage),
            }
        };
        self.state_mut().pass = None;
        walked
    }

    /// The next rows; without a value where the row was not there yet when the walk began.
    fn next_rows(&self) -> Result<Vec<RowThen>, Damage> {
        let mut state = self.state_mut();
        let Some(pass) = &mut state.pass else {
            return Ok(Vec::new());
        };
        let after = (!pass.up_to.is_empty()).then_some(pass.up_to.as_slice());
        let mut rows = Vec::with_capacity(ROWS_AT_A_TIME);
        let before = &mut pass.before;
        self.table.scan(key::ROWS, after, |key, value| {
            let as_it_was = before
                .remove(key)
                .unwrap_or_else(|| Some(IVec::from(value)));
            rows.push((key.to_vec(), as_it_was));
            Ok(rows.len() < ROWS_AT_A_TIME)
        })?;
        if let Some((last, _)) = rows.last() {
            pass.up_to.clone_from(last);
        }
        Ok(rows)
    }
}
