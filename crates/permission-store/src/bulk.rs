//! Building a view from the whole log: fold in memory, write each row once.
//!
//! sled takes some hundred thousand updates a second, and the log is read several times faster.
//! So the states are kept in memory while the log goes by, and are written at the end, sorted by
//! their keys; or in between, whenever there are too many of them to keep. Nobody reads
//! meanwhile. The cursor comes last: a load that is interrupted leaves none, and is begun anew.

use std::collections::HashMap;
use std::mem;

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence};
use assent_domain::user::UserState;
use sled::Batch;

use crate::apply::{ApplyError, skip_applied};
use crate::checksum;
use crate::cursor::Head;
use crate::directory::Generation;
use crate::entry::{Content, Entry};
use crate::hash_prefixes::HashPrefixes;
use crate::held::hold_back;
use crate::key;
use crate::projected::{Folded, Projected, fold};
use crate::row::Stored;
use crate::table::{Damage, Table};
use crate::view::{View, read_row};

/// How many users are kept in memory at the most: some 150 bytes each.
const SPILL_AT: usize = 500_000;

/// In how many passes rows are written, see [`write`].
const PASSES: usize = 4;

/// Why a load failed. Begin anew.
pub type BulkError = ApplyError;

/// A view that is being built.
#[derive(Debug)]
pub struct BulkLoad {
    // Before the view: the database must be closed before the directory's lock is let go.
    table: Table,
    view: View,
    head: Head,
    accounts: HashMap<AccountId, Projected<AccountState>>,
    users: HashMap<Box<[u8]>, Projected<UserState>>,
    /// The messages that were passed over.
    voids: Vec<Sequence>,
    prefixes: HashPrefixes,
    /// Whether rows were written already, so that a state may have to be read back.
    spilled: bool,
    spill_at: usize,
    scratch: Vec<u8>,
    replaces: Vec<Generation>,
}

impl BulkLoad {
    pub(crate) fn new(view: View, replaces: Vec<Generation>) -> Self {
        let head = view.read().head().clone();
        Self {
            table: view.table(),
            view,
            head,
            accounts: HashMap::new(),
            users: HashMap::new(),
            voids: Vec::new(),
            prefixes: HashPrefixes::default(),
            spilled: false,
            spill_at: SPILL_AT,
            scratch: Vec::new(),
            replaces,
        }
    }

    /// Keeps at most this many users in memory.
    #[must_use]
    pub fn spill_at(mut self, users: usize) -> Self {
        self.spill_at = users;
        self
    }

    /// The last entry that was added.
    pub fn sequence(&self) -> Sequence {
        self.head.cursor.sequence
    }

    /// Adds entries in the order of the log.
    pub fn add(&mut self, entries: &[Entry]) -> Result<(), BulkError> {
        for entry in skip_applied(&mut self.head, entries)? {
            self.fold(entry)?;
        }
        if self.spill_at <= self.users.len() {
            self.write_rows()?;
            self.spilled = true;
        }
        Ok(())
    }

    /// As [`Self::finish`], of a log that no longer holds what a former view was built from: before anybody can read
    /// the new one, it blocks each user for whom more would be effective than in the former. Answers how many they are.
    pub fn finish_holding(mut self, former: &View) -> Result<(View, u64), BulkError> {
        self.write_rows()?;
        let held = hold_back(&self.table, &mut self.head, former)?;
        Ok((self.finish()?, held))
    }

    /// Writes what is left, then the cursor, and removes what the view replaces.
    pub fn finish(mut self) -> Result<View, BulkError> {
        self.write_rest()?;
        // The rows first: a cursor must never outlive the rows that it speaks of.
        self.table.flush()?;
        let replaces = mem::take(&mut self.replaces);
        let view = self.complete(false)?;
        replaces.iter().for_each(Generation::remove);
        Ok(view)
    }

    /// Writes what is left, and no cursor: nobody finds the view until it takes the place of another one.
    pub(crate) fn finish_beside(mut self) -> Result<View, BulkError> {
        self.write_rest()?;
        self.complete(true)
    }

    fn write_rest(&mut self) -> Result<(), Damage> {
        self.write_rows()?;
        match mem::take(&mut self.prefixes).rest() {
            Some((key, row)) => self.table.insert(&key, row),
            None => Ok(()),
        }
    }

    fn complete(self, is_beside: bool) -> Result<View, BulkError> {
        let Self {
            table,
            view,
            head,
            voids,
            ..
        } = self;
        let mut batch = Batch::default();
        for sequence in &voids {
            batch.insert(key::void(*sequence), &[]);
        }
        {
            let mut state = view.state_mut();
            state.is_beside = is_beside;
            state.write(batch, &head)?;
            state.head = head;
            state.voids = voids.into_iter().collect();
        }
        table.flush()?;
        Ok(view)
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), Damage> {
        let table = &self.table;
        self.prefixes
            .push(entry, |key, row| table.insert(&key, row))?;
        if entry.content == Content::Void {
            self.voids.push(entry.sequence);
        }
        match &entry.aggregate {
            None => self.head.counts.count_orphan(entry),
            Some(aggregate @ Aggregate::Account(account)) => {
                let before = match self.accounts.get_mut(account) {
                    Some(state) => Some(mem::take(state)),
                    None => stored(&self.table, self.spilled, &key::company(account))?,
                };
                let now = fold(before.unwrap_or_default(), aggregate, entry);
                match self.accounts.get_mut(account) {
                    Some(state) => *state = now,
                    None => drop(self.accounts.insert(account.clone(), now)),
                }
            }
            Some(aggregate @ Aggregate::User(account, user)) => {
                key::write_user(&mut self.scratch, account, user);
                if let Some(state) = self.users.get_mut(self.scratch.as_slice()) {
                    *state = fold(mem::take(state), aggregate, entry);
                } else {
                    let before = stored(&self.table, self.spilled, &self.scratch)?;
                    let now = fold(before.unwrap_or_default(), aggregate, entry);
                    self.users.insert(self.scratch.as_slice().into(), now);
                }
            }
        }
        Ok(())
    }

    fn write_rows(&mut self) -> Result<(), Damage> {
        let accounts = mem::take(&mut self.accounts);
        let mut rows: Vec<_> = accounts
            .into_iter()
            .map(|(account, state)| (key::company(&account).into_boxed_slice(), state))
            .collect();
        rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let new = write(&self.table, &mut self.head, self.spilled, &rows)?;
        self.head.counts.accounts = self.head.counts.accounts.saturating_add(new);
        let mut rows: Vec<_> = mem::take(&mut self.users).into_iter().collect();
        rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let new = write(&self.table, &mut self.head, self.spilled, &rows)?;
        self.head.counts.users = self.head.counts.users.saturating_add(new);
        Ok(())
    }
}

fn stored<S: Stored>(
    table: &Table,
    spilled: bool,
    key: &[u8],
) -> Result<Option<Projected<S>>, Damage> {
    if !spilled {
        return Ok(None);
    }
    table.get(key)?.map(|row| read_row(&row)).transpose()
}

/// Writes rows that are in the order of their keys, and answers how many of them are new.
///
/// First every fourth, then those after them, and so on. sled splits a leaf of 17 rows into halves, and what comes in order
/// never fills the lower half again: such files were 4.7 times as long as their rows. In four passes leaves become full, and
/// each pass leaves nothing but garbage of the one before, in whole segments: 2.1 times, in the same time.
fn write<S: Stored + Folded>(
    table: &Table,
    head: &mut Head,
    spilled: bool,
    rows: &[(Box<[u8]>, Projected<S>)],
) -> Result<u64, Damage> {
    let mut new = 0_u64;
    let pass = |number| rows.iter().skip(number).step_by(PASSES);
    for (key, state) in (0..PASSES).flat_map(pass) {
        let row = S::write(state);
        let before = if spilled { table.get(key)? } else { None };
        head.sum = checksum::replace_row(head.sum, key, before.as_deref(), &row);
        let was_blocked = matches!(
            before.as_deref().map(S::read),
            Some(Ok(Projected::Blocked { .. }))
        );
        if state.known().is_none() && !was_blocked {
            head.counts.blocked = head.counts.blocked.saturating_add(1);
            table.insert(&key::blocked(key), row.clone())?;
        }
        if before.is_none() {
            new = new.saturating_add(1);
        }
        table.insert(key, row)?;
    }
    Ok(new)
}
