//! How an answer of JetStream's API says that it refuses.

use serde::Deserialize;

use crate::jetstream::JetStreamError;

/// The member `error` of an answer.
#[derive(Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) err_code: u64,
    #[serde(default)]
    pub(crate) description: String,
}

impl From<ApiError> for JetStreamError {
    fn from(error: ApiError) -> Self {
        Self::Refused {
            code: error.err_code,
            description: error.description,
        }
    }
}
