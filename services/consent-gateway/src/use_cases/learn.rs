//! What a flow teaches about a tenant and a user, for the next one. See [`crate::observations`].

use assent_domain::ids::{AccountId, Epoch, Tenant, UserId};
use assent_domain::permissions::{Kinds, Permission, PermissionSet};
use assent_microsoft_identity::{AuthorizationError, ErrorClass, ScopeSet};
use jiff::Timestamp;
use uuid::Uuid;

use crate::flow::{Ending, Flow, OwnConsent};
use crate::gateway::Gateway;
use crate::observations::{Approval, ConsentPolicies, approval};

/// Whether a user of this tenant needs an administrator for a permission.
pub(crate) fn needs_approval(
    gateway: &Gateway,
    policies: &ConsentPolicies,
    tenant: Option<Tenant>,
    of: PermissionSet,
    permission: Permission,
) -> Approval {
    let scopes = gateway.scopes.of(of.only(just(permission)));
    approval(policies.of(tenant), &scopes)
}

/// A user is sent to Microsoft.
pub(crate) async fn begun(
    gateway: &Gateway,
    (account, user): (&AccountId, &UserId),
    flow: Uuid,
    (epoch, asked): (Epoch, PermissionSet),
    tenant: Option<Tenant>,
) {
    let policies = gateway.observations.policies(account).await;
    let doubtful: Kinds = asked
        .kinds()
        .iter()
        .filter(|permission| {
            needs_approval(gateway, &policies, tenant, asked, *permission) != Approval::NotNeeded
        })
        .collect();
    let now = Timestamp::now();
    gateway
        .observations
        .note_attempt(account, user, |attempts| {
            let asked = (asked.kinds(), doubtful);
            attempts.begun((epoch, tenant.map(Into::into)), flow, asked, now);
        })
        .await;
}

/// A user granted this, and needed nobody for it.
pub(crate) async fn got(
    gateway: &Gateway,
    flow: &Flow,
    own: &OwnConsent,
    tenant: Tenant,
    granted: PermissionSet,
) {
    let (scopes, now) = (gateway.scopes.of(granted), Timestamp::now());
    gateway
        .observations
        .learn_policy(&flow.account, |policies| {
            policies.of_mut(tenant).opened(&scopes, now);
        })
        .await;
    gateway
        .observations
        .note_attempt(&flow.account, &flow.started_by, |attempts| {
            attempts.got(own.begun_in, flow.id, granted.kinds());
        })
        .await;
}

/// Nothing will be granted by a flow any more that has not been.
pub(crate) async fn over(gateway: &Gateway, flow: &Flow) {
    gateway
        .observations
        .note_attempt(&flow.account, &flow.started_by, |attempts| {
            attempts.over(flow.id);
        })
        .await;
}

/// A flow has ended: the next one of its user may have to be begun otherwise.
pub(crate) async fn ended(gateway: &Gateway, flow: &Flow, ending: &Ending) {
    gateway
        .observations
        .note_account(&flow.account, &flow.started_by, |accounts| {
            accounts.ended(&flow.purpose, ending);
        })
        .await;
}

/// A user said no: whoever was expected, if anybody was. `answered` is what the log called answered before.
pub(crate) async fn declined(gateway: &Gateway, flow: &Flow, own: &OwnConsent, answered: Kinds) {
    let Some(expected) = own.expected else {
        return;
    };
    gateway
        .observations
        .note_account(&flow.account, &flow.started_by, |accounts| {
            accounts.declined(own.begun_in, expected, own.asked.kinds(), answered);
        })
        .await;
}

/// Microsoft refused a user. What it says of the tenant's policy is noted for the company's own use only: the browser
/// that brings it could have made it up.
pub(crate) async fn refused(
    gateway: &Gateway,
    flow: &Flow,
    own: &OwnConsent,
    error: &AuthorizationError,
) {
    let (flow_id, epoch, now) = (flow.id, own.begun_in, Timestamp::now());
    gateway
        .observations
        .note_attempt(&flow.account, &flow.started_by, |attempts| {
            attempts.over(flow_id);
            match error.class {
                ErrorClass::AdministratorApprovalRequired => {
                    attempts.blocked(epoch, flow_id, own.asked.kinds(), now);
                }
                ErrorClass::Undetermined => attempts.unanswered(epoch, flow_id, now),
                ErrorClass::Declined
                | ErrorClass::InteractionRequired
                | ErrorClass::SessionEnded
                | ErrorClass::WrongTenantOrUser
                | ErrorClass::OurFault
                | ErrorClass::TenantAbsent
                | ErrorClass::ConsentMissing
                | ErrorClass::AlreadyRedeemed
                | ErrorClass::TryAgain => attempts.ended(epoch, flow_id),
            }
        })
        .await;
    if let Some(expected) = own.expected
        && matches!(
            error.class,
            ErrorClass::WrongTenantOrUser | ErrorClass::TenantAbsent
        )
    {
        gateway
            .observations
            .note_account(&flow.account, &flow.started_by, |accounts| {
                accounts.refused_there(expected);
            })
            .await;
    }
    let tenant = own.expected.map(|expected| expected.tenant);
    if let Some(tenant) = tenant
        && wants_an_administrator(error)
    {
        let asked = gateway.scopes.of(own.asked);
        gateway
            .observations
            .learn_policy(&flow.account, |policies| {
                policies.of_mut(tenant).refused(&asked, now);
            })
            .await;
    }
}

/// An administrator consented for everybody in a tenant.
pub(crate) async fn granted_for_everybody(
    gateway: &Gateway,
    account: &AccountId,
    tenant: Tenant,
    held: &ScopeSet,
) {
    let open = gateway.scopes.of(gateway.scopes.permissions(held));
    let all: Vec<String> = held.iter().map(str::to_owned).collect();
    let now = Timestamp::now();
    gateway
        .observations
        .learn_policy(account, |policies| {
            let policy = policies.of_mut(tenant);
            policy.opened(&open, now);
            policy.granted_for_everybody(all.clone());
        })
        .await;
}

/// Whether Microsoft's "somebody who administers the tenant has to act" is about who may consent, and not about a
/// policy, a licence or an assignment that would stand in an administrator's way as well.
pub(crate) fn wants_an_administrator(error: &AuthorizationError) -> bool {
    error.class == ErrorClass::AdministratorApprovalRequired
        && error
            .codes
            .iter()
            .any(|code| matches!(code, 90_093..=90_095 | 900_941 | 900_981))
}

fn just(permission: Permission) -> Kinds {
    Kinds::from_iter([permission])
}
