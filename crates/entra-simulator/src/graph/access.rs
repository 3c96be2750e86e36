//! Whose token it is, and what it may do.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::error::GraphError;
use crate::scopes::GRAPH_APP_ID;
use crate::state::{AccessToken, SimulatedState};

pub(super) fn bearer(
    state: &SimulatedState,
    headers: &HeaderMap,
    base_url: &str,
) -> Result<AccessToken, GraphError> {
    let refused = GraphError::unauthenticated;
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token)
        .ok_or_else(|| refused("Access token is empty."))?;
    let known = state
        .access_tokens
        .get(token)
        .ok_or_else(|| refused("Access token validation failure."))?;
    if state.clock.now() >= known.expires_at {
        return Err(refused("Lifetime validation failed, the token is expired."));
    }
    if known.continuous && is_revoked(state, known) {
        let message = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: \
                       TokenIssuedBeforeRevocationTimestamp";
        return Err(refused(message).challenging(challenge(state.clock.now(), base_url)));
    }
    Ok(known.clone())
}

/// Continuous access evaluation: something happened to the person since the token was issued. The withdrawal of a
/// consent is not among what counts.
fn is_revoked(state: &SimulatedState, token: &AccessToken) -> bool {
    token.user.is_some_and(|user| {
        state.directory.member(user).is_none_or(|(_, user)| {
            !user.enabled || token.issued.order < user.revoked.continuous_access
        })
    })
}

/// What a client has to ask for in its next request for a token.
fn challenge(now: i64, base_url: &str) -> String {
    let claims =
        json!({ "access_token": { "nbf": { "essential": true, "value": now.to_string() } } });
    format!(
        "Bearer realm=\"\", authorization_uri=\"{base_url}/common/oauth2/authorize\", client_id=\"{GRAPH_APP_ID}\", \
         error=\"insufficient_claims\", claims=\"{}\"",
        STANDARD.encode(claims.to_string())
    )
}

pub(super) fn allow(token: &AccessToken, any_of: &[&str]) -> Result<(), GraphError> {
    let permitted = any_of
        .iter()
        .any(|permission| token.permissions.contains(*permission));
    if permitted {
        Ok(())
    } else {
        Err(GraphError::denied())
    }
}
