//! The rows themselves, page by page: for whoever wants to know in which of them two views differ.

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::user::UserState;

use crate::key;
use crate::projected::Projected;
use crate::view::{ReadError, Reading, View, read_row, unknown_key};

/// What the view holds of an account or of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// An account.
    Account(AccountId, Projected<AccountState>),
    /// A user.
    User(AccountId, UserId, Projected<UserState>),
}

impl Row {
    /// Whose row it is.
    pub fn aggregate(&self) -> Aggregate {
        match self {
            Self::Account(account, _) => Aggregate::Account(account.clone()),
            Self::User(account, user, _) => Aggregate::User(account.clone(), user.clone()),
        }
    }
}

/// Some of the rows, in the order of their keys: accounts first, then users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsPage {
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether there are more after these.
    pub more: bool,
}

impl Reading<'_> {
    /// Up to `limit` rows, after that of the account or user named.
    pub fn rows(&self, after: Option<&Aggregate>, limit: usize) -> Result<RowsPage, ReadError> {
        let after = after.map(key::row);
        let mut page = RowsPage {
            rows: Vec::new(),
            more: false,
        };
        self.table()
            .scan(key::ROWS, after.as_deref(), |key, value| {
                if page.rows.len() == limit {
                    page.more = true;
                    return Ok(false);
                }
                page.rows
                    .push(match key::aggregate(key).ok_or_else(unknown_key)? {
                        Aggregate::Account(account) => Row::Account(account, read_row(value)?),
                        Aggregate::User(account, user) => {
                            Row::User(account, user, read_row(value)?)
                        }
                    });
                Ok(true)
            })?;
        Ok(page)
    }
}

impl View {
    /// How long all rows are together, keys and values, in bytes: the least that a view of them could take. Reads every row,
    /// a million in about a second.
    pub fn bytes_of_rows(&self) -> Result<u64, ReadError> {
        let mut bytes = 0_usize;
        self.table().scan(key::ROWS, None, |key, value| {
            bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
            Ok(true)
        })?;
        Ok(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}
