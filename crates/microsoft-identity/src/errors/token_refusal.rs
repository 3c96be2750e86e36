//! A refusal as the token endpoint words it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::AuthorizationError;
use super::numbers::codes_in_description;

/// The token endpoint's error body. What is not in the expected form counts as absent: only without an `error` is it
/// no refusal.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct TokenRefusal {
    error: String,
    #[serde(default)]
    suberror: Value,
    #[serde(default)]
    error_codes: Value,
    #[serde(default)]
    error_description: DescriptionCodes,
    #[serde(default)]
    correlation_id: Value,
    #[serde(default)]
    trace_id: Value,
}

/// The numbers of a description, for answers without `error_codes`. The text is not kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(from = "Value")]
struct DescriptionCodes(Vec<u32>);

impl From<Value> for DescriptionCodes {
    fn from(description: Value) -> Self {
        Self(codes_in_description(
            description.as_str().unwrap_or_default(),
        ))
    }
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl oauth2::ErrorResponse for TokenRefusal {}

impl From<TokenRefusal> for AuthorizationError {
    fn from(refusal: TokenRefusal) -> Self {
        let id = |value: &Value| value.as_str().and_then(|id| Uuid::try_parse(id).ok());
        let listed: Vec<u32> = refusal
            .error_codes
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|code| code.as_u64().and_then(|code| u32::try_from(code).ok()))
            .collect();
        let codes = if listed.is_empty() {
            refusal.error_description.0
        } else {
            listed
        };
        Self::from_token_endpoint(
            &refusal.error,
            refusal.suberror.as_str(),
            codes,
            id(&refusal.correlation_id),
            id(&refusal.trace_id),
        )
    }
}
