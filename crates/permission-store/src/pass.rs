//! What a walk over all rows has to know of writes that happen meanwhile.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;

use assent_domain::ids::Sequence;
use sled::IVec;

use crate::cursor::Head;

/// A walk over all rows that is under way.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// The last row that it came to.
    pub(crate) up_to: Vec<u8>,
    /// Rows after that one which were written since it began, as they were then.
    pub(crate) before: BTreeMap<Vec<u8>, Option<IVec>>,
}

/// A walk that is to begin once the rows reflect a sequence, and no more.
#[derive(Debug)]
pub(crate) struct Appointment {
    pub(crate) at: Sequence,
    /// Where the head is put as it is then.
    pub(crate) begun: SyncSender<Head>,
}

impl Pass {
    pub(crate) fn row_changed(&mut self, key: Vec<u8>, before: Option<IVec>) {
        if self.up_to < key {
            self.before.entry(key).or_insert(before);
        }
    }
}
