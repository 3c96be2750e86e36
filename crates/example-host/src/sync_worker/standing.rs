//! What is known to be permitted: changes and pages, folded. This is the whole rule of a sync worker, and it is pure.
//!
//! News may come late, twice, and from replicas that lag behind one another. Of each user and company the latest
//! counts, by its sequence; and of a user only what is not older than the latest of the company. Sequences are of one
//! log: of another one nothing can be told from them, so whoever hears of one begins with nothing.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::assent::permissions::Permissions;

/// How a user or a company stands as of an event: a message on `consent.changes.v1.>`, or an entry of a page. A
/// company's names no user. New fields may come; they change nothing for us.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Change {
    pub(super) account_id: String,
    pub(super) user_id: Option<String>,
    /// What may be done for the user now.
    pub(super) effective: Option<Permissions>,
    /// As of which event of the log.
    pub(super) sequence: u64,
    /// Which log; a page names it once for all its entries.
    pub(super) log: Option<String>,
}

impl Change {
    /// A message of somebody else's may be anything, so what it says has to agree with where it came.
    pub(super) fn read(subject: &str, payload: &[u8]) -> Option<Self> {
        let change: Self = serde_json::from_slice(payload).ok()?;
        change.is_of(subject).then_some(change)
    }

    /// Ids are percent-encoded in a subject.
    fn is_of(&self, subject: &str) -> bool {
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

/// A change is of another log: forget all, and learn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AnotherLog;

/// What is known of everybody.
#[derive(Debug)]
pub(super) struct Standing {
    log: String,
    users: HashMap<(String, String), Known>,
    /// What was known of a company's users before this counts for nothing.
    companies: HashMap<String, u64>,
}

/// What is permitted for a user, as of an event.
#[derive(Debug, Clone, Copy)]
struct Known {
    permitted: Permissions,
    as_of: u64,
}

impl Standing {
    /// Nothing is known yet.
    pub(super) fn of(log: impl Into<String>) -> Self {
        Self {
            log: log.into(),
            users: HashMap::new(),
            companies: HashMap::new(),
        }
    }

    /// Learns from an entry of a page that is of this log.
    pub(super) fn learn(&mut self, entry: &Change) {
        self.note(entry, |known, said| known <= said);
    }

    /// Learns from a message that was heard.
    pub(super) fn hear(&mut self, change: &Change) -> Result<(), AnotherLog> {
        if change.log.as_ref() != Some(&self.log) {
            return Err(AnotherLog);
        }
        self.note(change, |known, said| known < said);
        Ok(())
    }

    pub(super) fn log(&self) -> &str {
        &self.log
    }

    fn note(&mut self, change: &Change, is_news: impl Fn(u64, u64) -> bool) {
        let as_of = change.sequence;
        let Some(user) = &change.user_id else {
            let since = self.companies.entry(change.account_id.clone()).or_default();
            *since = as_of.max(*since);
            return;
        };
        let known = Known {
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

    /// What may be done for a user now.
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
