//! Who is held back: users of whom a log that lost events says that more is permitted than was known before.
//!
//! Where a log no longer holds what a view was built from, and the view has to be built anew, a no may be among what is
//! gone. Each user for whom more would be effective than in the former view is blocked in the new one, with a note of why,
//! until somebody decides. Whoever the former view did not know has taken nothing back, and is not held.

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence};
use assent_domain::permissions::PermissionSet;
use assent_domain::user::UserState;

use crate::checksum;
use crate::cursor::Head;
use crate::key;
use crate::projected::{Projected, effective};
use crate::row::Stored;
use crate::table::{Damage, Table};
use crate::view::{ReadError, Reading, View, read_row, unknown_key};

/// How many rows of the former view are read before others get their turn.
const ROWS_AT_A_TIME: usize = 256;

/// A row's key and its value.
type KeptRow = (Vec<u8>, Vec<u8>);

/// Blocks those in a view that nobody reads yet. Answers how many they are.
pub(crate) fn hold_back(table: &Table, head: &mut Head, former: &View) -> Result<u64, Damage> {
    let mut companies = None;
    let mut after: Option<Vec<u8>> = None;
    loop {
        let rows = rows_after(former, after.as_deref())?;
        let Some((last, _)) = rows.last() else {
            return Ok(head.held);
        };
        after = Some(last.clone());
        for (row, value) in &rows {
            let Some(Aggregate::User(account, _)) = key::aggregate(row) else {
                return Err(unknown_key());
            };
            let Some(now) = table.get(row)? else {
                continue;
            };
            let known = match companies.take_if(|(whose, _)| *whose == account) {
                Some((_, known)) => known,
                None => Companies::read(table, former, &account)?,
            };
            let user: Projected<UserState> = read_row(&now)?;
            let permitted = effective(&known.now, &user);
            // What can't be read any more permitted nothing that is known.
            let was = UserState::read(value)
                .map_or(PermissionSet::NOTHING, |user| effective(&known.was, &user));
            companies = Some((account, known));
            if permitted.is_within(was) {
                continue;
            }
            block(table, head, row, &now)?;
        }
    }
}

/// A company, as it was and as it is now.
struct Companies {
    was: Projected<AccountState>,
    now: Projected<AccountState>,
}

impl Companies {
    fn read(table: &Table, former: &View, account: &AccountId) -> Result<Self, Damage> {
        let key = key::company(account);
        let now = table.get(&key)?.map(|row| read_row(&row)).transpose()?;
        let was = former.table().get(&key)?;
        let unreadable = Projected::Blocked { at: Sequence(0) };
        let was = was.map(|row| AccountState::read(&row).unwrap_or(unreadable));
        Ok(Self {
            was: was.unwrap_or_default(),
            now: now.unwrap_or_default(),
        })
    }
}

fn block(table: &Table, head: &mut Head, row: &[u8], before: &[u8]) -> Result<(), Damage> {
    let blocked = <UserState as Stored>::write(&Projected::Blocked {
        at: head.cursor.sequence,
    });
    head.sum = checksum::replace_row(head.sum, row, Some(before), &blocked);
    head.counts.blocked = head.counts.blocked.saturating_add(1);
    head.held = head.held.saturating_add(1);
    table.insert(&key::blocked(row), blocked.clone())?;
    table.insert(&key::held(row), Vec::new())?;
    table.insert(row, blocked)
}

fn rows_after(former: &View, after: Option<&[u8]>) -> Result<Vec<KeptRow>, Damage> {
    let mut rows = Vec::with_capacity(ROWS_AT_A_TIME);
    former
        .table()
        .scan(&key::all_users(), after, |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            Ok(rows.len() < ROWS_AT_A_TIME)
        })?;
    Ok(rows)
}

impl Reading<'_> {
    /// How many are held back.
    pub fn held(&self) -> u64 {
        self.head().held
    }

    /// Whether this user is held back.
    pub fn is_held(&self, aggregate: &Aggregate) -> Result<bool, ReadError> {
        let is_held = 0 < self.held()
            && self
                .table()
                .get(&key::held(&key::row(aggregate)))?
                .is_some();
        Ok(is_held)
    }

    /// Up to `limit` of those that are held back, after the one named.
    pub fn held_after(
        &self,
        after: Option<&Aggregate>,
        limit: usize,
    ) -> Result<Vec<Aggregate>, ReadError> {
        let after = after.map(|aggregate| key::held(&key::row(aggregate)));
        let mut held = Vec::new();
        self.table().scan(key::HELD, after.as_deref(), |key, _| {
            let row = key.strip_prefix(key::HELD).and_then(key::aggregate);
            held.push(row.ok_or_else(unknown_key)?);
            Ok(held.len() < limit)
        })?;
        Ok(held)
    }
}
