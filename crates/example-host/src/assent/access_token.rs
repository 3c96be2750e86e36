//! Asking Assent's token broker for an access token of Microsoft's, just before it is used.
//!
//! Hirely holds no token of Microsoft's. What it is given it uses for one page and forgets: the broker has it at hand, and
//! gives it to nobody from the moment on when the permission is off.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::nats_query::{self, QueryError};
use crate::config::Secret;
use crate::users::User;

const SUBJECT: &str = "consent.token.v1.get";
/// Now and then the broker has to ask Microsoft, which may take its time.
const DEADLINE: Duration = Duration::from_secs(30);
/// Long enough for the page that it is asked for.
const MINIMUM_SECONDS: u32 = 60;

/// Client of the token broker over NATS.
#[derive(Debug, Clone)]
pub(crate) struct AccessTokens {
    nats: async_nats::Client,
}

#[derive(Serialize)]
struct TokenRequest<'a> {
    account_id: &'a str,
    user_id: &'a str,
    permission: &'static str,
    minimum_seconds: u32,
}

/// A token for Microsoft Graph. The wire has more fields, and may get others.
#[derive(Debug, Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) access_token: Secret,
    /// When Microsoft last said yes.
    pub(crate) verified_at: Timestamp,
}

impl AccessTokens {
    pub(crate) fn new(nats: async_nats::Client) -> Self {
        Self { nats }
    }

    /// Asks for a token that can do what this permission of a user's allows. `permission` is `calendar`, `contacts` or
    /// `email`.
    pub(crate) async fn get(
        &self,
        user: &User,
        permission: &'static str,
    ) -> Result<AccessToken, QueryError> {
        let body = TokenRequest {
            account_id: user.account,
            user_id: user.id,
            permission,
            minimum_seconds: MINIMUM_SECONDS,
        };
        nats_query::request(&self.nats, SUBJECT, &body, DEADLINE).await
    }
}
