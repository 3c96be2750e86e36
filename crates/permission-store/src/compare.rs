//! Comparing the view that is served with one that was built beside it, row by row, as both were at one place of the log.
//!
//! The one that is served goes on being written meanwhile, and is compared as it was when the comparison began; the other
//! one stands still.

mod effects;
mod fields;
mod pairs;

use std::ops::ControlFlow;
use std::sync::TryLockError;

use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;

use crate::beside::{Candidate, NotAdopted};
use crate::cursor::Counts;
use crate::key;
use crate::table::Damage;
use crate::view::{View, unknown_key};
use effects::Effects;
pub(crate) use fields::differences;
use pairs::each_pair;

/// How many rows that differ are described.
const DESCRIBED: usize = 20;
/// After how many rows it is said how far it is.
const TOLD_EVERY: u64 = 4096;

/// What is different in the new view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The place of the log at which both were compared.
    pub sequence: Sequence,
    /// How many rows there are in either.
    pub rows: u64,
    /// How many rows differ.
    pub different: u64,
    /// The first of them, in the order of the keys: companies first, then users.
    pub first: Vec<RowDifference>,
    /// How many users would have a permission, or more of it, that they do not have.
    pub users_gaining: u64,
    /// How many users would lose one, or some of it.
    pub users_losing: u64,
    /// Whether both were built from the same messages of the log. Where they were not, the log was changed, or has lost some.
    pub same_events: bool,
    /// The numbers of both, the one that is served first, where they differ.
    pub counts: Option<(Counts, Counts)>,
}

/// A row that is different in the new view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowDifference {
    /// Whose row.
    pub aggregate: Aggregate,
    /// What differs in it.
    pub fields: Vec<FieldDifference>,
}

/// A value that is different in the new view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDifference {
    /// What the state calls it; `row` where one view has none or can't read it, `blocked_at` where one is blocked.
    pub field: &'static str,
    /// The value that is served, as text; `None` where there is none.
    pub served: Option<String>,
    /// The value in the new view.
    pub rebuilt: Option<String>,
}

/// Why views were not compared.
#[derive(Debug, thiserror::Error)]
pub enum NotCompared {
    /// They are not at the same place of the same log, or all rows are being read for something else.
    #[error(transparent)]
    NotLevel(#[from] NotAdopted),
    /// One of them can't be read.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// Whoever was told how far it is wanted no more.
    #[error("the comparison was stopped")]
    Stopped,
}

impl Comparison {
    /// Whether the views say the same.
    pub const fn is_same(&self) -> bool {
        self.different == 0 && self.counts.is_none() && self.same_events
    }
}

impl View {
    /// Compares this view with another one at the same place of the log, and notes in that one which rows differ.
    ///
    /// `begun` is called once this view may be written again; `progress`, from time to time, with the number of rows
    /// that were compared.
    pub fn compare_with(
        &self,
        candidate: &Candidate,
        begun: impl FnOnce(),
        mut progress: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Comparison, NotCompared> {
        let _only_walk = match self.walker.try_lock() {
            Ok(walker) => walker,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(NotAdopted::Busy.into()),
        };
        let built = self.is_level_with(candidate.view())?;
        let theirs = built.counts;
        let head = self.begin_pass();
        begun();
        let mut comparison = Comparison {
            sequence: head.cursor.sequence,
            rows: 0,
            different: 0,
            first: Vec::new(),
            users_gaining: 0,
            users_losing: 0,
            same_events: head.tree.root() == built.tree.root(),
            counts: (head.counts != theirs).then_some((head.counts, theirs)),
        };
        let table = candidate.view().table();
        let mut effects = Effects::new(&table);
        let compared = each_pair(self, &table, |row, served, rebuilt| {
            comparison.rows = comparison.rows.saturating_add(1);
            if comparison.rows.is_multiple_of(TOLD_EVERY) && progress(comparison.rows).is_break() {
                return Err(NotCompared::Stopped);
            }
            let differs = served != rebuilt;
            if !differs && !effects.may_concern_others() {
                return Ok(());
            }
            let aggregate = key::aggregate(row).ok_or_else(unknown_key)?;
            effects.see(&aggregate, served, rebuilt)?;
            if differs {
                comparison.different = comparison.different.saturating_add(1);
                table.insert(&key::corrected(row), Vec::new())?;
                if comparison.first.len() < DESCRIBED {
                    let fields = differences(&aggregate, served, rebuilt);
                    comparison.first.push(RowDifference { aggregate, fields });
                }
            }
            Ok(())
        });
        self.end_walk();
        comparison.users_gaining = effects.gaining;
        comparison.users_losing = effects.losing;
        compared.map(|()| comparison)
    }
}
