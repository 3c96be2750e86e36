//! `/{tenant}/oauth2/v2.0/token`: codes, refresh tokens and an application's own credentials, turned into tokens.

mod application_itself;
mod code;
mod issue;
mod refresh;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::authorization_request::scope_error;
use crate::claims::ClaimsRequest;
use crate::client_authentication::{self, Recipient};
use crate::directory::Tenant;
use crate::faults::{Endpoint, Fault, Refuse};
use crate::id_token::Forgery;
use crate::identifiers::{ClientId, TenantId};
use crate::keys::SigningKey;
use crate::parameters::Parameters;
use crate::scopes::ScopeRequest;
use crate::simulator::Simulator;
use crate::state::SimulatedState;

/// How the ID token in an answer is to be forged, and with whose key if not with ours.
struct Forging {
    forgery: Forgery,
    stranger: Option<SigningKey>,
}

pub(crate) async fn token(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = simulator.next_fault(Endpoint::Token, &segment).await;
    if let Some(response) = fault.as_ref().and_then(Fault::response) {
        return response;
    }
    let (refuse, forge) = fault.map_or((None, None), |fault| (fault.refuse, fault.forge));
    let answer = if let Some(refuse) = refuse {
        let state = simulator.state();
        Err(refused(&state, refuse, &segment, &headers, &body))
    } else {
        let forging = forging(forge).await;
        let state = &mut simulator.state();
        let (base_url, forging) = (simulator.base_url.as_str(), forging.as_ref());
        answer(state, base_url, &segment, &headers, &body, forging)
    };
    let mut response = match answer {
        Ok(tokens) => Json(tokens).into_response(),
        Err(error) => {
            let code = error.number();
            tracing::info!(code, error = error.error(), "token refused");
            error.into_response(&simulator.base_url, &headers)
        }
    };
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-cache"),
    );
    response
}

/// A refusal on demand, whatever the request.
fn refused(
    state: &SimulatedState,
    refuse: Refuse,
    segment: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Aadsts {
    let parameters = Parameters::parse_form(headers, body, Surface::Token).ok();
    let application = parameters
        .as_ref()
        .and_then(|parameters| parameters.get("client_id"))
        .and_then(|client_id| state.directory.application(client_id));
    refuse.error_on(Surface::Token, application, segment)
}

async fn forging(forgery: Option<Forgery>) -> Option<Forging> {
    let forgery = forgery?;
    let stranger = if forgery.needs_stranger() {
        SigningKey::generate_aside().await.ok()
    } else {
        None
    };
    Some(Forging { forgery, stranger })
}

fn answer(
    state: &mut SimulatedState,
    base_url: &str,
    segment: &str,
    headers: &HeaderMap,
    body: &[u8],
    forging: Option<&Forging>,
) -> Result<Value, Aadsts> {
    throttle(state, segment)?;
    let authority = Authority::parse_in_this_cloud(&state.directory, segment, Surface::Token)?;
    let parameters = Parameters::parse_form(headers, body, Surface::Token)?;
    let grant_type = parameters.require("grant_type")?;
    let recipient = Recipient {
        base_url,
        segment,
        authority,
        now: state.clock.now(),
    };
    let client =
        client_authentication::authenticate(&state.directory, &parameters, headers, recipient)?;
    let call = Call {
        base_url,
        segment,
        authority,
        client,
        claims: ClaimsRequest::parse(&parameters)?,
        parameters: &parameters,
        forging,
    };
    match grant_type {
        "authorization_code" => call.redeem_code(state),
        "refresh_token" => call.refresh(state),
        "client_credentials" => call.application_itself(state),
        other => Err(Code::UnsupportedGrantType
            .error_on(Surface::Token)
            .with_facts(&[("name", other)])),
    }
}

/// Whether the tenant has had its calls for now.
fn throttle(state: &mut SimulatedState, segment: &str) -> Result<(), Aadsts> {
    let Some(throttle) = state.options.throttle else {
        return Ok(());
    };
    let now = state.clock.now();
    match state.meter.count(segment, throttle, now) {
        Some(seconds) => Err(Code::TenantThrottlingError
            .error_on(Surface::Token)
            .retry_after(seconds)),
        None => Ok(()),
    }
}

/// A call by an application that proved who it is.
struct Call<'a> {
    base_url: &'a str,
    /// The tenant in the path, as it was named.
    segment: &'a str,
    authority: Authority,
    client: ClientId,
    claims: ClaimsRequest,
    parameters: &'a Parameters,
    forging: Option<&'a Forging>,
}

impl Call<'_> {
    fn scope(&self, state: &SimulatedState) -> Result<Option<ScopeRequest>, Aadsts> {
        let Some(scope) = self.parameters.get("scope") else {
            return Ok(None);
        };
        let application = state.directory.applications.get(&self.client);
        ScopeRequest::parse(scope, self.base_url)
            .map(Some)
            .map_err(|refusal| match application {
                Some(application) => scope_error(&refusal, scope, application, Surface::Token),
                None => Aadsts::missing_parameter("client_id", Surface::Token),
            })
    }

    /// The tenant, if the application is installed there and switched on.
    fn installed_in<'w>(
        &self,
        state: &'w SimulatedState,
        tenant: TenantId,
    ) -> Result<&'w Tenant, Aadsts> {
        let id = tenant.to_string();
        let refused = |code: Code, name: &str| {
            let client = self.client.to_string();
            let application = state.directory.applications.get(&self.client);
            let error = code.error_on(Surface::Token);
            match application {
                Some(application) => error.with_application(application, name),
                None => error.with_facts(&[("appId", &client), ("tenant", name)]),
            }
        };
        let home = state
            .directory
            .tenants
            .get(&tenant)
            .ok_or_else(|| refused(Code::InvalidTenantName, &id))?;
        match home.installations.get(&self.client) {
            None => Err(refused(
                Code::UnauthorizedClient_DoesNotMatchRequest,
                &home.name,
            )),
            Some(installation) if !installation.enabled => Err(refused(
                Code::UnauthorizedClientApplicationDisabled,
                &home.name,
            )),
            Some(_) => Ok(home),
        }
    }
}
