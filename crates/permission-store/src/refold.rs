//! Folding one account or user anew: what blocked it is passed over from now on.
//!
//! Whoever has the log reads that aggregate's entries in order, and this folds them without keeping
//! them. The result takes the row's place in one write with the note of what was passed over, so a
//! view that was interrupted has either both or neither.

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_domain::user::UserState;
use sled::Batch;

use crate::apply::ApplyError;
use crate::checksum;
use crate::entry::{AggregateChange, Content, Entry};
use crate::key;
use crate::projected::{Folded, Projected, effective, fold};
use crate::row::Stored;
use crate::table::{Damage, head_bytes};
use crate::view::View;

/// One account or user, folded from its first entry on.
#[derive(Debug)]
pub struct Refold {
    aggregate: Aggregate,
    state: ProjectedAggregate,
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
            voids: Vec::new(),
        }
    }

    /// The next entry of this account or user.
    pub fn add(&mut self, entry: &Entry) {
        if entry.content == Content::Void {
            self.voids.push(entry.sequence);
        }
        match &mut self.state {
            ProjectedAggregate::Account(state) => fold_in(state, &self.aggregate, entry),
            ProjectedAggregate::User(state) => fold_in(state, &self.aggregate, entry),
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
        let mut head = self.read().head().clone();
        let cursor = head.cursor.sequence;
        if through != cursor {
            return Err(ApplyError::Gap {
                expected: cursor,
                found: through,
            });
        }
        let key = key::row(&refold.aggregate);
        let before = self.table.get(&key)?;
        let (now, is_blocked) = refold.row();
        let was_blocked = self.table.get(&key::blocked(&key))?.is_some();
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
        if before.is_none() {
            let number = match refold.state {
                ProjectedAggregate::Account(_) => &mut counts.accounts,
                ProjectedAggregate::User(_) => &mut counts.users,
            };
            *number = number.saturating_add(1);
        }
        if self.table.get(&key::held(&key))?.is_some() {
            head.held = head.held.saturating_sub(1);
            batch.remove(key::held(&key));
        }
        head.sum = checksum::replace_row(head.sum, &key, before.as_deref(), &now);
        for sequence in &refold.voids {
            batch.insert(key::void(*sequence), &[]);
        }
        batch.insert(key.clone(), now);
        batch.insert(key::HEAD, head_bytes(&head)?);
        let change = self.change(refold, cursor)?;
        let mut state = self.state_mut();
        self.table.write(batch)?;
        state.head = head;
        for sequence in &refold.voids {
            state.voids.insert(*sequence);
        }
        if let Some(pass) = &mut state.pass {
            pass.row_changed(key, before);
        }
        Ok(change)
    }

    /// An entry that names nobody is passed over from now on.
    pub fn pass_over_orphan(&self, sequence: Sequence) -> Result<(), ApplyError> {
        let _writer = self.only_writer();
        let mut head = self.read().head().clone();
        head.counts.orphans = head.counts.orphans.saturating_sub(1);
        let mut batch = Batch::default();
        batch.insert(key::void(sequence), &[]);
        batch.insert(key::HEAD, head_bytes(&head)?);
        let mut state = self.state_mut();
        self.table.write(batch)?;
        state.head = head;
        state.voids.insert(sequence);
        Ok(())
    }

    fn change(&self, refold: &Refold, sequence: Sequence) -> Result<AggregateChange, Damage> {
        let (method, effective) = match &refold.state {
            ProjectedAggregate::Account(state) => (state.method(), None),
            ProjectedAggregate::User(user) => {
                let account = key::company(refold.aggregate.account());
                let account = self.table.get(&account)?;
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
