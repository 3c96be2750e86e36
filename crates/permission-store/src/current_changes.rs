//! How accounts and users stand, in the shape in which it is told: as changes.

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::AccountId;
use assent_domain::user::UserState;

use crate::entry::AggregateChange;
use crate::key;
use crate::projected::{Projected, effective};
use crate::table::Damage;
use crate::view::{ReadError, Reading, read_row, unknown_key};

/// Some of those that the log knows: accounts first, then users, each in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesPage {
    /// How each stands.
    pub changes: Vec<AggregateChange>,
    /// Whether there are more after these.
    pub more: bool,
}

impl Reading<'_> {
    /// How an account or user stands: `None` for one that the log does not know. The sequence is
    /// that of the last event, its own or its company's, that made it so.
    pub fn current_change(
        &self,
        aggregate: &Aggregate,
    ) -> Result<Option<AggregateChange>, ReadError> {
        let account: Projected<AccountState> = self.account(aggregate.account())?;
        let row = match aggregate {
            Aggregate::Account(account) => key::company(account),
            Aggregate::User(account, user) => key::user(account, user),
        };
        let Some(row) = self.table().get(&row)? else {
            return Ok(None);
        };
        Ok(Some(change(aggregate.clone(), &row, &account)?))
    }

    /// Up to `limit` of all that the log knows, or of those within one account, after the one named.
    pub fn current_changes(
        &self,
        within: Option<&AccountId>,
        after: Option<&Aggregate>,
        limit: usize,
    ) -> Result<ChangesPage, ReadError> {
        let mut page = ChangesPage {
            changes: Vec::new(),
            more: false,
        };
        let after_users = match after {
            Some(Aggregate::User(account, user)) => Some(key::user(account, user)),
            Some(Aggregate::Account(_)) | None => None,
        };
        if after_users.is_none() {
            match within {
                Some(account) if after.is_none() => {
                    page.changes
                        .extend(self.current_change(&Aggregate::Account(account.clone()))?);
                }
                Some(_) => {}
                None => {
                    let after = after.map(|after| key::company(after.account()));
                    self.take(&key::companies(), after.as_deref(), limit, &mut page)?;
                }
            }
        }
        let prefix = within.map_or_else(key::all_users, key::users);
        self.take(&prefix, after_users.as_deref(), limit, &mut page)?;
        Ok(page)
    }

    /// Adds rows to a page until it is full.
    fn take(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        page: &mut ChangesPage,
    ) -> Result<(), ReadError> {
        // The users of an account are side by side, so its row is read once.
        let mut company: Option<(AccountId, Projected<AccountState>)> = None;
        self.table().scan(prefix, after, |key, row| {
            if limit <= page.changes.len() {
                page.more = true;
                return Ok(false);
            }
            let aggregate = key::aggregate(key).ok_or_else(unknown_key)?;
            let known = match company.take() {
                Some(known) if known.0 == *aggregate.account() => known,
                Some(_) | None => {
                    let id = aggregate.account().clone();
                    let row = self.table().get(&key::company(&id))?;
                    let account = row.map(|row| read_row(&row)).transpose()?;
                    (id, account.unwrap_or_default())
                }
            };
            page.changes.push(change(aggregate, row, &known.1)?);
            company = Some(known);
            Ok(true)
        })?;
        Ok(())
    }
}

fn change(
    aggregate: Aggregate,
    row: &[u8],
    account: &Projected<AccountState>,
) -> Result<AggregateChange, Damage> {
    let (sequence, effective) = match &aggregate {
        Aggregate::Account(_) => (account.last_sequence(), None),
        Aggregate::User(..) => {
            let user: Projected<UserState> = read_row(row)?;
            let last = user.last_sequence().max(account.last_sequence());
            (last, Some(effective(account, &user)))
        }
    };
    Ok(AggregateChange {
        aggregate,
        sequence,
        method: account.method(),
        effective,
    })
}
