//! The `claims` parameter: what a client can do, and what it was told to ask for.

use serde_json::Value;

use crate::aadsts::{Aadsts, Code};
use crate::parameters::Parameters;

/// A `claims` parameter that could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClaimsRequest {
    /// Whether the client says that it understands claims challenges (`xms_cc` with `cp1`): it then gets tokens for
    /// continuous access evaluation, which live long and may be revoked.
    pub(crate) continuous: bool,
}

impl ClaimsRequest {
    /// Reads the parameter, which must be a JSON object where there is one. Claims that nobody here knows are taken
    /// as they are: they come from challenges, and are sent back as they came.
    pub(crate) fn parse(parameters: &Parameters) -> Result<Self, Aadsts> {
        let Some(text) = parameters.get("claims") else {
            return Ok(Self::default());
        };
        let claims: Option<Value> = serde_json::from_str(text).ok().filter(Value::is_object);
        let claims = claims.ok_or_else(|| {
            Code::InvalidRequest
                .error_on(parameters.surface())
                .with_message("The 'claims' parameter is not a JSON object.")
        })?;
        let capabilities = claims.pointer("/access_token/xms_cc/values");
        let continuous = capabilities
            .and_then(Value::as_array)
            .is_some_and(|values| {
                values
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|value| value.eq_ignore_ascii_case("cp1"))
            });
        Ok(Self { continuous })
    }
}
