//! Folding one account or user anew: what blocked it is passed over from now on.
//!
//! Whoever has the log reads that aggregate's entries in order, and this folds them without keeping
//! them. The result takes the row's place in one write with the note of what was passed over, so a
//! view that was interrupted has either both or neither.

use std::sync::TryLockError;

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_domain::permissions::PermissionSet;
use assent_domain::user::UserState;
use sled::Batch;

use crate::apply::ApplyError;
use crate::checksum;
use crate::compare::{RowDifference, differences};
use crate::cursor::Head;
use crate::entry::{AggregateChange, Content, Entry};
use crate::key;
use crate::projected::{Folded, Projected, effective, fold};
use crate::row::Stored;
use crate::table::Damage;
use crate::view::View;

/// One account or user, folded from its first entry on.
#[derive(Debug)]
pub struct Refold {
    aggregate: Aggregate,
    state: ProjectedAggregate,
    /// The log has nothing of theirs.
    is_empty: bool,
    voids: Vec<Sequence>,
}

#[derive(Debug)]
enum ProjectedAggregate {
    Account(Projected<AccountState>),
    User(Projected<UserState>),
}

impl Refold {
    /// Nothing is folded yet.
    pub fn new(aggregate: Aggregate) -> Self {
        let state = match aggregate {
            Aggregate::Account(_) => ProjectedAggregate::Account(Projected::default()),
            Aggregate::User(..) => ProjectedAggregate::User(Projected::default()),
        };
        Self {
            aggregate,
            state,
            is_empty: true,
            voids: Vec::new(),
        }
    }

    /// The next entry of this account or user.
    pub fn add(&mut self, entry: &Entry) {
        self.is_empty = false;
        if entry.content == Content::Void {
            self.voids.push(entry.sequence);
        }
        match &mut self.state {
            ProjectedAggregate::Account(state) => fold_in(state, &self.aggregate, entry),
            ProjectedAggregate::User(state) => fold_in(state, &self.aggregate, entry),
        }
    }

    /// What may be done for the user whom this is, in a company that was folded anew as well; `None` of a company.
    pub fn effective_in(&self, company: &Self) -> Option<PermissionSet> {
        match (&company.state, &self.state) {
            (ProjectedAggregate::Account(account), ProjectedAggregate::User(user)) => {
                Some(effective(account, user))
            }
            (ProjectedAggregate::User(_), _) | (_, ProjectedAggregate::Account(_)) => None,
        }
    }

    fn row(&self) -> (Vec<u8>, bool) {
        match &self.state {
            ProjectedAggregate::Account(state) => row(state),
            ProjectedAggregate::User(state) => row(state),
        }
    }
}

impl View {
    /// Puts what was folded anew in the place of what is known. It must be folded from all entries
    /// of that account or user up to the cursor: `through` is up to where they were read.
    pub fn replace(
        &self,
        refold: &Refold,
        through: Sequence,
    ) -> Result<AggregateChange, ApplyError> {
        let _writer = self.only_writer();
        let head = self.head_at(through)?;
        let change = self.change(refold, through)?;
        self.put(refold, head, false)?;
        Ok(change)
    }

    /// What is known otherwise than it was folded anew; `None` where it is the same. `through` is as for [`View::replace`].
    pub fn difference_from(
        &self,
        refold: &Refold,
        through: Sequence,
    ) -> Result<Option<RowDifference>, ApplyError> {
        self.head_at(through)?;
        let known = self.table().get(&key::row(&refold.aggregate))?;
        let anew = (!refold.is_empty).then(|| refold.row().0);
        if known.as_deref() == anew.as_deref() {
            return Ok(None);
        }
        let aggregate = refold.aggregate.clone();
        let fields = differences(&aggregate, known.as_deref(), anew.as_deref());
        Ok(Some(RowDifference { aggregate, fields }))
    }

    /// As [`View::replace`], of one whose row was wrong: it is noted that others have to hear of it. `false` while
    /// all rows are being read.
    pub fn correct(&self, refold: &Refold, through: Sequence) -> Result<bool, ApplyError> {
        let _only_walk = match self.walker.try_lock() {
            Ok(walker) => walker,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(false),
        };
        let _writer = self.only_writer();
        let head = self.head_at(through)?;
        self.put(refold, head, true)?;
        Ok(true)
    }

    fn head_at(&self, through: Sequence) -> Result<Head, ApplyError> {
        let head = self.read().head().clone();
        let expected = head.cursor.sequence;
        if through == expected {
            return Ok(head);
        }
        let found = through;
        Err(ApplyError::Gap { expected, found })
    }

    fn put(&self, refold: &Refold, mut head: Head, is_correction: bool) -> Result<(), Damage> {
        let table = self.table();
        let key = key::row(&refold.aggregate);
        let before = table.get(&key)?;
        let (now, is_blocked) = refold.row();
        let is_blocked = is_blocked && !refold.is_empty;
        let was_blocked = table.get(&key::blocked(&key))?.is_some();
        let counts = &mut head.counts;
        let mut batch = Batch::default();
        match (was_blocked, is_blocked) {
            (true, false) => {
                counts.blocked = counts.blocked.saturating_sub(1);
                batch.remove(key::blocked(&key));
            }
            (false, true) => {
                counts.blocked = counts.blocked.saturating_add(1);
                batch.insert(key::blocked(&key), now.clone());
            }
            (true, true) => batch.insert(key::blocked(&key), now.clone()),
            (false, false) => {}
        }
        let number = match refold.state {
            ProjectedAggregate::Account(_) => &mut counts.accounts,
            ProjectedAggregate::User(_) => &mut counts.users,
        };
        if refold.is_empty {
            if let Some(before) = &before {
                *number = number.saturating_sub(1);
                head.sum = checksum::remove_row(head.sum, &key, before);
            }
            batch.remove(key.clone());
        } else {
            if before.is_none() {
                *number = number.saturating_add(1);
            }
            head.sum = checksum::replace_row(head.sum, &key, before.as_deref(), &now);
            batch.insert(key.clone(), now);
        }
        if table.get(&key::held(&key))?.is_some() {
            head.held = head.held.saturating_sub(1);
            batch.remove(key::held(&key));
        }
        for sequence in &refold.voids {
            batch.insert(key::void(*sequence), &[]);
        }
        if is_correction {
            batch.insert(key::corrected(&key), &[]);
        }
        let mut state = self.state_mut();
        state.write(batch, &head)?;
        state.head = head;
        for sequence in &refold.voids {
            state.voids.insert(*sequence);
        }
        if let Some(pass) = &mut state.pass {
            pass.row_changed(key, before);
        }
        Ok(())
    }

    /// An entry that names nobody is passed over from now on.
    pub fn pass_over_orphan(&self, sequence: Sequence) -> Result<(), ApplyError> {
        let _writer = self.only_writer();
        let mut head = self.read().head().clone();
        head.counts.orphans = head.counts.orphans.saturating_sub(1);
        let mut batch = Batch::default();
        batch.insert(key::void(sequence), &[]);
        let mut state = self.state_mut();
        state.write(batch, &head)?;
        state.head = head;
        state.voids.insert(sequence);
        Ok(())
    }

    fn change(&self, refold: &Refold, sequence: Sequence) -> Result<AggregateChange, Damage> {
        let (method, effective) = match &refold.state {
            ProjectedAggregate::Account(state) => (state.method(), None),
            ProjectedAggregate::User(user) => {
                let account = key::company(refold.aggregate.account());
                let account = self.table().get(&account)?;
                let account = account.map(|row| crate::view::read_row(&row)).transpose()?;
                let account = account.unwrap_or_default();
                (account.method(), Some(effective(&account, user)))
            }
        };
        Ok(AggregateChange {
            aggregate: refold.aggregate.clone(),
            sequence,
            method,
            effective,
        })
    }
}

fn fold_in<S: Folded>(state: &mut Projected<S>, aggregate: &Aggregate, entry: &Entry) {
    *state = fold(std::mem::take(state), aggregate, entry);
}

fn row<S: Stored>(state: &Projected<S>) -> (Vec<u8>, bool) {
    (S::write(state), state.known().is_none())
}
