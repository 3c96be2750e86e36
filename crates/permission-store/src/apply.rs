//! Following the log: a few entries at a time, each batch all or nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence};
use assent_domain::user::UserState;
use sled::{Batch, IVec};

use crate::checksum;
use crate::cursor::Head;
use crate::entry::{AggregateChange, Content, Entry};
use crate::hash_prefixes::HashPrefixes;
use crate::key;
use crate::projected::{Folded, Projected, effective, fold};
use crate::row::Stored;
use crate::table::{Damage, Table};
use crate::view::{View, read_row};

/// Why entries were not applied. The view is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The next entry is missing. It is never skipped.
    #[error("the log goes on at {found}, but {expected} comes next")]
    Gap {
        /// What comes next.
        expected: Sequence,
        /// What came.
        found: Sequence,
    },
    /// The view is not what was written, or can't be written.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

impl View {
    /// Applies entries in the order of the log, with the cursor, as one atomic write; as two where a
    /// digest is wanted of the sequence in between. Those that were applied before are passed over.
    ///
    /// Readers wait for the whole batch: keep it small (64 or so).
    pub fn apply(&self, entries: &[Entry]) -> Result<Vec<AggregateChange>, ApplyError> {
        let _writer = self.only_writer();
        let Some(wanted) = self.appointment() else {
            return self.apply_batch(entries);
        };
        let through = entries.partition_point(|entry| entry.sequence <= wanted);
        let (before, after) = entries.split_at(through);
        let mut changes = self.apply_batch(before)?;
        self.keep_appointment();
        changes.extend(self.apply_batch(after)?);
        Ok(changes)
    }

    fn apply_batch(&self, entries: &[Entry]) -> Result<Vec<AggregateChange>, ApplyError> {
        let mut head = self.read().head().clone();
        let before = head.cursor.sequence;
        let new = skip_applied(&mut head, entries)?;
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let table = self.table();
        let mut prefixes = HashPrefixes::after(&table, before)?;
        let mut batch = Batch::default();
        let mut working = Working::new(&table);
        let mut changes = Vec::with_capacity(new.len());
        let mut passed_over = Vec::new();
        for entry in new {
            prefixes
                .push::<Infallible>(entry, |key, row| {
                    batch.insert(key, row);
                    Ok(())
                })
                .unwrap_or_else(|never| match never {});
            if entry.content == Content::Void {
                passed_over.push(entry.sequence);
            }
            if let Some(aggregate) = &entry.aggregate {
                let change = working.fold(aggregate, entry)?;
                changes.extend((entry.content != Content::Void).then_some(change));
            } else {
                head.counts.count_orphan(entry);
            }
        }
        if let Some((key, row)) = prefixes.rest() {
            batch.insert(key, row);
        }
        for sequence in &passed_over {
            batch.insert(key::void(*sequence), &[]);
        }
        let written = working.write(&mut head, &mut batch);
        let mut state = self.state_mut();
        state.write(batch, &head)?;
        state.head = head;
        state.voids.extend(passed_over);
        if let Some(pass) = &mut state.pass {
            for row in written {
                pass.row_changed(row.key, row.before);
            }
        }
        Ok(changes)
    }
}

/// The entries after the cursor, which moves to the last of them.
pub(crate) fn skip_applied<'e>(
    head: &mut Head,
    entries: &'e [Entry],
) -> Result<&'e [Entry], ApplyError> {
    let seen = entries.partition_point(|entry| entry.sequence <= head.cursor.sequence);
    let new = entries.get(seen..).unwrap_or_default();
    for entry in new {
        let expected = Sequence(head.cursor.sequence.0.saturating_add(1));
        if entry.sequence != expected {
            return Err(ApplyError::Gap {
                expected,
                found: entry.sequence,
            });
        }
        head.cursor.sequence = expected;
        head.cursor.hash = entry.hash;
        head.tree.push(entry.hash);
    }
    Ok(new)
}

/// The rows that a batch touches.
struct Working<'a> {
    table: &'a Table,
    accounts: BTreeMap<Vec<u8>, Slot<AccountState>>,
    users: BTreeMap<Vec<u8>, Slot<UserState>>,
}

struct Slot<S> {
    before: Option<IVec>,
    state: Projected<S>,
    touched: bool,
}

/// A row that was written.
pub(crate) struct Written {
    pub(crate) key: Vec<u8>,
    pub(crate) before: Option<IVec>,
}

impl<'a> Working<'a> {
    fn new(table: &'a Table) -> Self {
        Self {
            table,
            accounts: BTreeMap::new(),
            users: BTreeMap::new(),
        }
    }

    fn fold(&mut self, aggregate: &Aggregate, entry: &Entry) -> Result<AggregateChange, Damage> {
        let (method, effective) = match aggregate {
            Aggregate::Account(account) => {
                let slot = self.account(account)?;
                slot.fold(aggregate, entry);
                (slot.state.method(), None)
            }
            Aggregate::User(account, user) => {
                let user = slot(self.table, &mut self.users, key::user(account, user))?;
                user.fold(aggregate, entry);
                let company = slot(self.table, &mut self.accounts, key::company(account))?;
                (
                    company.state.method(),
                    Some(effective(&company.state, &user.state)),
                )
            }
        };
        Ok(AggregateChange {
            aggregate: aggregate.clone(),
            sequence: entry.sequence,
            method,
            effective,
        })
    }

    fn account(&mut self, account: &AccountId) -> Result<&mut Slot<AccountState>, Damage> {
        slot(self.table, &mut self.accounts, key::company(account))
    }

    fn write(self, head: &mut Head, batch: &mut Batch) -> Vec<Written> {
        let accounts = self.accounts.into_iter().filter(|(_, slot)| slot.touched);
        let users = self.users.into_iter().filter(|(_, slot)| slot.touched);
        let mut written = Vec::new();
        for (key, slot) in accounts {
            if slot.before.is_none() {
                head.counts.accounts = head.counts.accounts.saturating_add(1);
            }
            written.push(slot.write(key, head, batch));
        }
        for (key, slot) in users {
            if slot.before.is_none() {
                head.counts.users = head.counts.users.saturating_add(1);
            }
            written.push(slot.write(key, head, batch));
        }
        written
    }
}

fn slot<'m, S: Stored + Default>(
    table: &Table,
    rows: &'m mut BTreeMap<Vec<u8>, Slot<S>>,
    key: Vec<u8>,
) -> Result<&'m mut Slot<S>, Damage> {
    use std::collections::btree_map::Entry::{Occupied, Vacant};
    match rows.entry(key) {
        Occupied(slot) => Ok(slot.into_mut()),
        Vacant(place) => {
            let before = table.get(place.key())?;
            let state = before
                .as_deref()
                .map(read_row)
                .transpose()?
                .unwrap_or_default();
            Ok(place.insert(Slot {
                before,
                state,
                touched: false,
            }))
        }
    }
}

impl<S: Folded + Stored> Slot<S> {
    fn fold(&mut self, aggregate: &Aggregate, entry: &Entry) {
        self.state = fold(std::mem::take(&mut self.state), aggregate, entry);
        self.touched = true;
    }

    fn write(self, key: Vec<u8>, head: &mut Head, batch: &mut Batch) -> Written {
        let now = S::write(&self.state);
        head.sum = checksum::replace_row(head.sum, &key, self.before.as_deref(), &now);
        let was_blocked = matches!(
            self.before.as_deref().map(S::read),
            Some(Ok(Projected::Blocked { .. }))
        );
        if self.state.known().is_none() && !was_blocked {
            head.counts.blocked = head.counts.blocked.saturating_add(1);
            batch.insert(key::blocked(&key), now.clone());
        }
        batch.insert(key.clone(), now);
        Written {
            key,
            before: self.before,
        }
    }
}
