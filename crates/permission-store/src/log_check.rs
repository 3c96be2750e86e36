//! Whether a log still holds what the view was built from: read again from its first message on, and compared.
//!
//! The view is the first witness of the log. It knows the root over all messages up to its cursor, and how the hash of each
//! begins; so nothing in the log can have been changed, dropped or put in its place unseen, wherever it is.

use assent_checkpoint::{Root, Tree};
use assent_domain::ids::Sequence;

use crate::hash_prefixes::PrefixReader;
use crate::table::Damage;
use crate::view::View;

/// A log that is being read again, as far as the view had applied it when the check began. Takes the same memory
/// however long the log is.
#[derive(Debug)]
pub struct LogCheck<'a> {
    view: &'a View,
    through: Sequence,
    expected: Root,
    read: Tree,
    prefixes: PrefixReader,
    first_difference: Option<Sequence>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogVerdict {
    /// The log holds what the view was built from.
    Same,
    /// Another message than the view was built from.
    Different {
        /// The first one; its place is not known in the one case in some billions in which its hash begins alike.
        at: Option<Sequence>,
    },
    /// The log is as it was, but what the view keeps of it is not.
    ViewDamaged,
}

impl View {
    /// Begins to compare the log with what this view was built from.
    pub fn check_log(&self) -> LogCheck<'_> {
        let (through, expected) = {
            let reading = self.read();
            (reading.sequence(), reading.root())
        };
        LogCheck {
            view: self,
            through,
            expected,
            read: Tree::default(),
            prefixes: PrefixReader::default(),
            first_difference: None,
        }
    }
}

impl View {
    /// Whether a message of the log is the one that this view was built from, as far as is known of it: by the first bytes
    /// of its hash.
    pub fn knows_message(&self, sequence: Sequence, hash: &[u8; 32]) -> Result<bool, Damage> {
        PrefixReader::default().begins_alike(&self.table(), sequence, hash)
    }
}

impl LogCheck<'_> {
    /// The last message that there is to compare.
    pub const fn through(&self) -> Sequence {
        self.through
    }

    /// The last message that was compared.
    pub const fn sequence(&self) -> Sequence {
        Sequence(self.read.size())
    }

    /// Compares the next message of the log, by its hash. Messages beyond [`Self::through`] are passed over.
    pub fn add(&mut self, sequence: Sequence, hash: [u8; 32]) -> Result<(), Damage> {
        if self.through < sequence || sequence.0 != self.read.size().saturating_add(1) {
            return Ok(());
        }
        self.read.push(hash);
        if self.first_difference.is_none() {
            let reading = self.view.read();
            if !self
                .prefixes
                .begins_alike(reading.table(), sequence, &hash)?
            {
                self.first_difference = Some(sequence);
            }
        }
        Ok(())
    }

    /// What came of it, once all messages were added.
    pub fn verdict(&self) -> LogVerdict {
        let is_same = self.read.root() == self.expected;
        match (is_same, self.first_difference) {
            (true, None) => LogVerdict::Same,
            (true, Some(_)) => LogVerdict::ViewDamaged,
            (false, at) => LogVerdict::Different { at },
        }
    }
}
