//! After Microsoft's admin-consent page: the browser says that some tenant consented, which
//! anybody could say. So the administrator, signed in already, is sent on to prove it.

use assent_domain::ids::Tenant;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    AccountChoice, AuthorizeRequest, DiscoveryError, TenantRef, UnverifiedTenant, new_pkce,
    random_token,
};
use secrecy::ExposeSecret;
use url::Url;

use crate::failure::Failure;
use crate::flow::{Flow, FlowOutcome, FlowSecret, Purpose, Route, SignInAttempt};
use crate::gateway::{Gateway, reference};
use crate::kv_store::{StoreError, Versioned};
use crate::secrets::Digest;
use crate::use_cases::conclude_flow::conclude;
use crate::use_cases::flow_progress::return_url;
use crate::use_cases::returning_browser::ReturningBrowser;

/// Where to send the administrator; `None` where somebody else changed the flow first. A first callback that comes again
/// leads on as well, by a way of its own, and ends nothing: of several copies nobody knows which is the person's.
pub(crate) async fn continue_admin_consent(
    gateway: &Gateway,
    stored: Versioned<Flow>,
    claimed: UnverifiedTenant,
    (returning, is_first): (&ReturningBrowser, bool),
) -> Result<Option<Url>, Failure> {
    let tenant = match verified(gateway, &stored.value, claimed).await? {
        Ok(tenant) => tenant,
        Err(refusal) if is_first => {
            let ended = conclude(gateway, stored, FlowOutcome::Refused(refusal)).await?;
            return Ok(Some(ended));
        }
        Err(_) => return Ok(Some(return_url(gateway, &stored.value, None))),
    };
    // Each copy is written down. Beyond what anybody does, the ways that there are have to do.
    if !is_first && too_often(gateway, &stored.value) {
        return Ok(Some(return_url(gateway, &stored.value, None)));
    }
    let browser = returning.browser.digest();
    if returning.is_known && !is_first && !stored.value.is_led_in(&returning.browser) {
        tracing::warn!(
            security_event = "administrator_flow_changed_browser",
            flow.id = %stored.value.id,
            account.id = %stored.value.account,
            "an administrator's flow is continued in another browser"
        );
    }
    let (host_account, asker) = (&stored.value.account, &stored.value.started_by);
    let accounts = gateway.observations.accounts(host_account, asker).await;
    // Whoever was at the first page has just signed in, and would only be asked once more. Unless the last one was the
    // wrong one: a silent session would bring them again.
    let account = if accounts.administrator_mistaken() {
        AccountChoice::SelectAccount
    } else {
        AccountChoice::Silent
    };
    // Anybody who knows the first address can make this callback up, and send somebody else on from here.
    lead_on(gateway, stored, tenant, (account, Some(browser))).await
}

/// Leads the browser on to sign in at exactly this tenant; `None` where somebody else changed the flow first.
pub(crate) async fn lead_on(
    gateway: &Gateway,
    mut stored: Versioned<Flow>,
    tenant: Tenant,
    (account, browser): (AccountChoice<'_>, Option<Digest>),
) -> Result<Option<Url>, Failure> {
    let (state, nonce, pkce) = (FlowSecret::new(stored.value.id), random_token(), new_pkce());
    stored.value.lead_on(SignInAttempt {
        state: state.digest(),
        browser,
        tenant: Some(tenant.into()),
        nonce: nonce.clone(),
        pkce_verifier: pkce.verifier.expose_secret().to_owned(),
    });
    match gateway.flows.change(stored).await {
        Ok(_) => {}
        Err(StoreError::Changed) => return Ok(None),
        Err(error) => return Err(error.into()),
    }

    // `.default` gives all that was granted, and can't be mixed with other Graph scopes.
    let default = gateway
        .graph_url
        .join("/.default")
        .map_err(|error| Failure::Internal(error.into()))?;
    let scopes = ["openid", "profile", "offline_access", default.as_str()].map(str::to_owned);
    Ok(Some(gateway.entra.authorize_url(
        &reference(Some(tenant)),
        AuthorizeRequest {
            redirect_uri: &gateway.addresses.authorize_callback,
            scopes: &scopes,
            state: &state.expose(),
            nonce: &nonce,
            pkce_challenge: &pkce.challenge,
            account,
        },
    )))
}

/// The tenant that is claimed to have consented, where that can be so. The proof comes later.
async fn verified(
    gateway: &Gateway,
    flow: &Flow,
    claimed: UnverifiedTenant,
) -> Result<Result<Tenant, Refusal>, Failure> {
    let tenant = match gateway.claimed_tenant(&TenantRef::Id(claimed.0)).await {
        Ok(tenant) => tenant,
        // There is no such tenant: the claim is forged, or of another cloud.
        Err(DiscoveryError::UnknownTenant | DiscoveryError::NotOneTenant) => {
            return Ok(Err(Refusal::TenantMismatch));
        }
        // The flow is left as it is, so that loading the page again goes on.
        Err(
            error @ (DiscoveryError::Ambiguous { .. }
            | DiscoveryError::Nonsense(_)
            | DiscoveryError::Unreachable(_)
            | DiscoveryError::TimedOut),
        ) => return Err(error.into()),
    };
    let expected: Option<Tenant> = match &flow.purpose {
        Purpose::AdministratorConsent { tenant, .. } => tenant.map(Into::into),
        Purpose::OwnConsent { .. } | Purpose::Connection { .. } => None,
    };
    if !tenant.cloud.is_served() {
        return Ok(Err(Refusal::UnsupportedCloud));
    }
    if expected.is_some_and(|expected| expected != tenant) {
        tracing::warn!(
            security_event = "tenant_mismatch",
            flow.id = %flow.id,
            account.id = %flow.account,
            "an administrator consent came back from another tenant"
        );
        return Ok(Err(Refusal::TenantMismatch));
    }
    Ok(Ok(tenant))
}

/// Whether this flow's visits come again more often than whoever began it may begin flows.
pub(crate) fn too_often(gateway: &Gateway, flow: &Flow) -> bool {
    let limited = match flow.purpose {
        Purpose::AdministratorConsent {
            route: Route::HandOff { id, .. },
            ..
        } => gateway.limits.start_through_link(&flow.account, id),
        Purpose::AdministratorConsent {
            route: Route::Direct,
            ..
        }
        | Purpose::OwnConsent { .. }
        | Purpose::Connection { .. } => gateway.limits.start(&flow.account, &flow.started_by),
    };
    limited.is_err()
}
