//! What may be done for a user now: asked over NATS, and answered by any projection.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::nats_query::{self, QueryError};
use crate::users::User;

const SUBJECT: &str = "consent.query.v1.permissions";
/// A sync job or a page waits no longer. No answer is not a yes.
const DEADLINE: Duration = Duration::from_millis(500);

/// A set of permissions; the default is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Permissions {
    pub(crate) calendar: bool,
    pub(crate) contacts: bool,
    pub(crate) email: EmailLevel,
}

/// How far the permission for e-mail goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmailLevel {
    #[default]
    None,
    /// Sending only.
    Limited,
    /// Sending, reading and syncing.
    Full,
}

/// Who decides about a company's permissions: each user, or an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    UserIndividual,
    AdminConfigured,
}

impl Permissions {
    pub(crate) const NOTHING: Self = Self {
        calendar: false,
        contacts: false,
        email: EmailLevel::None,
    };
    pub(crate) const EVERYTHING: Self = Self {
        calendar: true,
        contacts: true,
        email: EmailLevel::Full,
    };
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let email = match self.email {
            EmailLevel::None => None,
            EmailLevel::Limited => Some("e-mail (sending only)"),
            EmailLevel::Full => Some("e-mail"),
        };
        let names: Vec<&str> = [
            self.calendar.then_some("calendar"),
            self.contacts.then_some("contacts"),
            email,
        ]
        .into_iter()
        .flatten()
        .collect();
        if names.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&names.join(", "))
    }
}

/// Client of the projection's permission query over NATS.
#[derive(Debug, Clone)]
pub(crate) struct PermissionQuery {
    nats: async_nats::Client,
}

#[derive(Serialize)]
struct PermissionsRequest<'a> {
    account_id: &'a str,
    user_id: &'a str,
    /// The position in the log that the answer has to reflect; the projection waits a moment for it, then refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<u64>,
}

/// The permissions in force for a user. The wire has more fields, and may get others: they are ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct UserPermissions {
    pub(crate) method: Method,
    pub(crate) effective: Permissions,
}

impl PermissionQuery {
    pub(crate) fn new(nats: async_nats::Client) -> Self {
        Self { nats }
    }

    /// Asks for the permissions of a user that are in force now. An error means that nobody knows them, so that nothing
    /// may be done.
    pub(crate) async fn ask(
        &self,
        user: &User,
        at_least: Option<u64>,
    ) -> Result<UserPermissions, QueryError> {
        let body = PermissionsRequest {
            account_id: user.account,
            user_id: user.id,
            at_least,
        };
        nats_query::request(&self.nats, SUBJECT, &body, DEADLINE).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_told_in_words() {
        let calendar = Permissions {
            calendar: true,
            ..Permissions::NOTHING
        };
        let some = Permissions {
            email: EmailLevel::Limited,
            ..calendar
        };

        assert_eq!(Permissions::default().to_string(), "nothing");
        assert_eq!(some.to_string(), "calendar, e-mail (sending only)");
        assert_eq!(
            Permissions::EVERYTHING.to_string(),
            "calendar, contacts, e-mail"
        );
    }
}
