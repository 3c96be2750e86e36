//! An administrator has accepted, and not all of Microsoft knows it yet.
//!
//! A new consent takes some seconds to be everywhere. Until then the token endpoint can say that nobody has consented, or
//! grant less. The code is spent by that, but the administrator's session at Microsoft is there: so, after a pause, the
//! browser is led through Microsoft's sign-in page once more, which has nothing to ask and sends it straight back. All
//! that is proved is proved anew. The pause is a part of the callback's own answer, a redirect: it works in every browser,
//! and leaves no page in between on which somebody could get lost.

use std::time::Duration;

use assent_domain::decide::administrator_consent::{FinishAdministratorConsent, ProofDemanded};
use assent_domain::ids::Tenant;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::AccountChoice;
use url::Url;

use crate::failure::Failure;
use crate::flow::{Flow, FlowFailure, FlowOutcome, LIFETIME};
use crate::gateway::Gateway;
use crate::kv_store::Versioned;
use crate::use_cases::conclude_flow::conclude;
use crate::use_cases::continue_admin_consent::lead_on;
use crate::use_cases::flow_progress::return_url;

/// How long is waited before each further try. All of it has to fit into a request, with what Microsoft takes.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// How long to wait before the next try; `None` where it was tried often enough.
pub(crate) fn pause_before_the_next(flow: &Flow) -> Option<Duration> {
    PAUSES.get(usize::from(flow.asked_again)).copied()
}

/// Microsoft says that there is no consent, to somebody who comes from accepting it.
pub(crate) async fn without_consent(
    gateway: &Gateway,
    stored: Versioned<Flow>,
    tenant: Option<Tenant>,
) -> Result<Url, Failure> {
    if let (Some(pause), Some(tenant)) = (pause_before_the_next(&stored.value), tenant) {
        return ask_again(gateway, stored, tenant, pause).await;
    }
    let outcome = FlowOutcome::Failed(FlowFailure::ConsentNotYetEffective);
    conclude(gateway, stored, outcome).await
}

/// Whether a proved administrator's answer lacks what more time may bring.
pub(crate) fn may_be_on_its_way(answer: &FinishAdministratorConsent) -> bool {
    let lacks_the_grant = match answer.demanded {
        ProofDemanded::Role => false,
        ProofDemanded::RoleAndGrant => !answer.verification.tenant_wide_grant,
    };
    let is_administrator = answer.verification.proves_an_administrator();
    is_administrator && (lacks_the_grant || !answer.missing_scopes.is_empty())
}

/// Leads the browser through Microsoft's sign-in page once more.
pub(crate) async fn ask_again(
    gateway: &Gateway,
    mut stored: Versioned<Flow>,
    tenant: Tenant,
    pause: Duration,
) -> Result<Url, Failure> {
    tracing::info!(
        flow.id = %stored.value.id,
        account.id = %stored.value.account,
        tries = stored.value.asked_again,
        "an administrator's consent is not effective yet, so Microsoft is asked again"
    );
    stored.value.asked_again += 1;
    stored.value.expires_at = gateway.now() + LIFETIME;
    // They have just signed in, and chosen where there was a choice.
    let id = stored.value.id;
    if let Some(url) = lead_on_again(gateway, stored, tenant).await? {
        tokio::time::sleep(pause).await;
        return Ok(url);
    }
    // It took so long that the flow was given up.
    let found = gateway.flows.find(id).await?.ok_or(Refusal::FlowExpired)?;
    Ok(return_url(gateway, &found.value, None))
}

/// Leads a browser to Microsoft once more that loads again the callback after which Microsoft is asked again.
pub(crate) async fn lead_on_again(
    gateway: &Gateway,
    stored: Versioned<Flow>,
    tenant: Tenant,
) -> Result<Option<Url>, Failure> {
    let browser = stored.value.browser.clone();
    lead_on(gateway, stored, tenant, (AccountChoice::Silent, browser)).await
}
