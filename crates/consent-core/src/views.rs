//! How an account and a user look over HTTP.

use std::collections::BTreeMap;

use assent_contract::allowed::Allowed;
use assent_contract::body::{GrantedBy, Verification};
use assent_contract::values::{EmailSync, Id, Method, PermissionSet, PersonId};
use assent_contract::words::PermissionState;
use assent_domain::event::{AdminConsentGranted, Event};
use assent_domain::explanation::{Explanation, explain};
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::mode::AuthorizationMethod;
use assent_domain::permissions::Permission;
use assent_event_log::{History, RecordedEvent};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::command_executor::{Account, User};
use crate::failure::Failure;
use crate::observations::{Approval, Mailbox};

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    #[schema(value_type = Id)]
    account_id: String,
    method: Method,
    email_sync: EmailSync,
    epoch: u64,
    #[schema(required)]
    consent: Option<ConsentView>,
    /// The log's sequence of the account's last event; 0 where there is none.
    pub sequence: u64,
}

/// The administrator's consent in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Consent)]
struct ConsentView {
    consent_id: Uuid,
    permissions: PermissionSet,
    scopes: Vec<String>,
    tenant_id: Uuid,
    granted_at: Timestamp,
    #[schema(value_type = Id)]
    requested_by: String,
    granted_by: GrantedBy,
    verification: Verification,
}

impl AccountView {
    pub(crate) fn new(account: &AccountId, company: &Account) -> Self {
        let state = &company.state;
        Self {
            account_id: account.to_string(),
            method: state.method().into(),
            email_sync: state.email_sync.into(),
            epoch: state.epoch.0,
            consent: company
                .consent()
                .map(|(recorded, granted)| ConsentView::new(recorded, granted)),
            sequence: state.last_sequence.0,
        }
    }
}

impl ConsentView {
    fn new(recorded: &RecordedEvent, granted: &AdminConsentGranted) -> Self {
        Self {
            consent_id: granted.consent.0,
            permissions: granted.permissions.into(),
            scopes: granted.scopes.iter().map(|scope| scope.0.clone()).collect(),
            tenant_id: granted.tenant.id.0,
            granted_at: recorded.decoded.metadata.time,
            requested_by: granted.requested_by.to_string(),
            granted_by: GrantedBy {
                object_id: granted.granted_by.0,
            },
            verification: (&granted.verification).into(),
        }
    }
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    #[schema(value_type = Id)]
    account_id: String,
    #[schema(value_type = Id)]
    user_id: String,
    method: Method,
    effective: PermissionSet,
    /// The same as a list, which holds what may be done and nothing else.
    allowed: Allowed,
    /// Whose mailbox the grants are of; null where there is none.
    #[schema(required)]
    microsoft_identity: Option<PersonId>,
    /// Whether the user can grant and revoke.
    manageable: bool,
    permissions: PermissionViews,
    /// Where the mailbox was seen last; null if it was never looked for.
    #[schema(required)]
    mailbox: Option<Mailbox>,
    /// The log's sequence of the last event of the account or the user, whichever is later; 0 where there is none.
    pub sequence: u64,
}

/// One permission of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserPermission)]
struct PermissionView {
    state: PermissionState,
    #[schema(required)]
    since: Option<Timestamp>,
    /// Sequences of the events that made it so, oldest first.
    because: Vec<u64>,
    /// Whether Microsoft will want an administrator's approval: required, the tenant has refused it before; likely, by
    /// Microsoft's default policy or by what this user met; null where users decide nothing.
    #[schema(required)]
    approval: Option<Approval>,
}

/// Each permission of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserPermissions)]
struct PermissionViews {
    calendar: PermissionView,
    contacts: PermissionView,
    email: PermissionView,
}

/// What was learnt of Microsoft about a user, beside the log.
#[derive(Debug)]
pub struct MailboxAndApprovals {
    /// Where the user's mailbox is, as far as it is known.
    pub mailbox: Option<Mailbox>,
    /// Whether an administrator has to approve a permission before this user can grant it.
    pub approvals: BTreeMap<Permission, Approval>,
}

impl UserView {
    pub(crate) fn new(
        account: &AccountId,
        id: &UserId,
        company: &Account,
        user: &User,
        learnt: &MailboxAndApprovals,
    ) -> Result<Self, Failure> {
        let explanation = explain(events(&company.history), events(&user.history))
            .map_err(|illegal| Failure::Unreadable(illegal.into()))?;
        let time = |sequence| time_of(company, user, sequence);
        let manageable = match company.state.method() {
            AuthorizationMethod::UserIndividual => true,
            AuthorizationMethod::AdminConfigured => false,
        };
        let permission = |permission| PermissionView {
            approval: learnt
                .approvals
                .get(&permission)
                .copied()
                .filter(|_| manageable),
            ..PermissionView::new(&explanation, permission, time)
        };
        Ok(Self {
            account_id: account.to_string(),
            user_id: id.to_string(),
            method: company.state.method().into(),
            effective: explanation.effective.into(),
            allowed: explanation.effective.into(),
            microsoft_identity: user.state.mailbox(company.state.epoch).map(PersonId::from),
            manageable,
            permissions: PermissionViews {
                calendar: permission(Permission::Calendar),
                contacts: permission(Permission::Contacts),
                email: permission(Permission::Email),
            },
            mailbox: learnt.mailbox,
            sequence: company.state.last_sequence.max(user.state.last_sequence).0,
        })
    }
}

impl UserView {
    /// A user of whom not all events can be read: nothing is said to be on, and of a permission only what the last
    /// events say.
    pub fn partly(account: &AccountId, id: &UserId, company: &Account, user: &User) -> Self {
        let state = user
            .state
            .in_epoch(company.state.epoch.max(user.state.epoch));
        let off = state.answered.without(state.own.kinds());
        let permission = |permission| PermissionView {
            state: if off.contains(permission) {
                PermissionState::Revoked
            } else {
                PermissionState::Unknown
            },
            since: None,
            because: Vec::new(),
            approval: None,
        };
        Self {
            account_id: account.to_string(),
            user_id: id.to_string(),
            method: company.state.method().into(),
            effective: assent_domain::permissions::PermissionSet::NOTHING.into(),
            allowed: Allowed::default(),
            microsoft_identity: None,
            manageable: true,
            permissions: PermissionViews {
                calendar: permission(Permission::Calendar),
                contacts: permission(Permission::Contacts),
                email: permission(Permission::Email),
            },
            mailbox: None,
            sequence: user.state.last_sequence.0,
        }
    }
}

impl PermissionView {
    fn new(
        explanation: &Explanation,
        permission: Permission,
        time: impl Fn(Sequence) -> Option<Timestamp>,
    ) -> Self {
        let trail = explanation.trail(permission);
        Self {
            state: trail.status.into(),
            since: trail.since.and_then(time),
            because: trail.because.iter().map(|sequence| sequence.0).collect(),
            approval: None,
        }
    }
}

/// The events of a history, oldest first, each with its sequence in the log.
pub fn events(history: &History) -> impl Iterator<Item = (Sequence, &Event)> {
    history
        .events()
        .iter()
        .map(|recorded| (recorded.sequence, &recorded.decoded.event))
}

/// When an event of the company or the user was recorded.
pub fn time_of(company: &Account, user: &User, sequence: Sequence) -> Option<Timestamp> {
    let found = company.history.find(sequence);
    let recorded = found.or_else(|| user.history.find(sequence))?;
    Some(recorded.decoded.metadata.time)
}
