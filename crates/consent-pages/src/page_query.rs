//! What the address of a page says of the last thing that was done there.

use std::convert::Infallible;

use assent_domain::ids::Sequence;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use uuid::Uuid;

/// What the address says of the last thing. Anybody can write an address and send it to somebody, so nothing of it is
/// believed: a flow is looked up, and what a form led to is vouched for by the session that it was sent in.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct PageQuery {
    pub(crate) flow: Option<String>,
    pub(crate) confirm: Option<String>,
    pub(crate) done: Option<Done>,
    /// By whom and when it was said that it is done.
    pub(crate) told: Option<String>,
    pub(crate) dialog: Option<String>,
    /// The history from before this event.
    pub(crate) before: Option<String>,
}

/// What a form of ours led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    FullSync,
    LimitedSync,
    UsersAuthorize,
    Revoked,
    Unchanged,
    LinkCancelled,
    ChangedMeanwhile,
}

impl Done {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::FullSync => "full_sync",
            Self::LimitedSync => "limited_sync",
            Self::UsersAuthorize => "users_authorize",
            Self::Revoked => "revoked",
            Self::Unchanged => "unchanged",
            Self::LinkCancelled => "link_cancelled",
            Self::ChangedMeanwhile => "changed_meanwhile",
        }
    }
}

/// An address with something else in it is one that says nothing: nobody is shown an error for that.
impl<S: Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = Query::<Self>::try_from_uri(&parts.uri);
        Ok(query.map(|Query(query)| query).unwrap_or_default())
    }
}

impl PageQuery {
    /// The flow that is spoken of.
    pub(crate) fn flow(&self) -> Option<Uuid> {
        Uuid::try_parse(self.flow.as_deref()?).ok()
    }

    /// The event before which the history is to be shown.
    pub(crate) fn before(&self) -> Option<Sequence> {
        self.before.as_deref()?.parse().ok().map(Sequence)
    }
}
