//! Tokens for a user, if everything still allows them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Call;
use crate::aadsts::{Aadsts, Code, Surface};
use crate::client_info::client_info;
use crate::clock::Moment;
use crate::directory::{Application, Tenant, User};
use crate::id_token::{self, Subject};
use crate::identifiers::{ObjectId, TenantId};
use crate::keys;
use crate::random;
use crate::scopes::{OPENID_SCOPES, ScopeRequest};
use crate::state::{AccessToken, RefreshToken, ScopeNames, SimulatedState, TokenScopes};

/// With continuous access evaluation a token may live for up to 28 hours: it can be revoked before.
const CONTINUOUS_ACCESS_TOKEN_SECONDS: i64 = 28 * 3_600 - 1;

/// Whose tokens, and what they are to hold.
pub(super) struct Issue<'a> {
    pub(super) tenant: TenantId,
    pub(super) user: ObjectId,
    pub(super) signed_in: Moment,
    /// What the user was asked for at first.
    pub(super) asked: ScopeRequest,
    /// What this call asks for by name: all of it must be held.
    pub(super) insists: BTreeSet<String>,
    pub(super) nonce: Option<&'a str>,
}

/// In whose name an access token is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) tenant: TenantId,
    pub(super) user: Option<ObjectId>,
    pub(super) continuous: bool,
}

impl Call<'_> {
    pub(super) fn issue(
        &self,
        state: &mut SimulatedState,
        issue: &Issue<'_>,
    ) -> Result<Value, Aadsts> {
        let home = self.installed_in(state, issue.tenant)?;
        let (user, application) = self.admitted(state, home, issue.user)?;
        let held = home.effective(self.client, issue.user);
        let asked: BTreeSet<String> = issue
            .asked
            .permissions
            .union(&issue.insists)
            .cloned()
            .collect();
        let nothing_left = held.is_empty() || (!asked.is_empty() && asked.is_disjoint(&held));
        if nothing_left || !issue.insists.is_subset(&held) {
            return Err(Code::DelegationDoesNotExist
                .error_on(Surface::Token)
                .with_application(application, &home.name));
        }
        let openid = &issue.asked.openid;
        let id_token = if openid.contains("openid") {
            Some(self.id_token(state, home, user, application, issue)?)
        } else {
            None
        };
        let permissions: BTreeSet<String> = held
            .into_iter()
            .filter(|scope| !OPENID_SCOPES.contains(&scope.as_str()))
            .collect();
        let listed = match state.options.token_scopes {
            TokenScopes::Requested if !asked.is_empty() => {
                permissions.intersection(&asked).cloned().collect()
            }
            TokenScopes::Requested | TokenScopes::AllGranted => permissions.clone(),
        };
        let scope = scope_text(state.options.scope_names, &listed, openid);
        let lifetime = self.access_token_seconds(state);
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("token_type", json!("Bearer"));
        put("scope", json!(scope));
        put("expires_in", json!(lifetime));
        put("ext_expires_in", json!(lifetime));
        let holder = Holder {
            tenant: issue.tenant,
            user: Some(issue.user),
            continuous: self.claims.continuous,
        };
        let token = access_token(state, holder, permissions, lifetime);
        put("access_token", json!(token));
        if openid.contains("offline_access") {
            put("refresh_token", json!(self.refresh_token(state, issue)));
        }
        if let Some(id_token) = id_token {
            put("id_token", json!(id_token));
        }
        if self.parameters.get("client_info") == Some("1") && openid.contains("profile") {
            put("client_info", json!(client_info(issue.tenant, issue.user)));
        }
        Ok(Value::Object(body))
    }

    /// The person, if they may use the application at all, and the application.
    fn admitted<'w>(
        &self,
        state: &'w SimulatedState,
        home: &'w Tenant,
        user: ObjectId,
    ) -> Result<(&'w User, &'w Application), Aadsts> {
        let person = home.users.get(&user);
        let application = state.directory.applications.get(&self.client);
        let (Some(person), Some(application)) = (person, application) else {
            return Err(Code::UserAccountNotFound
                .error_on(Surface::Token)
                .with_facts(&[("tenant", &home.name)]));
        };
        if !person.enabled {
            return Err(Code::UserDisabled.error_on(Surface::Token));
        }
        let installation = home.installations.get(&self.client);
        if installation.is_some_and(|installation| !installation.admits(user)) {
            return Err(Code::EntitlementGrantsNotFound
                .error_on(Surface::Token)
                .with_application(application, &home.name));
        }
        Ok((person, application))
    }

    fn id_token(
        &self,
        state: &SimulatedState,
        home: &Tenant,
        user: &User,
        application: &Application,
        issue: &Issue<'_>,
    ) -> Result<String, Aadsts> {
        let openid = &issue.asked.openid;
        let now = state.clock.now();
        let claims = Subject {
            base_url: self.base_url,
            tenant: home,
            user,
            application,
            nonce: issue.nonce,
            profile: openid.contains("profile"),
            email: openid.contains("email"),
            now,
        }
        .claims();
        let signed = match self.forging {
            Some(forging) => {
                let stranger = forging.stranger.as_ref();
                id_token::forge(forging.forgery, claims, &state.keys, stranger, now)
            }
            None => keys::sign_jwt(&state.keys.current, &Value::Object(claims)),
        };
        signed.map_err(|error| {
            Code::TokenIssuanceError
                .error_on(Surface::Token)
                .with_message(error.to_string())
        })
    }

    pub(super) fn access_token_seconds(&self, state: &SimulatedState) -> i64 {
        if self.claims.continuous {
            CONTINUOUS_ACCESS_TOKEN_SECONDS
        } else {
            i64::from(state.options.access_token_seconds)
        }
    }

    fn refresh_token(&self, state: &mut SimulatedState, issue: &Issue<'_>) -> String {
        let token = random::secret("refresh.");
        let issued = state.clock.moment();
        state.refresh_tokens.insert(
            token.clone(),
            RefreshToken {
                client: self.client,
                tenant: issue.tenant,
                user: issue.user,
                asked: issue.asked.clone(),
                issued,
                signed_in: issue.signed_in,
            },
        );
        token
    }
}

pub(super) fn access_token(
    state: &mut SimulatedState,
    holder: Holder,
    permissions: BTreeSet<String>,
    lifetime: i64,
) -> String {
    let token = random::secret("access.");
    let issued = state.clock.moment();
    state.access_tokens.insert(
        token.clone(),
        AccessToken {
            tenant: holder.tenant,
            user: holder.user,
            permissions,
            continuous: holder.continuous,
            issued,
            expires_at: issued.seconds + lifetime,
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
