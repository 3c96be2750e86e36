//! Where a page ended. Opaque to whoever gives it back, so that it can change.

use std::fmt;

use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_domain::ids::AccountId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// More than any cursor of ours.
const LONGEST: usize = 2048;

/// Where a page ended, and what the next one has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) log: String,
    /// The part of the log that every page reflects.
    pub(super) at_least: u64,
    /// The one account that was asked for.
    pub(super) within: Option<AccountId>,
    /// The last entry of the page; `None` before the first page.
    pub(super) after: Option<Aggregate>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    log: String,
    at_least: u64,
    within: Option<String>,
    after: String,
}

impl Cursor {
    /// The cursor that was given out; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if LONGEST < text.len() {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let written: Written = serde_json::from_slice(&bytes).ok()?;
        let within = match written.within {
            Some(account) => Some(AccountId::parse(&account).ok()?),
            None => None,
        };
        let after = names::aggregate_of_change_subject(&written.after)?;
        let is_within = within
            .as_ref()
            .is_none_or(|within| within == after.account());
        is_within.then_some(Self {
            log: written.log,
            at_least: written.at_least,
            within,
            after: Some(after),
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Written {
            log: self.log.clone(),
            at_least: self.at_least,
            within: self
                .within
                .as_ref()
                .map(|account| account.as_str().to_owned()),
            after: self
                .after
                .as_ref()
                .map(names::change_subject)
                .unwrap_or_default(),
        };
        let json = serde_json::to_vec(&written).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::event::Aggregate;
    use assent_domain::ids::{AccountId, UserId};

    use super::Cursor;

    fn cursor() -> Cursor {
        let acme = AccountId::parse("acme").unwrap();
        Cursor {
            log: "CONSENT_EVENTS@now+5".to_owned(),
            at_least: 7,
            within: Some(acme.clone()),
            after: Some(Aggregate::User(acme, UserId::parse("ana").unwrap())),
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for within in [cursor().within, None] {
            let cursor = Cursor { within, ..cursor() };
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
    }

    #[test]
    fn nothing_else_is_a_cursor() {
        let text = cursor().to_string();
        let elsewhere = Cursor {
            within: Some(AccountId::parse("umbrella").unwrap()),
            ..cursor()
        };
        let cut = &text[..text.len() - 1];
        let long = "A".repeat(4096);
        let unfinished = Cursor {
            after: None,
            ..cursor()
        };
        for foreign in [
            "",
            "!",
            "e30",
            cut,
            &long,
            &format!("{text}A"),
            &elsewhere.to_string(),
            &unfinished.to_string(),
        ] {
            assert_eq!(Cursor::parse(foreign), None, "{foreign}");
        }
    }
}
