//! Browser sessions of the settings pages.
//!
//! The host application vouches for its user with a token, once; from then on a cookie stands for that user, for a
//! fixed time that nothing prolongs. What the token allowed is kept with the session, so its time is short.

mod secret;
mod store;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use assent_contract::values::text;
use assent_domain::ids::{AccountId, UserId};
use assent_service_kit::Caller;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cutoff::Generation;
use crate::failure::Failure;
use crate::rights;
use crate::secrets::Digest;

pub use secret::{CsrfToken, SessionSecret};
pub use store::SessionStore;

/// How long a token may be good for that opens a session: it is remembered until it has run out, so that nobody uses it
/// twice, and the store forgets after [`KEPT_FOR`].
pub(crate) const LONGEST_TOKEN: SignedDuration = SignedDuration::from_hours(24);

/// How long the store keeps anything: longer than the longest token, by more than clocks differ.
pub const KEPT_FOR: Duration = Duration::from_hours(25);

/// One session, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// The account whose settings are shown.
    #[serde(with = "text")]
    pub account: AccountId,
    /// The user whom the session is of.
    #[serde(with = "text")]
    pub user: UserId,
    roles: Vec<String>,
    permissions: Vec<String>,
    pub(crate) expires_at: Timestamp,
    /// The user's generation. The store notes it, and finds no session of another one.
    #[serde(flatten)]
    pub(crate) generation: Generation,
    /// Whether the session was opened from a site that is none of the host application's: perhaps by somebody who wants another's
    /// mailbox under their own name. So no mailbox is bound in it.
    #[serde(default)]
    pub opened_elsewhere: bool,
    /// The digest of the token that opened it, so that the same form sent twice is known. Sessions of earlier releases
    /// have none.
    #[serde(default)]
    opened_by: Option<Digest>,
    /// What the host application calls the user and the account, for people to read.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    account_name: Option<String>,
}

impl Session {
    /// The session of whoever a token speaks for. A service of the host application is nobody's user.
    pub fn new(
        caller: &Caller,
        token: Digest,
        expires_at: Timestamp,
        opened_elsewhere: bool,
    ) -> Result<Self, Failure> {
        Ok(Self {
            account: rights::account(caller)?,
            user: rights::subject(caller)?,
            roles: caller.roles.clone(),
            permissions: caller.permissions.clone(),
            expires_at,
            generation: Generation::default(),
            opened_elsewhere,
            opened_by: Some(token),
            name: caller.name.clone(),
            account_name: caller.account_name.clone(),
        })
    }

    /// Whoever is calling, with the rights of the token that opened the session.
    pub fn caller(&self) -> Caller {
        Caller {
            subject: self.user.to_string(),
            account: Some(self.account.to_string()),
            roles: self.roles.clone(),
            permissions: self.permissions.clone(),
            scopes: Vec::new(),
            token_id: None,
            issued_at: None,
            // Whatever this can't express is long over.
            expires_at: SystemTime::try_from(self.expires_at).unwrap_or(UNIX_EPOCH),
            name: self.name.clone(),
            account_name: self.account_name.clone(),
        }
    }

    /// Whether it was this very token that opened it.
    pub fn was_opened_by(&self, token: &str) -> bool {
        let opened_by = self.opened_by.as_ref();
        opened_by.is_some_and(|digest| digest.is_of(token))
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

#[cfg(test)]
mod tests;
