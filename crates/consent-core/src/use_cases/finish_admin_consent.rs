//! The administrator came back with a code: now the claim is proved, or nothing happened.
//!
//! Proved is not yet meant. Somebody can have been led here by an address that belongs to another's flow, and where their
//! organisation has consented before, Microsoft shows them no page on the way. So a proved consent is recorded at once
//! only in the session of our settings pages in which it was begun. Everybody else is shown first what it is for.

use assent_domain::decide::administrator_consent::{FinishAdministratorConsent, ProofDemanded};
use assent_domain::event::Verification;
use assent_domain::ids::{ConsentId, ObjectId, RoleId, Scope, Tenant, TenantId};
use assent_microsoft_identity::{AuthorizationCode, GrantProof, Redeemed, roles_able_to_consent};
use assent_service_kit::error_chain::with_sources;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::{
    AnotherPurpose, CONFIRMATION_LIFETIME, Flow, FlowOutcome, FlowStage, RequestedConsent,
    VerifiedConsent,
};
use crate::gateway::{AdminProof, Gateway};
use crate::kv_store::Versioned;
use crate::use_cases::ask_again::{
    ask_again, may_be_on_its_way, pause_before_the_next, without_consent,
};
use crate::use_cases::conclude_flow::{conclude, still_counts, wait};
use crate::use_cases::flow_progress::return_url;
use crate::use_cases::record_admin_consent::{asked_of, may_record, record};
use crate::use_cases::redeem::{CodeExchange, redeem};
use crate::use_cases::returning_browser::ReturningBrowser;

pub(crate) async fn finish_admin_consent(
    gateway: &Gateway,
    stored: Versioned<Flow>,
    exchange: CodeExchange,
    code: AuthorizationCode,
    returning: &ReturningBrowser,
) -> Result<Url, Failure> {
    let flow = &stored.value;
    let ((asked, route), Some(tenant)) = (asked_of(flow)?, exchange.tenant) else {
        return Err(Failure::Internal(AnotherPurpose.into()));
    };
    let redeemed = match redeem(gateway, flow, exchange, code).await {
        Ok(redeemed) => redeemed,
        Err(not_redeemed) if not_redeemed.says_that_nobody_consented() => {
            return without_consent(gateway, stored, Some(tenant)).await;
        }
        Err(not_redeemed) => return conclude(gateway, stored, not_redeemed.outcome).await,
    };
    let answer = answer(gateway, asked, tenant, &redeemed).await;
    if may_be_on_its_way(&answer)
        && let Some(pause) = pause_before_the_next(flow)
    {
        return ask_again(gateway, stored, tenant, pause).await;
    }
    if let Err(failure) = still_counts(gateway, &stored).await {
        return conclude(gateway, stored, FlowOutcome::from_failure(&failure)).await;
    }
    if comes_back_to_its_session(flow, returning) {
        let recorded = record(gateway, flow, route, answer).await;
        let outcome = recorded.unwrap_or_else(|failure| FlowOutcome::from_failure(&failure));
        return conclude(gateway, stored, outcome).await;
    }
    // What is certain to be refused is told at once, and not after a click.
    if let Err(failure) = may_record(gateway, route, &answer).await {
        return conclude(gateway, stored, FlowOutcome::from_failure(&failure)).await;
    }
    wait_for_the_administrator(gateway, stored, &answer).await
}

/// Whether the flow was begun in a session of our settings pages, and all of it happened in that session's browser.
fn comes_back_to_its_session(flow: &Flow, returning: &ReturningBrowser) -> bool {
    let is_same_browser = flow
        .browser
        .as_ref()
        .is_some_and(|first| first.is_of(returning.browser.expose()));
    let is_same_session = match (&flow.session, &returning.session) {
        (Some(begun), Some(present)) => Some(begun.as_str() == present.as_str()),
        (Some(_), None) => Some(false),
        (None, _) => None,
    };
    if !is_same_browser || is_same_session == Some(false) {
        tracing::warn!(
            security_event = "administrator_flow_changed_browser",
            flow.id = %flow.id,
            account.id = %flow.account,
            "an administrator's flow came back in another browser or session than it was begun or continued in"
        );
    }
    is_same_browser && is_same_session == Some(true)
}

/// The flow waits, and the browser is led to a page that nobody else can find.
async fn wait_for_the_administrator(
    gateway: &Gateway,
    mut stored: Versioned<Flow>,
    answer: &FinishAdministratorConsent,
) -> Result<Url, Failure> {
    stored.value.expires_at = gateway.now() + CONFIRMATION_LIFETIME;
    stored.value.stage = FlowStage::AwaitingAdministrator {
        answer: VerifiedConsent::from_command(answer),
        taken_at: None,
    };
    let page = stored.value.another_page(gateway.now());
    Ok(match wait(gateway, stored).await? {
        Ok(stored) => match page {
            Some(page) => gateway.addresses.administrator_confirmation(&page),
            None => return_url(gateway, &stored.value, None),
        },
        Err(given_up) => given_up,
    })
}

/// What Microsoft's answer comes to.
async fn answer(
    gateway: &Gateway,
    asked: RequestedConsent,
    expected_tenant: Tenant,
    redeemed: &Redeemed,
) -> FinishAdministratorConsent {
    let wanted = gateway.scopes.scopes_for(asked.permissions);
    FinishAdministratorConsent {
        account: asked.account,
        consent: ConsentId(Uuid::now_v7()),
        requested_by: asked.requested_by,
        begun_in: asked.begun_in,
        permissions: asked.permissions,
        expected_tenant,
        tenant: Tenant {
            cloud: expected_tenant.cloud,
            id: TenantId(redeemed.identity.tenant_id),
        },
        granted_by: ObjectId(redeemed.identity.object_id),
        scopes: redeemed
            .scopes
            .iter()
            .map(|scope| Scope(scope.to_owned()))
            .collect(),
        missing_scopes: redeemed
            .scopes
            .missing(&wanted)
            .into_iter()
            .map(Scope)
            .collect(),
        verification: verify(gateway, redeemed, &wanted).await,
        demanded: demanded(gateway.admin_proof),
    }
}

/// What has to be proved, by the configuration.
pub(crate) const fn demanded(configured: AdminProof) -> ProofDemanded {
    match configured {
        AdminProof::Role | AdminProof::Either => ProofDemanded::Role,
        AdminProof::Grant => ProofDemanded::RoleAndGrant,
    }
}

/// What is known of whoever accepted. Graph is not asked about somebody who has no role: nothing would come of it.
async fn verify(gateway: &Gateway, redeemed: &Redeemed, wanted: &[String]) -> Verification {
    let roles: Vec<_> = roles_able_to_consent(&redeemed.identity)
        .into_iter()
        .map(RoleId)
        .collect();
    let tenant_wide_grant = match gateway.admin_proof {
        AdminProof::Role => false,
        AdminProof::Grant | AdminProof::Either if roles.is_empty() => false,
        AdminProof::Grant | AdminProof::Either => {
            is_granted_for_everybody(gateway, redeemed, wanted).await
        }
    };
    Verification {
        roles,
        tenant_wide_grant,
    }
}

async fn is_granted_for_everybody(
    gateway: &Gateway,
    redeemed: &Redeemed,
    wanted: &[String],
) -> bool {
    let found = gateway
        .entra
        .tenant_wide_grant(&redeemed.access_token, wanted);
    match found.await {
        Ok(GrantProof::Covered { .. }) => true,
        Ok(GrantProof::NotCovered { .. } | GrantProof::NotPermitted) => false,
        Err(error) => {
            tracing::warn!(
                error = %with_sources(&error),
                "Microsoft Graph could not be asked for the tenant-wide grant"
            );
            false
        }
    }
}
