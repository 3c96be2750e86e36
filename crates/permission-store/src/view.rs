//! Reading the view.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use assent_checkpoint::Root;
use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::user::UserState;
use sled::Batch;

use crate::cursor::{Counts, Cursor, Head};
use crate::directory::Generation;
use crate::home::Home;
use crate::key;
use crate::pass::{Appointment, Pass};
use crate::projected::Projected;
use crate::row::Stored;
use crate::table::{Damage, Table, head_bytes};

/// What the log adds up to, for every account and user.
///
/// Any number of threads may read while one applies entries.
pub struct View {
    // Before the home: the database must be closed before the directory's lock is let go.
    state: RwLock<State>,
    writer: Mutex<()>,
    pub(crate) walker: Mutex<()>,
    home: Arc<Home>,
}

/// The rows, and what is known without reading one, which changes in the same breath as they do.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) table: Table,
    pub(crate) generation: Generation,
    /// Nobody reads it yet: until it takes the place of another view its cursor is kept in memory only.
    pub(crate) is_beside: bool,
    pub(crate) head: Head,
    /// The messages that were passed over.
    pub(crate) voids: BTreeSet<Sequence>,
    /// The walk over all rows that is under way.
    pub(crate) pass: Option<Pass>,
    /// Who waits to walk over all rows as they will be at a sequence.
    pub(crate) appointment: Option<Appointment>,
}

/// Why something can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The view is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// Some of an account's users, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The users.
    pub users: Vec<(UserId, Projected<UserState>)>,
    /// Whether there are more after these.
    pub more: bool,
}

/// An account or user that is blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Who.
    pub aggregate: Aggregate,
    /// The first entry that can't be believed.
    pub at: Sequence,
}

/// The view as it is at one sequence. Nothing is applied while it is held, so hold it briefly.
pub struct Reading<'a> {
    state: RwLockReadGuard<'a, State>,
}

impl View {
    pub(crate) fn new(
        home: Arc<Home>,
        generation: Generation,
        table: Table,
        head: Head,
        voids: BTreeSet<Sequence>,
    ) -> Self {
        Self {
            state: RwLock::new(State {
                table,
                generation,
                is_beside: false,
                head,
                voids,
                pass: None,
                appointment: None,
            }),
            writer: Mutex::new(()),
            walker: Mutex::new(()),
            home,
        }
    }

    /// The view as it is now.
    pub fn read(&self) -> Reading<'_> {
        Reading {
            // Whoever panicked while holding it changed nothing halfway: the head is replaced
            // as a whole, after the rows were written.
            state: self.state.read().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// How much of which log it holds.
    pub fn cursor(&self) -> Cursor {
        self.read().head().cursor.clone()
    }

    /// How many there are.
    pub fn counts(&self) -> Counts {
        self.read().counts()
    }

    /// What is known of an account.
    pub fn account(&self, account: &AccountId) -> Result<Projected<AccountState>, ReadError> {
        self.read().account(account)
    }

    /// What is known of a user.
    pub fn user(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Result<Projected<UserState>, ReadError> {
        self.read().user(account, user)
    }

    /// Up to `limit` of an account's users, after the one named.
    pub fn users(
        &self,
        account: &AccountId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.read().users(account, after, limit)
    }

    /// Up to `limit` of those that are blocked.
    pub fn blocked(&self, limit: usize) -> Result<Vec<Blocked>, ReadError> {
        self.read().blocked(limit)
    }

    /// The messages that were passed over because an operator declared them void.
    pub fn voids(&self) -> BTreeSet<Sequence> {
        self.read().state.voids.clone()
    }

    /// Waits until what was written is with the operating system's disk cache at least. A view
    /// that loses its last entries goes on from an earlier cursor.
    pub fn flush(&self) -> Result<(), Damage> {
        self.table().flush()
    }

    /// Where its files are.
    pub fn path(&self) -> PathBuf {
        self.read().state.generation.path().to_owned()
    }

    /// How much there is room for on its disk, in bytes; `None` where the operating system does not say.
    pub fn bytes_free(&self) -> Option<u64> {
        self.home.bytes_free()
    }

    /// The rows. They stay the same ones for whoever keeps others from writing.
    pub(crate) fn table(&self) -> Table {
        self.read().state.table.clone()
    }

    /// What its files take on the disk, in bytes.
    pub fn bytes_on_disk(&self) -> u64 {
        self.read().state.generation.bytes()
    }

    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    pub(crate) fn only_writer(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading<'_> {
    /// The last entry that the rows reflect.
    pub fn sequence(&self) -> Sequence {
        self.state.head.cursor.sequence
    }

    /// How many there are.
    pub fn counts(&self) -> Counts {
        self.state.head.counts
    }

    /// The root over all messages of the log that the rows reflect.
    pub fn root(&self) -> Root {
        self.state.head.tree.root()
    }

    /// What is known of an account: the default where it has no events.
    pub fn account(&self, account: &AccountId) -> Result<Projected<AccountState>, ReadError> {
        self.projected(&key::company(account))
    }

    /// What is known of a user: the default where the user has no events.
    pub fn user(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Result<Projected<UserState>, ReadError> {
        self.projected(&key::user(account, user))
    }

    /// Up to `limit` of an account's users, after the one named.
    pub fn users(
        &self,
        account: &AccountId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Page, ReadError> {
        let prefix = key::users(account);
        let after = after.map(|user| key::user(account, user));
        let mut users = Vec::new();
        let mut more = false;
        self.table().scan(&prefix, after.as_deref(), |key, value| {
            if users.len() == limit {
                more = true;
                return Ok(false);
            }
            match key::aggregate(key) {
                Some(Aggregate::User(_, user)) => users.push((user, read_row(value)?)),
                Some(Aggregate::Account(_)) | None => return Err(unknown_key()),
            }
            Ok(true)
        })?;
        Ok(Page { users, more })
    }

    /// Up to `limit` of those that are blocked.
    pub fn blocked(&self, limit: usize) -> Result<Vec<Blocked>, ReadError> {
        self.blocked_after(None, limit)
    }

    /// Up to `limit` of those that are blocked, after the one named.
    pub fn blocked_after(
        &self,
        after: Option<&Aggregate>,
        limit: usize,
    ) -> Result<Vec<Blocked>, ReadError> {
        let after = after.map(|aggregate| key::blocked(&key::row(aggregate)));
        let mut found = Vec::new();
        self.table()
            .scan(key::BLOCKED, after.as_deref(), |key, value| {
                if found.len() == limit {
                    return Ok(false);
                }
                let aggregate = key
                    .strip_prefix(key::BLOCKED)
                    .and_then(key::aggregate)
                    .ok_or_else(unknown_key)?;
                if let Projected::Blocked { at } = read_row::<AccountState>(value)? {
                    found.push(Blocked { aggregate, at });
                }
                Ok(true)
            })?;
        Ok(found)
    }

    pub(crate) fn head(&self) -> &Head {
        &self.state.head
    }

    pub(crate) fn appointment(&self) -> Option<Sequence> {
        self.state
            .appointment
            .as_ref()
            .map(|appointment| appointment.at)
    }

    pub(crate) fn table(&self) -> &Table {
        &self.state.table
    }

    pub(crate) fn voids(&self) -> &BTreeSet<Sequence> {
        &self.state.voids
    }

    /// As [`State::write`].
    pub(crate) fn write(&self, batch: Batch, head: &Head) -> Result<(), Damage> {
        self.state.write(batch, head)
    }

    pub(crate) fn projected<S: Stored + Default>(
        &self,
        key: &[u8],
    ) -> Result<Projected<S>, ReadError> {
        let row = self.table().get(key)?;
        Ok(row
            .map(|row| read_row(&row))
            .transpose()?
            .unwrap_or_default())
    }
}

impl State {
    /// Writes rows, and the cursor with them; not that of a view beside another one, which nobody may
    /// find before it is complete.
    pub(crate) fn write(&self, mut batch: Batch, head: &Head) -> Result<(), Damage> {
        if !self.is_beside {
            batch.insert(key::HEAD, head_bytes(head)?);
        }
        self.table.write(batch)
    }
}

pub(crate) fn read_row<S: Stored>(row: &[u8]) -> Result<Projected<S>, Damage> {
    S::read(row).map_err(|error| Damage::because("it holds a row that is not ours", error))
}

pub(crate) fn unknown_key() -> Damage {
    Damage::new("it holds a key that is not ours")
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("sequence", &self.sequence())
            .finish_non_exhaustive()
    }
}
