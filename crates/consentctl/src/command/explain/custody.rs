//! What the token broker has of the user: whether what is on can be synced, and for how long the last token outlives what has
//! ended.

use std::time::Duration;

use assent_contract::custody::{CustodyQuery, CustodyStatus, HandedOut, HeldToken};
use assent_contract::names::CUSTODY_STATUS;
use assent_contract::query::UserQuery;
use assent_domain::permissions::Permission;
use assent_messaging::{Connection, RequestError};
use jiff::Timestamp;
use serde::Serialize;

use crate::output::clock;
use crate::projection;

/// How long the token broker is waited for: what it says is good to know, and keeps nobody waiting.
const DEADLINE: Duration = Duration::from_secs(2);

/// What the broker says.
#[derive(Debug, Default)]
pub(super) enum Custody {
    /// There is none, or the past was asked for.
    #[default]
    None,
    Told(CustodyStatus),
    /// There may be a broker, and for this reason it is not known what it holds.
    Unanswered(String),
}

/// The refresh token that is held.
#[derive(Debug, Serialize)]
pub(super) struct HeldView {
    object_id: String,
    since: Timestamp,
    verified_at: Timestamp,
    reauthentication_required: bool,
}

/// The last access token that was given out for a permission.
#[derive(Debug, Serialize)]
pub(super) struct LastToken {
    given_at: Timestamp,
    expires_at: Timestamp,
}

impl Custody {
    pub(super) async fn ask(connection: &Connection, query: &UserQuery) -> Self {
        let query = CustodyQuery {
            account_id: query.account_id.clone(),
            user_id: query.user_id.clone(),
        };
        let query = match serde_json::to_vec(&query) {
            Ok(query) => query,
            Err(error) => return Self::Unanswered(error.to_string()),
        };
        let answer = connection
            .request(CUSTODY_STATUS, query, None, DEADLINE)
            .await;
        if matches!(answer, Err(RequestError::NoResponders { .. })) {
            return Self::None;
        }
        match projection::read_answer(answer) {
            Ok(told) => Self::Told(told),
            Err(error) => Self::Unanswered(error.to_line()),
        }
    }

    fn told(&self) -> Option<&CustodyStatus> {
        match self {
            Self::Told(told) => Some(told),
            Self::None | Self::Unanswered(_) => None,
        }
    }

    pub(super) fn held(&self) -> Option<HeldView> {
        self.told()?.held.as_ref().map(HeldView::new)
    }

    /// The last token that was given out for a permission, of late.
    pub(super) fn last_token(&self, permission: Permission) -> Option<LastToken> {
        let mut all = self.told()?.handed_out.iter();
        let last = all.find(|last| last.permission == permission.into())?;
        Some(LastToken::new(last))
    }

    /// The line about it; none where there is no broker.
    pub(super) fn line(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Unanswered(why) => Some(format!("the token broker does not say: {why}")),
            Self::Told(told) => Some(told.held.as_ref().map_or_else(
                || "no refresh token is held".to_owned(),
                |held| {
                    let again = if held.reauthentication_required {
                        "; Microsoft wants the user to sign in again"
                    } else {
                        ""
                    };
                    format!(
                        "held since {}; Microsoft last said yes at {}{again}",
                        clock(held.since),
                        clock(held.verified_at)
                    )
                },
            )),
        }
    }
}

impl HeldView {
    fn new(held: &HeldToken) -> Self {
        Self {
            object_id: held.microsoft_identity.object_id.to_string(),
            since: held.since,
            verified_at: held.verified_at,
            reauthentication_required: held.reauthentication_required,
        }
    }
}

impl LastToken {
    fn new(last: &HandedOut) -> Self {
        Self {
            given_at: last.last_at,
            expires_at: last.expires_at,
        }
    }

    /// How long a permission that has ended is outlived.
    pub(super) fn line(&self) -> String {
        format!(
            "         the last token was given out at {}, and ends at {}",
            clock(self.given_at),
            clock(self.expires_at)
        )
    }
}
