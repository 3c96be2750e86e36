//! The HTTP side: who may ask, and how it is answered. The decision is elsewhere.

mod login_body;

use std::sync::Arc;

use assent_domain::ids::AccountId;
use assent_service_kit::config::Origin;
use assent_service_kit::{ApiJson, BearerVerifier, Caller, Problem};
use axum::extract::{FromRequestParts, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};

use crate::answer::Answer;
use crate::decide_login::LoginHook;
use crate::sign_in::invalid_id_token;
use login_body::LoginBody;

/// The description of all of this.
const OPENAPI: &str = include_str!("../openapi.json");

/// What a token needs to ask for decisions.
const SCOPE: &str = "login:decide";

/// What every handler shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hook: LoginHook,
    pub(crate) verifier: BearerVerifier,
    pub(crate) return_origins: Vec<Origin>,
}

/// All routes.
pub(crate) fn router(shared: Shared) -> Router {
    routes()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(path, methods)
        })
        .with_state(Arc::new(shared))
}

fn routes() -> [(&'static str, MethodRouter<Arc<Shared>>); 2] {
    [
        ("/v1/login-decisions", post(post_login_decision)),
        ("/openapi.json", get(openapi)),
    ]
}

async fn post_login_decision(
    State(shared): State<Arc<Shared>>,
    host: HostService,
    ApiJson(body): ApiJson<LoginBody>,
) -> Result<Json<Answer>, Problem> {
    host.may_ask_about(&body.account_id)?;
    let login = body.check(&shared.return_origins)?;
    let answer = shared
        .hook
        .decide_login(login)
        .await
        .map_err(|error| invalid_id_token(&error))?;
    answer.count();
    Ok(Json(answer))
}

async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// One of the host application's services that may ask for decisions.
struct HostService(Caller);

impl HostService {
    /// A token that names an account reaches that account only.
    fn may_ask_about(&self, account: &AccountId) -> Result<(), Problem> {
        match self.0.account.as_deref() {
            Some(own) if own != account.as_str() => {
                Err(Problem::forbidden("the token is of another account"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl FromRequestParts<Arc<Shared>> for HostService {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let caller = shared.verifier.authenticate(&parts.headers).await?;
        if caller.has_scope(SCOPE) {
            Ok(Self(caller))
        } else {
            Err(Problem::forbidden("the token needs the scope login:decide"))
        }
    }
}

#[cfg(test)]
mod tests;
