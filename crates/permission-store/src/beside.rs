//! Building a view beside the one that is served, and putting it in that one's place.
//!
//! The new one has no cursor on disk until then, so whoever is killed on the way finds the old one
//! and nothing else. The cursor is written once the two are at the same place of the same log; from
//! then on the new one is found, and the old one is removed. Readers of the old one read the new one
//! from one moment to the next, without opening anything.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use assent_domain::ids::Sequence;
use sled::Batch;

use crate::bulk::{BulkError, BulkLoad};
use crate::cursor::Head;
use crate::directory::Generation;
use crate::entry::Entry;
use crate::home::OpenError;
use crate::table::Damage;
use crate::view::View;

/// A view that is built from the whole log beside the one that is served. Dropping it removes what
/// was written.
#[derive(Debug)]
pub struct LoadBeside {
    load: BulkLoad,
    remains: Remains,
}

/// A complete view that nobody reads yet. Dropping it removes it.
#[derive(Debug)]
pub struct Candidate {
    // Before its remains: the database is closed before its files are removed.
    view: View,
    remains: Remains,
}

/// Files that nobody needs any more once this is dropped.
#[derive(Debug)]
struct Remains(Mutex<Generation>);

impl Drop for Remains {
    fn drop(&mut self) {
        let generation = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        generation.remove();
    }
}

/// Why a view did not take the place of the one that is served. That one is as it was.
#[derive(Debug, thiserror::Error)]
pub enum NotAdopted {
    /// They are not at the same place of the log. Bring the new one there, and try again.
    #[error("the new view is at {candidate}, the one that is served at {served}")]
    Elsewhere {
        /// Where the one that is served is.
        served: Sequence,
        /// Where the new one is.
        candidate: Sequence,
    },
    /// They did not pass over the same void messages. Fold anew whom these block, and try again.
    #[error("the views did not pass over the same void messages")]
    OtherVoids,
    /// Somebody walks over all rows just now. Try again.
    #[error("all rows are being read")]
    Busy,
    /// They hold another event at the same place.
    #[error("the log has another event at {0} than the view that is served")]
    OtherLog(Sequence),
    /// The log does not hold what the one that is served was built from: events were changed or lost before.
    #[error("the log does not hold what the view that is served was built from, up to event {0}")]
    OtherEvents(Sequence),
    /// The new one can't be written.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

impl View {
    /// Begins a new view of the same log beside this one, which goes on being read and written.
    pub fn build_beside(&self) -> Result<LoadBeside, OpenError> {
        let home = Arc::clone(self.home());
        let (generation, table) = home.create()?;
        let remains = Remains(Mutex::new(generation.clone()));
        let head = Head::start(self.cursor().source);
        let view = Self::new(home, generation, table, head, BTreeSet::new());
        Ok(LoadBeside {
            load: BulkLoad::new(view, Vec::new()),
            remains,
        })
    }

    /// Puts a view in the place of this one: every reader reads the new rows from now on, at the
    /// sequence at which the old ones were, and whoever opens the directory later finds the new one.
    /// What is left of the old one goes with the candidate.
    ///
    /// Keep whoever applies entries from doing so meanwhile.
    pub fn adopt(&self, candidate: &Candidate) -> Result<(), NotAdopted> {
        let _only_walk = match self.walker.try_lock() {
            Ok(walker) => walker,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(NotAdopted::Busy),
        };
        let (_writer, _candidates) = (self.only_writer(), candidate.view.only_writer());
        let head = self.is_level_with(&candidate.view)?;
        if self.read().root() != head.tree.root() {
            return Err(NotAdopted::OtherEvents(head.cursor.sequence));
        }
        let table = candidate.view.table();
        // The rows first: a cursor must never outlive the rows that it speaks of.
        table.flush()?;
        candidate.view.state_mut().is_beside = false;
        candidate.view.read().write(Batch::default(), &head)?;
        table.flush()?;
        {
            let (mut served, mut other) = (self.state_mut(), candidate.view.state_mut());
            mem::swap(&mut *served, &mut *other);
            other.is_beside = true;
            let mut remains = candidate
                .remains
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *remains = other.generation.clone();
        }
        Ok(())
    }

    /// The cursor of the other view, if both are at the same place of the same log.
    pub(crate) fn is_level_with(&self, candidate: &Self) -> Result<Head, NotAdopted> {
        let (served, other) = (self.read(), candidate.read());
        let (ours, theirs) = (&served.head().cursor, &other.head().cursor);
        if ours.sequence != theirs.sequence {
            return Err(NotAdopted::Elsewhere {
                served: ours.sequence,
                candidate: theirs.sequence,
            });
        }
        if ours != theirs {
            return Err(NotAdopted::OtherLog(ours.sequence));
        }
        if served.voids() != other.voids() {
            return Err(NotAdopted::OtherVoids);
        }
        Ok(other.head().clone())
    }
}

impl LoadBeside {
    /// The last entry that was added.
    pub fn sequence(&self) -> Sequence {
        self.load.sequence()
    }

    /// Adds entries in the order of the log.
    pub fn add(&mut self, entries: &[Entry]) -> Result<(), BulkError> {
        self.load.add(entries)
    }

    /// Writes what is left. From here on the view is brought forward as any other.
    pub fn finish(self) -> Result<Candidate, BulkError> {
        let Self { load, remains } = self;
        let view = load.finish_beside()?;
        Ok(Candidate { view, remains })
    }
}

impl Candidate {
    /// The view, to read and to bring forward.
    pub fn view(&self) -> &View {
        &self.view
    }
}
