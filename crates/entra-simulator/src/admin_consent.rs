//! `/{tenant}/v2.0/adminconsent`: consent for a whole organisation.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::aadsts::Aadsts;
use crate::authority::Authority;
use crate::authorize::scope_error;
use crate::directory::Directory;
use crate::faults::Endpoint;
use crate::identifiers::{ClientId, ObjectId, TenantId};
use crate::interaction::{self, Question, Refusal, Request, Screen, Standing, redirect_with};
use crate::pages;
use crate::parameters::Parameters;
use crate::policy;
use crate::scopes::ScopeRequest;
use crate::simulator::Simulator;
use crate::world::World;

/// A request that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct AdminConsentRequest {
    pub(crate) authority: Authority,
    pub(crate) client: ClientId,
    redirect_uri: String,
    asked: ScopeRequest,
    scope: String,
    state: Option<String>,
}

impl AdminConsentRequest {
    /// Back to the application. `admin_consent=True` is there on errors as well.
    pub(crate) fn back(&self, parameters: &[(&str, &str)]) -> String {
        back(&self.redirect_uri, self.state.as_deref(), parameters)
    }

    pub(crate) fn failed(&self, error: &Aadsts, base_url: &str) -> String {
        failed(&self.redirect_uri, self.state.as_deref(), error, base_url)
    }
}

fn back(redirect_uri: &str, state: Option<&str>, parameters: &[(&str, &str)]) -> String {
    let mut all = parameters.to_vec();
    all.push(("admin_consent", "True"));
    all.extend(state.map(|state| ("state", state)));
    redirect_with(redirect_uri, &all)
}

fn failed(redirect_uri: &str, state: Option<&str>, error: &Aadsts, base_url: &str) -> String {
    let (description, uri) = (error.description(), error.error_uri(base_url));
    let parameters = [
        ("error", error.error),
        ("error_description", description.as_str()),
        ("error_uri", uri.as_str()),
    ];
    back(redirect_uri, state, &parameters)
}

pub(crate) async fn page(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let browser = pages::browser(&headers);
    let screen = visit(
        &mut simulator.world(),
        &simulator.base_url,
        browser.id(),
        &segment,
        &query.unwrap_or_default(),
    );
    pages::show(&simulator, &browser, screen)
}

/// A browser arrives.
pub(crate) fn visit(
    world: &mut World,
    base_url: &str,
    browser: &str,
    segment: &str,
    query: &str,
) -> Screen {
    world.faults.next(Endpoint::Adminconsent);
    match parse(&world.directory, base_url, segment, query) {
        Ok(request) => interaction::begin(world, base_url, browser, Request::AdminConsent(request)),
        Err(refusal) => refusal.into(),
    }
}

fn parse(
    directory: &Directory,
    base_url: &str,
    segment: &str,
    query: &str,
) -> Result<AdminConsentRequest, Refusal> {
    let parameters = Parameters::parse(query).map_err(Refusal::Page)?;
    let authority = Authority::parse_in_this_cloud(directory, segment).map_err(Refusal::Page)?;
    let client_id = parameters.require("client_id").map_err(Refusal::Page)?;
    let application = directory
        .application(client_id)
        .ok_or_else(|| Refusal::Page(Aadsts::unknown_application(client_id, segment)))?;
    let redirect_uri = parameters.require("redirect_uri").map_err(Refusal::Page)?;
    crate::authorize::check_registered(application, redirect_uri).map_err(Refusal::Page)?;
    // From here on there is a safe way back, so errors take it.
    let state = parameters.get("state");
    let refuse = |error: &Aadsts| Refusal::Redirect(failed(redirect_uri, state, error, base_url));
    if authority == Authority::Common {
        return Err(refuse(&Aadsts::missing_parameter("response_type")));
    }
    let scope = parameters
        .require("scope")
        .map_err(|error| refuse(&error))?;
    let asked = ScopeRequest::parse(scope, base_url)
        .map_err(|refusal| refuse(&scope_error(&refusal, scope, application)))?;
    Ok(AdminConsentRequest {
        authority,
        client: application.client_id,
        redirect_uri: redirect_uri.to_owned(),
        asked,
        scope: scope.to_owned(),
        state: state.map(str::to_owned),
    })
}

/// Where a signed-in person stands.
pub(crate) fn standing(
    world: &mut World,
    base_url: &str,
    request: &AdminConsentRequest,
    tenant: TenantId,
    user: ObjectId,
) -> Standing {
    let Some((home, person)) = world.directory.member(user) else {
        return Standing::WrongAccount(Aadsts::new(
            50_034,
            "access_denied",
            "The user account does not exist.",
        ));
    };
    if !request.authority.admits(tenant) {
        let name = request
            .authority
            .tenant(&world.directory)
            .map_or("", |tenant| tenant.name.as_str());
        return Standing::Done(request.failed(&Aadsts::wrong_tenant(&person.upn, name), base_url));
    }
    if !home.cloud.is_worldwide() {
        return Standing::WrongAccount(Aadsts::other_cloud());
    }
    let Some(application) = world.directory.applications.get(&request.client) else {
        return Standing::WrongAccount(Aadsts::unknown_application(
            &request.client.to_string(),
            &home.name,
        ));
    };
    let (scopes, app_roles) = if request.asked.default {
        let registered = application
            .delegated_permissions
            .union(&request.asked.openid)
            .cloned()
            .collect();
        (registered, application.app_roles.clone())
    } else {
        (request.asked.names(), BTreeSet::new())
    };
    if !policy::may_consent_for_everyone(&person.roles, !app_roles.is_empty()) {
        return Standing::NeedsApproval(Aadsts::new(
            90_093,
            "access_denied",
            format!(
                "{} needs permission to access resources in your organization that only an administrator can grant.",
                application.name
            ),
        ));
    }
    Standing::Ask(Question {
        scopes,
        app_roles,
        for_organization: true,
        offers_organization: true,
    })
}

/// An administrator accepted: records the grant for everybody, and goes back with what was asked for.
pub(crate) fn accept(
    world: &mut World,
    request: &AdminConsentRequest,
    tenant: TenantId,
    granted: &BTreeSet<String>,
    question: &Question,
) -> String {
    if let Some(tenant) = world.directory.tenants.get_mut(&tenant) {
        tenant.grant_for_everyone(request.client, granted);
        if let Some(installation) = tenant.installations.get_mut(&request.client) {
            installation
                .app_roles
                .extend(question.app_roles.iter().cloned());
        }
    }
    let (guid, scope) = (tenant.to_string(), request.scope.as_str());
    let mut parameters = vec![
        ("admin_consent", "True"),
        ("tenant", guid.as_str()),
        ("scope", scope),
    ];
    parameters.extend(request.state.as_deref().map(|state| ("state", state)));
    redirect_with(&request.redirect_uri, &parameters)
}
