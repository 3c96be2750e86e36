//! What may be done for a user now: asked over NATS, and answered by any projection.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::users::User;

const SUBJECT: &str = "consent.query.v1.permissions";
/// A sync job or a page waits no longer. No answer is not a yes.
const DEADLINE: Duration = Duration::from_millis(500);

/// What may be done. By default: nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Permissions {
    pub(crate) calendar: bool,
    pub(crate) contacts: bool,
    pub(crate) email: EmailLevel,
}

/// How much e-mail.
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

/// Who decides in a company.
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

/// Asks for permissions.
#[derive(Debug, Clone)]
pub(crate) struct PermissionQuery {
    nats: async_nats::Client,
}

#[derive(Serialize)]
struct Question<'a> {
    account_id: &'a str,
    user_id: &'a str,
    /// The answer has to reflect this write, or is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<u64>,
}

/// The answer, as far as we need it. New fields may come; they change nothing for us.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) method: Method,
    pub(crate) effective: Permissions,
}

/// Nobody knows what may be done, so nothing may.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("no answer")]
    NoAnswer(#[from] async_nats::RequestError),
    #[error("refused: {0}")]
    Refused(String),
    #[error("the question or the answer cannot be put as JSON")]
    Json(#[from] serde_json::Error),
}

impl PermissionQuery {
    pub(crate) fn new(nats: async_nats::Client) -> Self {
        Self { nats }
    }

    pub(crate) async fn ask(
        &self,
        user: &User,
        at_least: Option<u64>,
    ) -> Result<Answer, QueryError> {
        let question = serde_json::to_vec(&Question {
            account_id: user.account,
            user_id: user.id,
            at_least,
        })?;
        let request = async_nats::Request::new()
            .payload(question.into())
            .timeout(Some(DEADLINE));
        let answer = self.nats.send_request(SUBJECT, request).await?;
        // A NATS micro service says in a header what went wrong.
        let refusal = answer.headers.as_ref().and_then(|headers| {
            let description = headers.get("Nats-Service-Error")?;
            Some(description.to_string())
        });
        match refusal {
            Some(refusal) => Err(QueryError::Refused(refusal)),
            None => Ok(serde_json::from_slice(&answer.payload)?),
        }
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
