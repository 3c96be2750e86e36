//! `/{tenant}/oauth2/v2.0/authorize`: sign-in, and a user's own consent.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::aadsts::Aadsts;
use crate::authority::Authority;
use crate::directory::{Application, Directory};
use crate::faults::Endpoint;
use crate::identifiers::{ClientId, ObjectId, TenantId};
use crate::interaction::{self, Question, Refusal, Request, Screen, Standing, redirect_with};
use crate::pages;
use crate::parameters::Parameters;
use crate::policy;
use crate::random;
use crate::scopes::{ScopeRefusal, ScopeRequest};
use crate::simulator::Simulator;
use crate::world::{Code, World};

/// A code is good for this long.
const CODE_LIFETIME_SECONDS: i64 = 600;

/// The documented values of `prompt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Unset,
    Login,
    None,
    Consent,
    SelectAccount,
}

impl Prompt {
    fn parse(text: Option<&str>) -> Result<Self, Aadsts> {
        match text {
            None => Ok(Self::Unset),
            Some("login") => Ok(Self::Login),
            Some("none") => Ok(Self::None),
            Some("consent") => Ok(Self::Consent),
            Some("select_account") => Ok(Self::SelectAccount),
            Some(other) => Err(Aadsts::new(
                90_023,
                "invalid_request",
                format!("Unsupported 'prompt' value '{other}'."),
            )),
        }
    }

    pub(crate) fn insists_on_sign_in(self) -> bool {
        match self {
            Self::Login | Self::SelectAccount => true,
            Self::Unset | Self::None | Self::Consent => false,
        }
    }
}

/// A request that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizeRequest {
    pub(crate) authority: Authority,
    pub(crate) client: ClientId,
    redirect_uri: String,
    state: Option<String>,
    asked: ScopeRequest,
    pub(crate) prompt: Prompt,
    pub(crate) login_hint: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
}

impl AuthorizeRequest {
    /// Back to the application.
    pub(crate) fn back(&self, parameters: &[(&str, &str)]) -> String {
        let mut all = parameters.to_vec();
        all.extend(self.state.as_deref().map(|state| ("state", state)));
        redirect_with(&self.redirect_uri, &all)
    }

    fn failed(&self, error: &Aadsts, base_url: &str) -> String {
        failed(&self.redirect_uri, self.state.as_deref(), error, base_url)
    }

    /// A decline carries the same sub-code as a cancellation; only the number tells them apart.
    pub(crate) fn declined(&self, error: &Aadsts, base_url: &str) -> String {
        let (description, uri) = (error.description(), error.error_uri(base_url));
        self.back(&[
            ("error", error.error),
            ("error_subcode", "cancel"),
            ("error_description", &description),
            ("error_uri", &uri),
        ])
    }

    /// The request itself, if it may not show a page.
    pub(crate) fn silent(&self) -> Option<&Self> {
        (self.prompt == Prompt::None).then_some(self)
    }

    pub(crate) fn login_required(&self, base_url: &str) -> String {
        let error = Aadsts::new(
            50_058,
            "login_required",
            "A silent sign-in request was sent but no user is signed in.",
        );
        self.failed(&error, base_url)
    }
}

fn failed(redirect_uri: &str, state: Option<&str>, error: &Aadsts, base_url: &str) -> String {
    let (description, uri) = (error.description(), error.error_uri(base_url));
    let mut parameters = vec![
        ("error", error.error),
        ("error_description", description.as_str()),
        ("error_uri", uri.as_str()),
    ];
    parameters.extend(state.map(|state| ("state", state)));
    redirect_with(redirect_uri, &parameters)
}

pub(crate) async fn page(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let browser = pages::browser(&headers);
    // A POST carries the same parameters as a form.
    let encoded = if body.is_empty() {
        query.unwrap_or_default()
    } else {
        String::from_utf8_lossy(&body).into_owned()
    };
    let screen = visit(
        &mut simulator.world(),
        &simulator.base_url,
        browser.id(),
        &segment,
        &encoded,
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
    world.faults.next(Endpoint::Authorize);
    match parse(&world.directory, base_url, segment, query) {
        Ok(request) => interaction::begin(world, base_url, browser, Request::Authorize(request)),
        Err(refusal) => refusal.into(),
    }
}

fn parse(
    directory: &Directory,
    base_url: &str,
    segment: &str,
    query: &str,
) -> Result<AuthorizeRequest, Refusal> {
    let parameters = Parameters::parse(query).map_err(Refusal::Page)?;
    let authority = Authority::parse_in_this_cloud(directory, segment).map_err(Refusal::Page)?;
    let client_id = parameters.require("client_id").map_err(Refusal::Page)?;
    let application = directory
        .application(client_id)
        .ok_or_else(|| Refusal::Page(Aadsts::unknown_application(client_id, segment)))?;
    let redirect_uri = parameters.require("redirect_uri").map_err(Refusal::Page)?;
    check_registered(application, redirect_uri).map_err(Refusal::Page)?;
    // From here on there is a safe way back, so errors take it.
    let state = parameters.get("state");
    parse_rest(&parameters, base_url, authority, application, redirect_uri)
        .map_err(|error| Refusal::Redirect(failed(redirect_uri, state, &error, base_url)))
}

fn parse_rest(
    parameters: &Parameters,
    base_url: &str,
    authority: Authority,
    application: &Application,
    redirect_uri: &str,
) -> Result<AuthorizeRequest, Aadsts> {
    check_response(parameters)?;
    let scope = parameters.require("scope")?;
    let asked = ScopeRequest::parse(scope, base_url)
        .map_err(|refusal| scope_error(&refusal, scope, application))?;
    let prompt = Prompt::parse(parameters.get("prompt"))?;
    let login_hint = parameters.get("login_hint");
    if prompt == Prompt::SelectAccount && login_hint.is_some() {
        return Err(Aadsts::new(
            90_023,
            "invalid_request",
            "'login_hint' cannot be combined with prompt 'select_account'.",
        ));
    }
    let nonce = parameters.get("nonce");
    if asked.openid.contains("openid") && nonce.is_none() {
        return Err(Aadsts::missing_parameter("nonce"));
    }
    Ok(AuthorizeRequest {
        authority,
        client: application.client_id,
        redirect_uri: redirect_uri.to_owned(),
        state: parameters.get("state").map(str::to_owned),
        asked,
        prompt,
        login_hint: login_hint.map(str::to_owned),
        nonce: nonce.map(str::to_owned),
        challenge: challenge(parameters, application)?,
    })
}

fn check_response(parameters: &Parameters) -> Result<(), Aadsts> {
    match parameters.require("response_type")? {
        "code" => {}
        kind @ ("id_token" | "token" | "code id_token" | "id_token token") => {
            return Err(Aadsts::new(
                700_054,
                "unsupported_response_type",
                format!("response_type '{kind}' is not enabled for the application."),
            ));
        }
        kind => {
            return Err(Aadsts::new(
                70_005,
                "unsupported_response_type",
                format!("The WS-Federation or OAuth2 response_type '{kind}' is not supported."),
            ));
        }
    }
    match parameters.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(mode) => Err(Aadsts::new(
            70_007,
            "invalid_request",
            format!("'{mode}' is not a supported value of 'response_mode' here."),
        )),
    }
}

fn challenge(parameters: &Parameters, application: &Application) -> Result<Option<String>, Aadsts> {
    let Some(challenge) = parameters.get("code_challenge") else {
        return if application.require_pkce {
            Err(Aadsts::missing_parameter("code_challenge"))
        } else {
            Ok(None)
        };
    };
    // Without a method Entra takes `plain`, which protects nothing and is refused here.
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(Aadsts::new(
            501_491,
            "invalid_request",
            "The 'code_challenge_method' must be 'S256'.",
        ));
    }
    let proper = challenge.len() == 43
        && challenge
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
    if !proper {
        return Err(Aadsts::new(
            50_147,
            "invalid_request",
            "Bad 'code_challenge' size: 43 characters are expected.",
        ));
    }
    Ok(Some(challenge.to_owned()))
}

/// The redirect URI has to be registered, to the letter. Anything else is told on a page, never by a redirect.
pub(crate) fn check_registered(
    application: &Application,
    redirect_uri: &str,
) -> Result<(), Aadsts> {
    if application.redirect_uris.contains(redirect_uri) {
        return Ok(());
    }
    Err(Aadsts::new(
        50_011,
        "invalid_request",
        format!(
            "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured \
             for the application '{}'.",
            application.client_id
        ),
    ))
}

/// What Entra says about a `scope` it does not take.
pub(crate) fn scope_error(
    refusal: &ScopeRefusal,
    scope: &str,
    application: &Application,
) -> Aadsts {
    match refusal {
        ScopeRefusal::Empty => Aadsts::missing_parameter("scope"),
        ScopeRefusal::DefaultMixed => Aadsts::new(
            70_011,
            "invalid_scope",
            format!(
                "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid. \
                 .default scope can't be combined with resource-specific scopes."
            ),
        ),
        ScopeRefusal::UnknownResource(resource) => Aadsts::new(
            500_011,
            "invalid_resource",
            format!("The resource principal named {resource} was not found in the tenant."),
        ),
        ScopeRefusal::UnknownPermission(name) => Aadsts::new(
            650_053,
            "invalid_client",
            format!(
                "The application '{}' asked for scope '{name}' that doesn't exist on the resource '{}'.",
                application.name,
                crate::scopes::GRAPH_APP_ID
            ),
        ),
    }
}

/// Where a signed-in person stands.
pub(crate) fn standing(
    world: &mut World,
    base_url: &str,
    request: &AuthorizeRequest,
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
        return Standing::WrongAccount(Aadsts::wrong_tenant(&person.upn, name));
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
    if home
        .installations
        .get(&request.client)
        .is_some_and(|installation| !installation.enabled)
    {
        return Standing::WrongAccount(Aadsts::disabled_application(&application.name));
    }
    let held = home.effective(request.client, user);
    let asked: BTreeSet<String> = if request.asked.default {
        let registered = application
            .delegated_permissions
            .union(&request.asked.openid)
            .cloned()
            .collect();
        // Any grant will do for `.default`: it means "whatever there is".
        if held.is_empty() || request.prompt == Prompt::Consent {
            registered
        } else {
            BTreeSet::new()
        }
    } else {
        request.asked.names()
    };
    let missing: BTreeSet<String> = if request.prompt == Prompt::Consent {
        asked
    } else {
        asked.difference(&held).cloned().collect()
    };
    if missing.is_empty() {
        return Standing::Done(issue_code(world, request, tenant, user));
    }
    if request.prompt == Prompt::None {
        let error = Aadsts {
            error: "interaction_required",
            ..Aadsts::consent_required(&request.client.to_string())
        };
        return Standing::Done(request.failed(&error, base_url));
    }
    if !policy::out_of_reach(home.policy, &person.roles, &missing).is_empty() {
        return Standing::NeedsApproval(Aadsts::new(
            90_094,
            "access_denied",
            format!(
                "{} needs permission to access resources in your organization that only an admin can grant. Please \
                 ask an admin to grant permission to this app before you can use it.",
                application.name
            ),
        ));
    }
    let offers_organization = policy::is_offered_the_organization(&person.roles);
    Standing::Ask(Question {
        scopes: missing,
        app_roles: BTreeSet::new(),
        for_organization: false,
        offers_organization,
    })
}

/// A fresh code, on its way to the application.
pub(crate) fn issue_code(
    world: &mut World,
    request: &AuthorizeRequest,
    tenant: TenantId,
    user: ObjectId,
) -> String {
    let code = random::secret("code.");
    let expires_at = world.clock.now() + CODE_LIFETIME_SECONDS;
    world.codes.insert(
        code.clone(),
        Code {
            client: request.client,
            redirect_uri: request.redirect_uri.clone(),
            authority: request.authority,
            tenant,
            user,
            asked: request.asked.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            expires_at,
            redeemed: false,
        },
    );
    let session = uuid::Uuid::new_v4().to_string();
    request.back(&[("code", &code), ("session_state", &session)])
}
