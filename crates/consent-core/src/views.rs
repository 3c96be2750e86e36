//! How an account and a user look over HTTP.

use std::collections::BTreeMap;

use assent_contract::allowed::Allowed;
use assent_contract::body::{GrantedBy, Verification};
use assent_contract::command::Reach;
use assent_contract::custody::CustodyStatus;
use assent_contract::values::{
    EmailSync, Id, Method, Permission as WirePermission, PermissionSet, PersonId, kinds_to_list,
};
use assent_contract::words::PermissionState;
use assent_domain::event::{AdminConsentGranted, Event};
use assent_domain::explanation::{Explanation, PermissionStatus, explain};
use assent_domain::ids::{AccountId, ConsentId, Sequence, UserId};
use assent_domain::mode::AuthorizationMethod;
use assent_domain::permissions::Permission;
use assent_event_log::{History, RecordedEvent};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::command_executor::{Account, User};
use crate::failure::Failure;
use crate::observations::{Approval, Mailbox, WithdrawnConsent};

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
    /// What of it Microsoft has said to be withdrawn; null where it has not. Nobody is granted that automatically, until a
    /// login passes Microsoft with it again or an administrator consents anew.
    #[schema(required)]
    found_withdrawn: Option<WithdrawnConsentView>,
}

/// What of an administrator's consent is withdrawn at Microsoft.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = WithdrawnConsent)]
pub struct WithdrawnConsentView {
    /// When it was found first.
    pub since: Timestamp,
    /// What is withdrawn.
    pub permissions: Vec<WirePermission>,
    /// user: a user's token showed it. tenant: the application is not there in the tenant any more, or switched off.
    pub reach: Reach,
}

impl WithdrawnConsentView {
    /// What is known of this consent; `None` where nothing is dead of it.
    pub(crate) fn new(known: &WithdrawnConsent, consent: ConsentId) -> Option<Self> {
        let dead = known.of(consent);
        (!dead.is_empty()).then(|| Self {
            since: known.since,
            permissions: kinds_to_list(dead),
            reach: known.reach,
        })
    }
}

impl AccountView {
    pub(crate) fn new(
        account: &AccountId,
        company: &Account,
        withdrawn: Option<WithdrawnConsentView>,
    ) -> Self {
        let state = &company.state;
        Self {
            account_id: account.to_string(),
            method: state.method().into(),
            email_sync: state.email_sync.into(),
            epoch: state.epoch.0,
            consent: company
                .consent()
                .map(|(recorded, granted)| ConsentView::new(recorded, granted, withdrawn)),
            sequence: state.last_sequence.0,
        }
    }
}

impl ConsentView {
    fn new(
        recorded: &RecordedEvent,
        granted: &AdminConsentGranted,
        found_withdrawn: Option<WithdrawnConsentView>,
    ) -> Self {
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
            found_withdrawn,
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
    /// What `effective` allows, as a list, which holds what may be done and nothing else.
    allowed: Allowed,
    /// Whose mailbox the grants are of; null where there is none.
    #[schema(required)]
    microsoft_identity: Option<PersonId>,
    /// Whether the user can grant and revoke.
    manageable: bool,
    /// When Microsoft last said yes to what is granted: a refresh token of that mailbox was used. Null where none is held,
    /// or the token broker does not say.
    #[schema(required)]
    verified_at: Option<Timestamp>,
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
    /// Of a permission that was on and has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    receipt: Option<Receipt>,
}

/// What is told of a permission's end. An access token can't be recalled, so the last one outlives the permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    /// When the end was recorded.
    pub ended_at: Timestamp,
    /// When the last access token ends that was handed out for it; null where none was of late, or the token broker does
    /// not say.
    #[schema(required)]
    pub last_token_expires_at: Option<Timestamp>,
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
        custody: Option<&CustodyStatus>,
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
            receipt: receipt(&explanation, permission, custody, time),
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
            verified_at: verified_at(company, user, custody),
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
            receipt: None,
        };
        Self {
            account_id: account.to_string(),
            user_id: id.to_string(),
            method: company.state.method().into(),
            effective: assent_domain::permissions::PermissionSet::NOTHING.into(),
            allowed: Allowed::default(),
            microsoft_identity: None,
            manageable: true,
            verified_at: None,
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
            receipt: None,
        }
    }
}

/// When Microsoft last said yes to what is granted of the present mailbox.
pub fn verified_at(
    company: &Account,
    user: &User,
    custody: Option<&CustodyStatus>,
) -> Option<Timestamp> {
    let mailbox = user.state.mailbox(company.state.epoch).map(PersonId::from);
    let held = custody?.held.as_ref()?;
    (Some(held.microsoft_identity) == mailbox).then_some(held.verified_at)
}

/// What is told of the end of a permission; `None` where it is on, or never was.
pub fn receipt(
    explanation: &Explanation,
    permission: Permission,
    custody: Option<&CustodyStatus>,
    time: impl Fn(Sequence) -> Option<Timestamp>,
) -> Option<Receipt> {
    let trail = explanation.trail(permission);
    match trail.status {
        PermissionStatus::Granted => return None,
        PermissionStatus::NeverGranted
        | PermissionStatus::Ended(_)
        | PermissionStatus::NotInConsent
        | PermissionStatus::LeftBehind => {}
    }
    let ended_at = trail.since.and_then(time)?;
    let handed_out = custody.and_then(|custody| {
        let mut all = custody.handed_out.iter();
        all.find(|handed_out| handed_out.permission == permission.into())
    });
    Some(Receipt {
        ended_at,
        last_token_expires_at: handed_out.map(|handed_out| handed_out.expires_at),
    })
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
