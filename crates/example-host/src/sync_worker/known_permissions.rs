//! What is known to be permitted: changes and pages, folded. This is the whole rule of a sync worker, and it is pure.
//!
//! News may come late, twice, and from replicas that lag behind one another. Of each user and company the latest
//! counts, by its sequence; and of a user only what is not older than the latest of the company. Sequences are of one
//! log: of another one nothing can be told from them, so whoever hears of one begins with nothing.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::assent::permissions::Permissions;

/// The permissions of a user, or the method of a company, as of an event: a message on `consent.changes.v1.>`, or an
/// entry of a page. A company's names no user. The wire has more fields, and may get others: they are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Change {
    pub(super) account_id: String,
    pub(super) user_id: Option<String>,
    /// The permissions in force for the user; absent for a company.
    pub(super) effective: Option<Permissions>,
    /// The position in the log that this reflects.
    pub(super) sequence: u64,
    /// The name of the log; a page names it once for all its entries.
    pub(super) log: Option<String>,
}

impl Change {
    /// Reads a message. One of somebody else's may be anything, so what it says has to agree with its subject.
    pub(super) fn parse(subject: &str, payload: &[u8]) -> Option<Self> {
        let change: Self = serde_json::from_slice(payload).ok()?;
        change.matches(subject).then_some(change)
    }

    /// Whether the subject, in which ids are percent-encoded, names the same company and user.
    fn matches(&self, subject: &str) -> bool {
        let decoded = |token| percent_decode_str(token).decode_utf8_lossy();
        let tokens: Vec<_> = subject.split('.').map(decoded).collect();
        let tokens: Vec<&str> = tokens.iter().map(AsRef::as_ref).collect();
        match tokens.as_slice() {
            ["consent", "changes", "v1", account, "company"] => {
                self.account_id == *account && self.user_id.is_none()
            }
            ["consent", "changes", "v1", account, "user", user] => {
                self.account_id == *account && self.user_id.as_deref() == Some(user)
            }
            _ => false,
        }
    }
}

/// The error of a change that belongs to another log: everything known means nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AnotherLog;

/// The permissions of all users, as far as they are known.
#[derive(Debug)]
pub(super) struct KnownPermissions {
    log: String,
    users: HashMap<(String, String), PermittedAsOf>,
    /// The last event of each company: what was known of its users before it counts for nothing.
    companies: HashMap<String, u64>,
}

/// The permissions of a user, as of an event.
#[derive(Debug, Clone, Copy)]
struct PermittedAsOf {
    permitted: Permissions,
    as_of: u64,
}

impl KnownPermissions {
    /// Starts with nothing known, for a log of this name.
    pub(super) fn new(log: impl Into<String>) -> Self {
        Self {
            log: log.into(),
            users: HashMap::new(),
            companies: HashMap::new(),
        }
    }

    /// Takes in an entry of a page of this log.
    pub(super) fn apply_entry(&mut self, entry: &Change) {
        self.apply(entry, |known, said| known <= said);
    }

    /// Takes in a message of the change stream.
    pub(super) fn apply_message(&mut self, change: &Change) -> Result<(), AnotherLog> {
        if change.log.as_ref() != Some(&self.log) {
            return Err(AnotherLog);
        }
        self.apply(change, |known, said| known < said);
        Ok(())
    }

    pub(super) fn log(&self) -> &str {
        &self.log
    }

    fn apply(&mut self, change: &Change, is_news: impl Fn(u64, u64) -> bool) {
        let as_of = change.sequence;
        let Some(user) = &change.user_id else {
            let since = self.companies.entry(change.account_id.clone()).or_default();
            *since = as_of.max(*since);
            return;
        };
        let known = PermittedAsOf {
            // What does not say what is permitted permits nothing.
            permitted: change.effective.unwrap_or_default(),
            as_of,
        };
        self.users
            .entry((change.account_id.clone(), user.clone()))
            .and_modify(|before| {
                if is_news(before.as_of, as_of) {
                    *before = known;
                }
            })
            .or_insert(known);
    }

    /// The permissions in force for a user, as far as is known; nothing where nothing is known.
    pub(super) fn permitted(&self, account: &str, user: &str) -> Permissions {
        let since = self.companies.get(account).copied().unwrap_or_default();
        self.users
            .get(&(account.to_owned(), user.to_owned()))
            .filter(|known| since <= known.as_of)
            .map_or(Permissions::NOTHING, |known| known.permitted)
    }
}

#[cfg(test)]
mod tests;
