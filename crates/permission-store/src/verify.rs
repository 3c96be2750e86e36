//! Whether the rows are what was written, and a digest to compare one view with another.
//!
//! Both walk over every row, as it was at one moment, while others read and write: a few rows at
//! a time, and whoever writes to a row that the walk has not come to leaves it the old one.

use std::fmt;
use std::sync::mpsc::sync_channel;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use assent_checkpoint::Root;
use assent_domain::ids::Sequence;
use sha2::{Digest as _, Sha256};
use sled::IVec;

use crate::checksum;
use crate::cursor::Head;
use crate::key;
use crate::pass::{Appointment, Pass};
use crate::table::Damage;
use crate::view::{ReadError, State, View};

/// How many rows are read before others get their turn: a fraction of a millisecond.
const ROWS_AT_A_TIME: usize = 256;

/// The SHA-256 of all rows in the order of their keys, with the sequence that they reflect.
/// Two views of the same events have the same, whatever became of them on the way and whenever
/// their streams were created.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    hash: [u8; 32],
    sequence: Sequence,
    root: [u8; 32],
}

impl Digest {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The root over all messages of the log that the rows reflect.
    pub const fn root(&self) -> Root {
        Root(self.root)
    }

    /// The last entry that the rows reflect.
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }
}

/// Why there is no digest of a sequence.
#[derive(Debug, thiserror::Error)]
pub enum DigestAtError {
    /// The rows reflect more already, and what they were is not kept.
    #[error("the view is at event {0} already")]
    Passed(Sequence),
    /// The view did not get there in time.
    #[error("the view did not get there in time")]
    NotReached,
    /// The view is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
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
pub(crate) type RowThen = (Vec<u8>, Option<IVec>);

impl View {
    /// The digest of the rows as they are now. Takes a second or so per million rows; others may
    /// read and write meanwhile.
    pub fn digest(&self) -> Result<Digest, ReadError> {
        let _only_walk = self.only_walk();
        let head = self.begin_pass();
        Ok(self.digest_pass(&head)?)
    }

    /// The digest of the rows as they are at a sequence that the view has not passed yet. Waits until
    /// it is there, for as long as `patience`; others may read and write meanwhile.
    pub fn digest_at(&self, at: Sequence, patience: Duration) -> Result<Digest, DigestAtError> {
        let _only_walk = self.only_walk();
        let begun = {
            // Nothing is applied between looking where the view is and saying where it has to stop.
            let _writer = self.only_writer();
            let mut state = self.state_mut();
            let sequence = state.head.cursor.sequence;
            if at < sequence {
                return Err(DigestAtError::Passed(sequence));
            }
            let (begun, waits) = sync_channel(1);
            if at == sequence {
                state.pass = Some(Pass::default());
                // There is room for one, and somebody who waits for it.
                drop(begun.try_send(state.head.clone()));
            } else {
                state.appointment = Some(Appointment { at, begun });
            }
            waits
        };
        let kept = begun.recv_timeout(patience).or_else(|_| {
            self.state_mut().appointment = None;
            // It may have been kept in this very moment.
            begun.try_recv()
        });
        let head = kept.map_err(|_| DigestAtError::NotReached)?;
        Ok(self.digest_pass(&head)?)
    }

    /// Whether somebody waits for the digest of a sequence that the rows do not reflect yet.
    pub fn is_awaited(&self) -> bool {
        self.appointment().is_some()
    }

    /// Where whoever applies entries has to stop for a moment.
    pub(crate) fn appointment(&self) -> Option<Sequence> {
        let state = self.read();
        state.appointment()
    }

    /// Begins the walk that waits for the sequence that the rows reflect.
    pub(crate) fn keep_appointment(&self) {
        let mut state = self.state_mut();
        let sequence = state.head.cursor.sequence;
        if let Some(appointment) = state.appointment.take_if(|due| due.at == sequence) {
            state.pass = Some(Pass::default());
            // Whoever waited may have given up: then the next walk begins another pass.
            drop(appointment.begun.try_send(state.head.clone()));
        }
    }

    fn digest_pass(&self, head: &Head) -> Result<Digest, Damage> {
        let mut hasher = Sha256::new();
        self.walk(
            || {},
            |key, value| {
                for part in [key, value] {
                    let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
                    hasher.update(length.to_be_bytes());
                    hasher.update(part);
                }
            },
        )?;
        let sequence = head.cursor.sequence;
        hasher.update(sequence.0.to_be_bytes());
        let hash = hasher.finalize().into();
        Ok(Digest {
            hash,
            sequence,
            root: head.tree.root().0,
        })
    }

    /// Reads every row, and compares them with the sum that was kept as they were written.
    /// Others may read and write meanwhile; `pause` is called between a few hundred rows and the next.
    pub fn verify(&self, pause: impl FnMut()) -> Result<RowsCheck, ReadError> {
        let _only_walk = self.only_walk();
        let head = self.begin_pass();
        let mut sum = 0_u64;
        self.walk(pause, |key, value| {
            sum = sum.wrapping_add(checksum::of_row(key, value));
        })?;
        Ok(if sum == head.sum {
            RowsCheck::Sound
        } else {
            RowsCheck::Damaged
        })
    }

    fn only_walk(&self) -> MutexGuard<'_, ()> {
        self.walker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a walk over all rows as they are now; answers their head. Whoever begins one holds `walker`.
    pub(crate) fn begin_pass(&self) -> Head {
        let mut state = self.state_mut();
        state.pass = Some(Pass::default());
        state.head.clone()
    }

    /// Visits every row in the order of the keys, as all were when the pass was begun.
    fn walk(
        &self,
        mut pause: impl FnMut(),
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Damage> {
        let walked = loop {
            match self.next_rows() {
                Ok(rows) if rows.is_empty() => break Ok(()),
                Ok(rows) => {
                    for (key, value) in &rows {
                        if let Some(value) = value {
                            visit(key, value);
                        }
                    }
                    pause();
                }
                Err(damage) => break Err(damage),
            }
        };
        self.end_walk();
        walked
    }

    pub(crate) fn end_walk(&self) {
        self.state_mut().pass = None;
    }

    /// The next rows; without a value where the row was not there yet when the walk began.
    pub(crate) fn next_rows(&self) -> Result<Vec<RowThen>, Damage> {
        let mut state = self.state_mut();
        let State { table, pass, .. } = &mut *state;
        let Some(pass) = pass else {
            return Ok(Vec::new());
        };
        let after = (!pass.up_to.is_empty()).then_some(pass.up_to.as_slice());
        let mut rows = Vec::with_capacity(ROWS_AT_A_TIME);
        let before = &mut pass.before;
        table.scan(key::ROWS, after, |key, value| {
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
