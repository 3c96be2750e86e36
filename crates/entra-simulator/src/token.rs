//! `/{tenant}/oauth2/v2.0/token`: codes, refresh tokens and an application's own credentials, turned into tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::aadsts::Aadsts;
use crate::authority::Authority;
use crate::authorize::scope_error;
use crate::client_authentication::{self, Recipient};
use crate::faults::Endpoint;
use crate::id_token::Subject;
use crate::identifiers::{ClientId, ObjectId, TenantId};
use crate::keys;
use crate::parameters::Parameters;
use crate::random;
use crate::scopes::ScopeRequest;
use crate::simulator::Simulator;
use crate::world::{AccessToken, RefreshToken, ScopeNames, TokenScopes, World};

const ACCESS_TOKEN_SECONDS: i64 = 3_599;
const REFRESH_TOKEN_SECONDS: i64 = 90 * 24 * 3_600;

pub(crate) async fn token(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(fault) = simulator.fault(Endpoint::Token).await {
        return fault;
    }
    let answer = answer(
        &mut simulator.world(),
        &simulator.base_url,
        &segment,
        &headers,
        &body,
    );
    let mut response = match answer {
        Ok(tokens) => Json(tokens).into_response(),
        Err(error) => {
            tracing::info!(code = error.code, error = error.error, "token refused");
            error.into_response(&simulator.base_url)
        }
    };
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-cache"),
    );
    response
}

fn answer(
    world: &mut World,
    base_url: &str,
    segment: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, Aadsts> {
    let authority = Authority::parse_in_this_cloud(&world.directory, segment)?;
    let parameters = Parameters::parse_form(headers, body)?;
    let grant_type = parameters.require("grant_type")?;
    let recipient = Recipient {
        base_url,
        segment,
        authority,
        now: world.clock.now(),
    };
    let client =
        client_authentication::authenticate(&world.directory, &parameters, headers, recipient)?;
    let call = Call {
        base_url,
        authority,
        client,
        parameters: &parameters,
    };
    match grant_type {
        "authorization_code" => call.redeem_code(world),
        "refresh_token" => call.refresh(world),
        "client_credentials" => call.application_itself(world),
        other => Err(Aadsts::new(
            70_003,
            "unsupported_grant_type",
            format!("The app requested an unsupported grant type '{other}'."),
        )),
    }
}

/// A call by an application that proved who it is.
struct Call<'a> {
    base_url: &'a str,
    authority: Authority,
    client: ClientId,
    parameters: &'a Parameters,
}

/// Whose tokens, and what they are to hold.
struct Issue<'a> {
    tenant: TenantId,
    user: ObjectId,
    /// What the user was asked for at first.
    asked: ScopeRequest,
    /// What this call asks for by name: all of it must be held.
    insists: BTreeSet<String>,
    nonce: Option<&'a str>,
}

impl Call<'_> {
    fn redeem_code(&self, world: &mut World) -> Result<Value, Aadsts> {
        let code = self.parameters.require("code")?;
        let redirect_uri = self.parameters.require("redirect_uri")?;
        let verifier = self.parameters.get("code_verifier");
        let insists = self
            .scope(world)?
            .map(|scope| scope.permissions)
            .unwrap_or_default();
        let now = world.clock.now();
        let invalid = |code, message: &str| Aadsts::new(code, "invalid_grant", message);
        let stored = world
            .codes
            .get_mut(code)
            .filter(|stored| stored.client == self.client)
            .ok_or_else(|| {
                invalid(
                    70_000,
                    "The provided value for the 'code' parameter is not valid.",
                )
            })?;
        if stored.redeemed {
            return Err(invalid(
                54_005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
            ));
        }
        if now >= stored.expires_at {
            return Err(invalid(
                70_008,
                "The provided authorization code or refresh token has expired due to inactivity.",
            ));
        }
        if stored.authority != self.authority {
            return Err(invalid(
                700_005,
                "The provided authorization code is intended to use against other tenant, thus rejected.",
            ));
        }
        if stored.redirect_uri != redirect_uri {
            return Err(Aadsts::new(
                500_112,
                "invalid_client",
                format!(
                    "The reply address '{redirect_uri}' does not match the reply address '{}' provided when \
                     requesting Authorization code.",
                    stored.redirect_uri
                ),
            ));
        }
        if !proves(stored.challenge.as_deref(), verifier) {
            return Err(invalid(
                501_481,
                "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
            ));
        }
        stored.redeemed = true;
        let stored = stored.clone();
        let issue = Issue {
            tenant: stored.tenant,
            user: stored.user,
            asked: stored.asked,
            insists,
            nonce: stored.nonce.as_deref(),
        };
        self.issue(world, &issue)
    }

    fn refresh(&self, world: &mut World) -> Result<Value, Aadsts> {
        let token = self.parameters.require("refresh_token")?;
        let scope = self.scope(world)?;
        let invalid = |code, message: &str| Aadsts::new(code, "invalid_grant", message);
        let stored = world
            .refresh_tokens
            .get(token)
            .filter(|stored| stored.client == self.client)
            .cloned()
            .ok_or_else(|| {
                invalid(
                    9_002_313,
                    "Invalid request. Request is malformed or invalid.",
                )
            })?;
        if world.clock.now() >= stored.issued_at + REFRESH_TOKEN_SECONDS {
            return Err(invalid(
                700_082,
                "The refresh token has expired due to inactivity.",
            ));
        }
        let member = world.directory.member(stored.user);
        let (home, user) = member
            .ok_or_else(|| invalid(50_034, "The user account does not exist in the directory."))?;
        if !self.authority.admits(home.id) {
            return Err(Aadsts {
                error: "invalid_grant",
                ..Aadsts::wrong_tenant(&user.upn, "this directory")
            });
        }
        if stored.issued_at < user.sessions_valid_from {
            return Err(invalid(
                50_173,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
            ));
        }
        let (asked, insists) = match scope {
            Some(scope) => {
                let openid = stored.asked.openid.union(&scope.openid).cloned().collect();
                (
                    ScopeRequest {
                        openid,
                        ..scope.clone()
                    },
                    scope.permissions,
                )
            }
            None => (stored.asked, BTreeSet::new()),
        };
        self.issue(
            world,
            &Issue {
                tenant: stored.tenant,
                user: stored.user,
                asked,
                insists,
                nonce: None,
            },
        )
    }

    fn application_itself(&self, world: &mut World) -> Result<Value, Aadsts> {
        self.parameters.require("scope")?;
        let Authority::Tenant(tenant) = self.authority else {
            return Err(Aadsts::new(
                50_059,
                "invalid_request",
                "No tenant-identifying information found in either the request or implied by any provided credentials.",
            ));
        };
        let asked = self.scope(world)?.unwrap_or_default();
        if !asked.default || !asked.openid.is_empty() {
            return Err(Aadsts::new(
                1_002_012,
                "invalid_scope",
                "The provided value for scope is not valid. Client credential flows must have a scope value with \
                 /.default suffixed to the resource identifier (application ID URI).",
            ));
        }
        self.check_installed(world, tenant)?;
        let roles = world
            .directory
            .tenants
            .get(&tenant)
            .and_then(|tenant| tenant.installations.get(&self.client))
            .map(|installation| installation.app_roles.clone())
            .unwrap_or_default();
        let token = access_token(world, tenant, None, roles);
        Ok(json!({
            "token_type": "Bearer", "expires_in": ACCESS_TOKEN_SECONDS, "ext_expires_in": ACCESS_TOKEN_SECONDS,
            "access_token": token,
        }))
    }

    fn scope(&self, world: &World) -> Result<Option<ScopeRequest>, Aadsts> {
        let Some(scope) = self.parameters.get("scope") else {
            return Ok(None);
        };
        let application = world.directory.applications.get(&self.client);
        ScopeRequest::parse(scope, self.base_url)
            .map(Some)
            .map_err(|refusal| match application {
                Some(application) => scope_error(&refusal, scope, application),
                None => Aadsts::missing_parameter("client_id"),
            })
    }

    fn check_installed(&self, world: &World, tenant: TenantId) -> Result<(), Aadsts> {
        let client = self.client.to_string();
        let home = world
            .directory
            .tenants
            .get(&tenant)
            .ok_or_else(|| Aadsts::unknown_tenant(&tenant.to_string()))?;
        match home.installations.get(&self.client) {
            None => Err(Aadsts::unknown_application(&client, &home.name)),
            Some(installation) if !installation.enabled => {
                Err(Aadsts::disabled_application(&client))
            }
            Some(_) => Ok(()),
        }
    }

    fn issue(&self, world: &mut World, issue: &Issue<'_>) -> Result<Value, Aadsts> {
        self.check_installed(world, issue.tenant)?;
        let member = world.directory.member(issue.user);
        let invalid = |code, message: &str| Aadsts::new(code, "invalid_grant", message);
        let (home, user) = member
            .ok_or_else(|| invalid(50_034, "The user account does not exist in the directory."))?;
        if !user.enabled {
            return Err(invalid(50_057, "The user account is disabled."));
        }
        let application = world
            .directory
            .applications
            .get(&self.client)
            .ok_or_else(|| Aadsts::unknown_application(&self.client.to_string(), &home.name))?;
        let held = home.effective(self.client, issue.user);
        let asked = issue
            .asked
            .permissions
            .union(&issue.insists)
            .cloned()
            .collect::<BTreeSet<String>>();
        let nothing_left = held.is_empty() || (!asked.is_empty() && asked.is_disjoint(&held));
        if nothing_left || !issue.insists.is_subset(&held) {
            return Err(Aadsts::consent_required(&self.client.to_string()));
        }
        let permissions: BTreeSet<String> = held
            .iter()
            .filter(|scope| !crate::scopes::OPENID_SCOPES.contains(&scope.as_str()))
            .cloned()
            .collect();
        let listed = match world.options.token_scopes {
            TokenScopes::Requested if !asked.is_empty() => {
                permissions.intersection(&asked).cloned().collect()
            }
            TokenScopes::Requested | TokenScopes::AllGranted => permissions.clone(),
        };
        let openid = &issue.asked.openid;
        let id_token = if openid.contains("openid") {
            let subject = Subject {
                base_url: self.base_url,
                tenant: home,
                user,
                application,
                nonce: issue.nonce,
                profile: openid.contains("profile"),
                email: openid.contains("email"),
                now: world.clock.now(),
            };
            let signed = keys::sign_jwt(&world.keys.current, &Value::Object(subject.claims()));
            Some(signed.map_err(|error| Aadsts::new(50_000, "server_error", error.to_string()))?)
        } else {
            None
        };
        let scope = scope_text(world.options.scope_names, &listed, openid);
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("token_type", json!("Bearer"));
        put("scope", json!(scope));
        put("expires_in", json!(ACCESS_TOKEN_SECONDS));
        put("ext_expires_in", json!(ACCESS_TOKEN_SECONDS));
        put(
            "access_token",
            json!(access_token(
                world,
                issue.tenant,
                Some(issue.user),
                permissions
            )),
        );
        if openid.contains("offline_access") {
            put("refresh_token", json!(self.refresh_token(world, issue)));
        }
        if let Some(id_token) = id_token {
            put("id_token", json!(id_token));
        }
        Ok(Value::Object(body))
    }

    fn refresh_token(&self, world: &mut World, issue: &Issue<'_>) -> String {
        let token = random::secret("refresh.");
        let (tenant, user, asked) = (issue.tenant, issue.user, issue.asked.clone());
        let issued_at = world.clock.now();
        world.refresh_tokens.insert(
            token.clone(),
            RefreshToken {
                client: self.client,
                tenant,
                user,
                asked,
                issued_at,
            },
        );
        token
    }
}

fn access_token(
    world: &mut World,
    tenant: TenantId,
    user: Option<ObjectId>,
    permissions: BTreeSet<String>,
) -> String {
    let token = random::secret("access.");
    let expires_at = world.clock.now() + ACCESS_TOKEN_SECONDS;
    world.access_tokens.insert(
        token.clone(),
        AccessToken {
            tenant,
            user,
            permissions,
            expires_at,
        },
    );
    token
}

fn scope_text(
    names: ScopeNames,
    permissions: &BTreeSet<String>,
    openid: &BTreeSet<String>,
) -> String {
    let prefix = match names {
        ScopeNames::Short => "",
        ScopeNames::Full => "https://graph.microsoft.com/",
    };
    let permissions = permissions.iter().map(|name| format!("{prefix}{name}"));
    let openid = openid
        .iter()
        .filter(|name| *name != "offline_access")
        .cloned();
    permissions.chain(openid).collect::<Vec<String>>().join(" ")
}

/// RFC 7636, `S256`.
fn proves(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            (43..=128).contains(&verifier.len())
                && URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
                    == challenge
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}
