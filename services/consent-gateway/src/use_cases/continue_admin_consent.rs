//! After Microsoft's admin-consent page: the browser says that some tenant consented, which
//! anybody could say. So the administrator, signed in already, is sent on to prove it.

use assent_domain::ids::Tenant;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    AccountChoice, AuthorizeRequest, TenantRef, UnverifiedTenant, new_pkce, random_token,
};
use secrecy::ExposeSecret;
use url::Url;

use crate::failure::Failure;
use crate::flow::{Ending, Flow, Purpose, Stage, State};
use crate::gateway::{Gateway, reference};
use crate::records::Stored;
use crate::use_cases::take_callback::{Returning, end, used};

pub(crate) async fn continue_admin_consent(
    gateway: &Gateway,
    mut stored: Stored<Flow>,
    claimed: UnverifiedTenant,
    returning: &Returning,
) -> Result<Url, Failure> {
    let tenant = match gateway.claimed_tenant(&TenantRef::Id(claimed.0)).await {
        Ok(tenant) => tenant,
        // There is no such tenant: the claim is forged, or of another cloud.
        Err(Failure::Invalid(_)) => {
            return end(gateway, stored, Ending::Refused(Refusal::TenantMismatch)).await;
        }
        // The flow is left as it is, so that loading the page again goes on.
        Err(failure) => return Err(failure),
    };
    let expected: Option<Tenant> = match &stored.value.purpose {
        Purpose::AdministratorConsent { tenant, .. } => tenant.map(Into::into),
        Purpose::OwnConsent { .. } => None,
    };
    if !tenant.cloud.is_served() {
        return end(gateway, stored, Ending::Refused(Refusal::UnsupportedCloud)).await;
    }
    if expected.is_some_and(|expected| expected != tenant) {
        tracing::warn!(
            security_event = "tenant_mismatch",
            flow.id = %stored.value.id,
            account.id = %stored.value.account,
            "an administrator consent came back from another tenant"
        );
        return end(gateway, stored, Ending::Refused(Refusal::TenantMismatch)).await;
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
    stored.value.browser = Some(returning.browser.digest());
    lead_on(gateway, stored, tenant, account).await
}

/// Leads the browser on to sign in at exactly this tenant.
pub(crate) async fn lead_on(
    gateway: &Gateway,
    mut stored: Stored<Flow>,
    tenant: Tenant,
    account: AccountChoice<'_>,
) -> Result<Url, Failure> {
    let (state, nonce, pkce) = (State::new(stored.value.id), random_token(), new_pkce());
    stored.value.states.authorize = Some(state.digest());
    stored.value.stage = Stage::AtAuthorize {
        tenant: Some(tenant.into()),
        nonce: nonce.clone(),
        pkce_verifier: pkce.verifier.expose_secret().to_owned(),
    };
    gateway.flows.change(stored).await.map_err(used)?;

    // `.default` gives all that was granted, and can't be mixed with other Graph scopes.
    let default = gateway
        .graph_url
        .join("/.default")
        .map_err(|error| Failure::Internal(error.into()))?;
    let scopes = ["openid", "profile", "offline_access", default.as_str()].map(str::to_owned);
    Ok(gateway.entra.authorize_url(
        &reference(Some(tenant)),
        AuthorizeRequest {
            redirect_uri: &gateway.addresses.authorize_callback,
            scopes: &scopes,
            state: &state.expose(),
            nonce: &nonce,
            pkce_challenge: &pkce.challenge,
            account,
        },
    ))
}
