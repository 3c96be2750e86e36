//! Access tokens that were obtained: in memory only, few, and zeroed when they go.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::values::PersonId;
use assent_domain::permissions::{EmailLevel, Permission, PermissionSet};
use jiff::Timestamp;
use quick_cache::sync::Cache;
use secrecy::SecretString;

use crate::permissions::Permitted;
use crate::user_key::UserKey;

/// How many are kept: 2 to 4 KiB each.
const KEPT: usize = 20_000;

/// What a token was asked for. Those for full e-mail are of no use once only sending is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    Calendar,
    Contacts,
    SendEmail,
    AllEmail,
}

impl Purpose {
    /// What a permission is good for now; nothing where it is not effective.
    pub(crate) const fn of(permission: Permission, effective: PermissionSet) -> Option<Self> {
        match permission {
            Permission::Calendar if effective.calendar => Some(Self::Calendar),
            Permission::Contacts if effective.contacts => Some(Self::Contacts),
            Permission::Calendar | Permission::Contacts => None,
            Permission::Email => match effective.email {
                EmailLevel::None => None,
                EmailLevel::Limited => Some(Self::SendEmail),
                EmailLevel::Full => Some(Self::AllEmail),
            },
        }
    }

    pub(crate) const fn permissions(self) -> PermissionSet {
        let nothing = PermissionSet::NOTHING;
        match self {
            Self::Calendar => PermissionSet {
                calendar: true,
                ..nothing
            },
            Self::Contacts => PermissionSet {
                contacts: true,
                ..nothing
            },
            Self::SendEmail => PermissionSet {
                email: EmailLevel::Limited,
                ..nothing
            },
            Self::AllEmail => PermissionSet {
                email: EmailLevel::Full,
                ..nothing
            },
        }
    }
}

/// A token, and what is known of it.
pub(crate) struct AccessToken {
    pub(crate) token: SecretString,
    pub(crate) expires_at: Timestamp,
    /// What it can do, in short names, with spaces between them.
    pub(crate) scope: String,
    /// Whose mailbox it is for.
    pub(crate) mailbox: PersonId,
    /// When Microsoft gave it.
    pub(crate) obtained_at: Timestamp,
    /// What was told of the user and the company until it was asked for: it goes with whatever is told later.
    pub(crate) told: (u64, u64),
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl AccessToken {
    fn is_good(&self, permitted: &Permitted, minimum: Duration) -> bool {
        let lasts = self.expires_at.duration_since(Timestamp::now());
        permitted.mailbox == Some(self.mailbox)
            && permitted.stamp.own == self.told
            && jiff::SignedDuration::try_from(minimum).is_ok_and(|minimum| minimum < lasts)
    }
}

/// Those that are kept.
#[derive(Debug)]
pub(crate) struct AccessTokens {
    kept: Cache<(UserKey, Purpose), Arc<AccessToken>>,
}

impl AccessTokens {
    pub(crate) fn new() -> Self {
        Self {
            kept: Cache::new(KEPT),
        }
    }

    /// One that lasts long enough, for what is permitted now.
    pub(crate) fn find(
        &self,
        whose: &UserKey,
        purpose: Purpose,
        permitted: &Permitted,
        minimum: Duration,
    ) -> Option<Arc<AccessToken>> {
        let place = (whose.clone(), purpose);
        let found = self.kept.get(&place)?;
        if found.is_good(permitted, minimum) {
            return Some(found);
        }
        if !found.is_good(permitted, Duration::ZERO) {
            self.kept.remove(&place);
        }
        None
    }

    pub(crate) fn keep(&self, whose: &UserKey, purpose: Purpose, token: &Arc<AccessToken>) {
        self.kept
            .insert((whose.clone(), purpose), Arc::clone(token));
    }
}
