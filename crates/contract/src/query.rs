//! What the projection answers over NATS. `at_least` makes an answer reflect a write that
//! the caller knows of, by the sequence that the write was answered with.

use assent_domain::account::{AccountState, Authorization, Consent};
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, ConsentId, Epoch, Sequence, UserId};
use assent_domain::permissions::Kinds;
use assent_domain::user::{self, UserState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::allowed::Allowed;
use crate::change::ChangeMessage;
use crate::values::{
    EmailSync, Id, Identity, Method, Permission, PermissionSet, PersonId, Tenant, kinds_from_list,
    kinds_to_list, known_kinds, optional_text, text,
};

/// Asks for one user: `consent.query.v1.permissions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserQuery {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// The write that the answer has to reflect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

/// Asks what the decision at a login needs: `consent.query.v1.login-state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginStateQuery {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// The write that the answer has to reflect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// How long to wait for that write, in milliseconds, before the answer is `not_yet_applied`: 2000 at the most, and if
    /// absent. A login does not wait that long, and whoever is merely ahead is to hear so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 2000)]
    pub wait_ms: Option<u64>,
}

/// What may be done for a user now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PermissionsAnswer {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// The company's authorization method.
    pub method: Method,
    /// What may be done.
    pub effective: PermissionSet,
    /// What `effective` allows, as a list; empty in an answer of a projection that is older than the list.
    #[serde(default)]
    pub allowed: Allowed,
    /// With whose mailbox: the one that the user's grants are of, null where there is no grant.
    pub microsoft_identity: Option<PersonId>,
    /// How much of the log the answer reflects.
    pub sequence: u64,
    /// Which log the sequence is of, as [`ChangeMessage::log`]; absent for the moment in which it is not
    /// known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// All that the decision at a login needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginState {
    /// The account.
    pub account: AccountFacts,
    /// The user.
    pub user: UserFacts,
    /// An event of the account or the user can't be read, so nothing is effective.
    pub blocked: bool,
    /// How much of the log the answer reflects.
    pub sequence: u64,
}

/// An account's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountFacts {
    /// The authorization method.
    pub method: Method,
    /// How much e-mail users may grant.
    pub email_sync: EmailSync,
    /// How often the method has changed.
    pub epoch: u64,
    /// The administrator's consent in force.
    pub consent: Option<ConsentFacts>,
    /// The account's last event.
    pub last_sequence: u64,
}

/// An administrator's consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentFacts {
    /// Its id.
    pub consent_id: Uuid,
    /// What it allows.
    pub permissions: PermissionSet,
    /// Whose users it is for.
    pub tenant: Tenant,
    /// The event that recorded it.
    pub recorded_at: u64,
}

/// A user's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserFacts {
    /// The epoch that the rest is of.
    pub epoch: u64,
    /// What the user granted.
    pub own: PermissionSet,
    /// What was granted automatically.
    pub automatic: PermissionSet,
    /// What the user has answered about.
    #[serde(deserialize_with = "known_kinds")]
    pub answered: Vec<Permission>,
    /// Whose mailbox the rest is about.
    pub identity: Option<Identity>,
    /// What was withdrawn at Microsoft and not granted again since; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_withdrawal: Option<LastEvents>,
    /// The user's last event.
    pub last_sequence: u64,
}

/// The last event of a kind about each permission; 0 where there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastEvents {
    /// About calendar.
    pub calendar: u64,
    /// About contacts.
    pub contacts: u64,
    /// About e-mail.
    pub email: u64,
}

impl From<user::LastEvents> for LastEvents {
    fn from(last: user::LastEvents) -> Self {
        Self {
            calendar: last.calendar.0,
            contacts: last.contacts.0,
            email: last.email.0,
        }
    }
}

impl From<LastEvents> for user::LastEvents {
    fn from(last: LastEvents) -> Self {
        Self {
            calendar: Sequence(last.calendar),
            contacts: Sequence(last.contacts),
            email: Sequence(last.email),
        }
    }
}

impl From<&AccountState> for AccountFacts {
    fn from(account: &AccountState) -> Self {
        Self {
            method: account.method().into(),
            email_sync: account.email_sync.into(),
            epoch: account.epoch.0,
            consent: account.consent().map(ConsentFacts::from),
            last_sequence: account.last_sequence.0,
        }
    }
}

impl From<&Consent> for ConsentFacts {
    fn from(consent: &Consent) -> Self {
        Self {
            consent_id: consent.id.0,
            permissions: consent.permissions.into(),
            tenant: consent.tenant.into(),
            recorded_at: consent.recorded_at.0,
        }
    }
}

/// An account under the administrator's method without a consent: an answer that no
/// projection of ours gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account is configured by an administrator, but has no consent")]
pub struct NoConsent;

impl TryFrom<&AccountFacts> for AccountState {
    type Error = NoConsent;

    fn try_from(facts: &AccountFacts) -> Result<Self, NoConsent> {
        let authorization = match (facts.method, &facts.consent) {
            (Method::UserIndividual, _) => Authorization::default(),
            (Method::AdminConfigured, None) => return Err(NoConsent),
            (Method::AdminConfigured, Some(consent)) => Authorization::AdminConfigured {
                consent: Consent {
                    id: ConsentId(consent.consent_id),
                    permissions: consent.permissions.into(),
                    tenant: consent.tenant.into(),
                    recorded_at: Sequence(consent.recorded_at),
                },
            },
        };
        Ok(Self {
            authorization,
            email_sync: facts.email_sync.into(),
            epoch: Epoch(facts.epoch),
            last_sequence: Sequence(facts.last_sequence),
        })
    }
}

impl From<&UserState> for UserFacts {
    fn from(user: &UserState) -> Self {
        Self {
            epoch: user.epoch.0,
            own: user.own.into(),
            automatic: user.automatic.into(),
            answered: kinds_to_list(user.answered),
            identity: user.identity.map(Identity::from),
            last_withdrawal: (user.last_withdrawal != user::LastEvents::default())
                .then(|| user.last_withdrawal.into()),
            last_sequence: user.last_sequence.0,
        }
    }
}

impl From<&UserFacts> for UserState {
    fn from(facts: &UserFacts) -> Self {
        Self {
            epoch: Epoch(facts.epoch),
            own: facts.own.into(),
            automatic: facts.automatic.into(),
            answered: kinds_from_list(&facts.answered),
            // When the user said no matters to whoever records a grant, and they read the log.
            last_no: user::LastEvents::default(),
            // Why something is off is asked of nobody who decides.
            declined: Kinds::NONE,
            left_behind: Kinds::NONE,
            last_withdrawal: facts
                .last_withdrawal
                .map_or_else(user::LastEvents::default, Into::into),
            identity: facts.identity.map(Into::into),
            last_sequence: Sequence(facts.last_sequence),
        }
    }
}

/// Asks for an account: `consent.query.v1.account`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountQuery {
    /// The account.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The write that the answer has to reflect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

/// An account, as the view knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountAnswer {
    /// The account.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// Its state.
    #[serde(flatten)]
    pub facts: AccountFacts,
    /// An event of the account can't be read, so nothing is effective for anybody in it.
    pub blocked: bool,
    /// How much of the log the answer reflects.
    pub sequence: u64,
}

/// Asks for the users of an account: `consent.query.v1.users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsersQuery {
    /// The account.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The last user of the page before; absent for the first page.
    #[serde(
        default,
        with = "optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Id>)]
    pub after: Option<UserId>,
    /// How many users at the most: 1 to 1000, 100 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The write that the answer has to reflect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

/// A page of an account's users, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsersPage {
    /// The account.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The page.
    pub users: Vec<UserEntry>,
    /// Give this back as `after` for the next page; absent on the last one.
    #[serde(
        default,
        with = "optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Id>)]
    pub next: Option<UserId>,
    /// How much of the log the answer reflects.
    pub sequence: u64,
}

/// One user of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserEntry {
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// What may be done for the user.
    pub effective: PermissionSet,
    /// What `effective` allows, as a list; empty in an answer of a projection that is older than the list.
    #[serde(default)]
    pub allowed: Allowed,
    /// The user's last event.
    pub last_sequence: u64,
}

/// Asks how everybody stands, page by page: `consent.query.v1.changes`. An answer says no less than
/// what was told on `consent.changes.v1.>` before it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangesQuery {
    /// Only this account and its users; everybody if absent.
    #[serde(
        default,
        with = "optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Id>)]
    pub account_id: Option<AccountId>,
    /// The `next` of the page before; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many entries at the most: 1 to 400, 200 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
}

/// A page of accounts and users that the log knows, as changes: what may be done now for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangesPage {
    /// Which log the sequences are of, see [`ChangeMessage::log`].
    pub log: String,
    /// How much of the log the page reflects.
    pub sequence: u64,
    /// The page: accounts that have decided something first, then users. A user's `sequence` is
    /// that of the last event, of the user or of the company, that made it so. Somebody who is on
    /// no page has nothing.
    pub changes: Vec<ChangeMessage>,
    /// Give this back as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Asks for those of whom an event can't be believed: `consent.query.v1.blocked`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockedQuery {
    /// The last one of the page before; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AggregateId>,
    /// How many at the most: 1 to 1000, 100 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The write that the answer has to reflect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

/// An account, or a user of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AggregateId {
    /// The account.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user; absent for the account itself.
    #[serde(
        default,
        with = "optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Id>)]
    pub user_id: Option<UserId>,
}

/// A page of those that are blocked: nothing is effective for them. Companies come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockedPage {
    /// The page.
    pub blocked: Vec<BlockedEntry>,
    /// Give this back as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AggregateId>,
    /// How many there are on all pages.
    pub total: u64,
    /// How many messages of the log that are no event name neither an account nor a user.
    pub orphans: u64,
    /// How much of the log the answer reflects.
    pub sequence: u64,
}

/// An account or user that is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockedEntry {
    /// Who.
    pub whose: AggregateId,
    /// The first message that can't be believed.
    pub since: u64,
    /// No message is in the way: the log lost events, and would permit this user more than was known before. The
    /// user is held back as of that message, until an operator decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

impl From<Aggregate> for AggregateId {
    fn from(aggregate: Aggregate) -> Self {
        match aggregate {
            Aggregate::Account(account_id) => Self {
                account_id,
                user_id: None,
            },
            Aggregate::User(account_id, user_id) => Self {
                account_id,
                user_id: Some(user_id),
            },
        }
    }
}

impl From<AggregateId> for Aggregate {
    fn from(whose: AggregateId) -> Self {
        match whose.user_id {
            None => Self::Account(whose.account_id),
            Some(user) => Self::User(whose.account_id, user),
        }
    }
}
