//! What a request asks about, as far as it is known here.
//!
//! A user's id is of an account. The account is named by `resource.properties.account_id`, by
//! `subject.properties.account_id`, or by the token, where that is of one account.

use assent_contract::allowed::AllowedAction;
use assent_contract::words::AccessRefusal;
use assent_domain::ids::{AccountId, UserId};

use super::entities::{PERMISSION, Properties, SYNC, USER};

/// The account that the caller's token is of; `None` for one that reaches all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a>(pub(crate) Option<&'a str>);

/// Why nothing is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAsked {
    /// Something is missing.
    Incomplete(&'static str),
    /// The caller's token is of another account.
    Forbidden,
    /// It is denied, whatever the view says.
    Denied(AccessRefusal),
}

impl From<AccessRefusal> for NotAsked {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Denied(refusal)
    }
}

const NO_ACCOUNT: &str = "`resource.properties.account_id`: the field `account_id` is missing, and the token is of no account";

impl Reach<'_> {
    /// The account that is asked about: of these, if any, the caller has to reach each.
    pub(super) fn account(
        self,
        subject: Option<&Properties>,
        resource: Option<&Properties>,
    ) -> Result<AccountId, NotAsked> {
        let named = |of: Option<&'_ Properties>| of.and_then(|of| of.account_id.clone());
        let (subject, resource) = (named(subject), named(resource));
        let all = [subject.as_deref(), resource.as_deref()];
        if let Some(own) = self.0
            && all.iter().flatten().any(|named| *named != own)
        {
            return Err(NotAsked::Forbidden);
        }
        if let [Some(subject), Some(resource)] = all
            && subject != resource
        {
            return Err(AccessRefusal::AnotherAccount.into());
        }
        let named = all.into_iter().flatten().next().or(self.0);
        let named = named.ok_or(NotAsked::Incomplete(NO_ACCOUNT))?;
        AccountId::parse(named).map_err(|_| AccessRefusal::UnknownResource.into())
    }
}

/// A user, where it is one.
pub(super) fn user(kind: &str, id: &str) -> Result<UserId, AccessRefusal> {
    subject_type(kind)?;
    UserId::parse(id).map_err(|_| AccessRefusal::UnknownSubject)
}

pub(super) fn subject_type(kind: &str) -> Result<(), AccessRefusal> {
    require(kind == USER, AccessRefusal::UnknownSubject)
}

pub(super) fn action(name: &str) -> Result<(), AccessRefusal> {
    require(name == SYNC, AccessRefusal::UnknownAction)
}

/// What may be synced, where it is something that may.
pub(super) fn resource(kind: &str, id: &str) -> Result<AllowedAction, AccessRefusal> {
    resource_type(kind)?;
    AllowedAction::parse(id).ok_or(AccessRefusal::UnknownResource)
}

pub(super) fn resource_type(kind: &str) -> Result<(), AccessRefusal> {
    require(kind == PERMISSION, AccessRefusal::UnknownResource)
}

fn require(is_known: bool, otherwise: AccessRefusal) -> Result<(), AccessRefusal> {
    if is_known { Ok(()) } else { Err(otherwise) }
}
