//! What a flow teaches about a tenant and a user, for the next one. See [`crate::observations`].

use assent_domain::ids::{AccountId, Epoch, MicrosoftIdentity, Tenant, UserId};
use assent_domain::permissions::{Kinds, PermissionSet};
use assent_microsoft_identity::{AuthorizationError, ErrorClass, ScopeSet};
use uuid::Uuid;

use crate::flow::{Flow, FlowOutcome, OwnConsent};
use crate::gateway::Gateway;
use crate::kv_store::StoreError;
use crate::observations::{AttemptedConsent, Attempts, Reach, lost};
use crate::use_cases::consent_prompt::ConsentPrompt;

/// Who wants a user to go to Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The user, who may always try.
    ByTheUser,
    /// A login, which nobody asked to ask anything: it leaves out what is known to lead nowhere.
    ByALogin,
}

/// A user is to be sent to Microsoft. It is noted with what, and said what of it is left out.
pub(crate) async fn on_started(
    gateway: &Gateway,
    (account, user): (&AccountId, &UserId),
    flow: Uuid,
    prompt: &ConsentPrompt,
    wanted: Wanted,
) -> Kinds {
    let (asked, expected) = (prompt.asked, prompt.expected);
    let policies = gateway.observations.policies(account).await;
    let reach = Reach {
        scopes: &gateway.scopes,
        policies: &policies,
        epoch: prompt.epoch,
        tenant: expected.map(|expected| expected.tenant),
        asked,
    };
    let (doubtful, now) = (reach.doubtful(), gateway.now());
    let weighed = gateway
        .observations
        .weigh_attempt(account, user, |attempts| {
            let left_out = match wanted {
                Wanted::ByTheUser => Kinds::NONE,
                Wanted::ByALogin => reach.out_of_reach(attempts),
            };
            let question = AttemptedConsent {
                permissions: asked.without(left_out),
                ..reach.asked()
            };
            if !question.permissions.is_nothing() {
                attempts.note_start(flow, question, doubtful.without(left_out), now);
            }
            left_out
        })
        .await;
    weighed.unwrap_or_else(|error| {
        lost(&error);
        match (wanted, error) {
            (Wanted::ByTheUser, _) => Kinds::NONE,
            // So many logins of one user at once: others of them have asked.
            (Wanted::ByALogin, StoreError::Changed) => doubtful,
            (Wanted::ByALogin, _) => reach.out_of_reach(&Attempts::default()),
        }
    })
}

/// A user granted this, and needed nobody for it.
pub(crate) async fn on_granted(
    gateway: &Gateway,
    flow: &Flow,
    own: &OwnConsent,
    tenant: Tenant,
    granted: PermissionSet,
) {
    let (scopes, now) = (gateway.scopes.scopes_for(granted), gateway.now());
    gateway
        .observations
        .learn_policy(&flow.account, |policies| {
            policies.policy_mut(tenant).note_granted(&scopes, now);
        })
        .await;
    gateway
        .observations
        .note_attempt(&flow.account, &flow.started_by, |attempts| {
            attempts.note_grant((own.begun_in, tenant.into()), flow.id, granted.kinds());
        })
        .await;
}

/// Nothing will be granted by a flow any more that has not been.
pub(crate) async fn on_abandoned(gateway: &Gateway, flow: &Flow) {
    gateway
        .observations
        .note_attempt(&flow.account, &flow.started_by, |attempts| {
            attempts.note_end(flow.id);
        })
        .await;
}

/// A flow has ended: the next one of its user may have to be begun otherwise.
pub(crate) async fn on_concluded(gateway: &Gateway, flow: &Flow, outcome: &FlowOutcome) {
    gateway
        .observations
        .note_account(&flow.account, &flow.started_by, |accounts| {
            accounts.note_outcome(&flow.purpose, outcome);
        })
        .await;
}

/// A user said no: whoever was expected, if anybody was. `answered` is what the log called answered before.
pub(crate) async fn on_declined(gateway: &Gateway, flow: &Flow, own: &OwnConsent, answered: Kinds) {
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
pub(crate) async fn on_refused(
    gateway: &Gateway,
    flow: &Flow,
    own: &OwnConsent,
    error: &AuthorizationError,
) {
    let (flow_id, now) = (flow.id, gateway.now());
    let tenant = own.expected.map(|expected| expected.tenant);
    let asked = AttemptedConsent {
        epoch: own.begun_in,
        tenant: tenant.map(Into::into),
        permissions: own.asked,
    };
    gateway
        .observations
        .note_attempt(&flow.account, &flow.started_by, |attempts| {
            match error.class {
                ErrorClass::AdministratorApprovalRequired => {
                    attempts.blocked(flow_id, asked, now);
                }
                ErrorClass::Undetermined => attempts.unanswered(flow_id),
                ErrorClass::Declined
                | ErrorClass::InteractionRequired
                | ErrorClass::SessionEnded
                | ErrorClass::WrongTenantOrUser
                | ErrorClass::OurFault
                | ErrorClass::TenantAbsent
                | ErrorClass::ConsentMissing
                | ErrorClass::AlreadyRedeemed
                | ErrorClass::TryAgain => attempts.note_end(flow_id),
            }
        })
        .await;
    let Some(expected) = own.expected else {
        return;
    };
    if matches!(
        error.class,
        ErrorClass::WrongTenantOrUser | ErrorClass::TenantAbsent
    ) {
        refused_there(gateway, flow, own.begun_in, expected).await;
    }
    // Of whoever only says to be of a tenant nothing is believed about it: what it refuses, its other users are spared.
    if own.vouched && error.needs_consent_by_an_administrator() {
        let asked = gateway.scopes.scopes_for(own.asked);
        gateway
            .observations
            .learn_policy(&flow.account, |policies| {
                policies.policy_mut(expected.tenant).refused(&asked, now);
            })
            .await;
    }
}

/// Nobody can sign in with this account. That counts of the account of the grants, which flows expect by themselves; any
/// other was named for this one flow.
async fn refused_there(gateway: &Gateway, flow: &Flow, epoch: Epoch, expected: MicrosoftIdentity) {
    let (account, user) = (&flow.account, &flow.started_by);
    let known = gateway.executor.user(account, user).await;
    if !known.is_ok_and(|known| known.state.mailbox(epoch) == Some(expected)) {
        return;
    }
    gateway
        .observations
        .note_account(account, user, |accounts| accounts.refused_there(expected))
        .await;
}

/// An administrator consented for everybody in a tenant.
pub(crate) async fn on_granted_for_everybody(
    gateway: &Gateway,
    account: &AccountId,
    tenant: Tenant,
    held: &ScopeSet,
) {
    let open = gateway.scopes.scopes_for(gateway.scopes.permissions(held));
    let all: Vec<String> = held.iter().map(str::to_owned).collect();
    let now = gateway.now();
    gateway
        .observations
        .learn_policy(account, |policies| {
            let policy = policies.policy_mut(tenant);
            policy.note_granted(&open, now);
            policy.granted_for_everybody(all.clone());
        })
        .await;
}
