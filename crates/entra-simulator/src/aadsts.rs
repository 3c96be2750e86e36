//! Entra's errors: an OAuth `error`, an AADSTS number and a sentence, in the shapes of each place they appear.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock;

/// An error as Entra tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aadsts {
    pub(crate) code: u32,
    pub(crate) error: &'static str,
    pub(crate) message: String,
    pub(crate) suberror: Option<&'static str>,
}

impl Aadsts {
    pub(crate) fn new(code: u32, error: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            error,
            message: message.into(),
            suberror: None,
        }
    }

    pub(crate) fn with_suberror(self, suberror: &'static str) -> Self {
        Self {
            suberror: Some(suberror),
            ..self
        }
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::new(
            900_144,
            "invalid_request",
            format!("The request body must contain the following parameter: '{name}'."),
        )
    }

    pub(crate) fn unknown_tenant(name: &str) -> Self {
        Self::new(
            90_002,
            "invalid_tenant",
            format!(
                "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into \
                 the correct cloud. Check with your subscription administrator, this may happen if there are no \
                 active subscriptions for the tenant."
            ),
        )
    }

    pub(crate) fn unknown_application(client_id: &str, tenant: &str) -> Self {
        Self::new(
            700_016,
            "unauthorized_client",
            format!(
                "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can \
                 happen if the application has not been installed by the administrator of the tenant or consented \
                 to by any user in the tenant."
            ),
        )
    }

    pub(crate) fn disabled_application(client_id: &str) -> Self {
        Self::new(
            7_000_112,
            "unauthorized_client",
            format!("Application '{client_id}' is disabled."),
        )
    }

    pub(crate) fn unknown_instance() -> Self {
        Self::new(50_049, "invalid_instance", "Unknown or invalid instance.")
    }

    pub(crate) fn malformed_discovery() -> Self {
        Self::new(50_050, "invalid_request", "The request is malformed.")
    }

    pub(crate) fn other_cloud() -> Self {
        Self::new(
            900_382,
            "invalid_request",
            "Confidential Client is not supported in Cross Cloud request.",
        )
    }

    pub(crate) fn consent_required(client_id: &str) -> Self {
        Self::new(
            65_001,
            "invalid_grant",
            format!(
                "The user or administrator has not consented to use the application with ID '{client_id}'. Send an \
                 interactive authorization request for this user and resource."
            ),
        )
        .with_suberror("consent_required")
    }

    pub(crate) fn wrong_tenant(upn: &str, tenant: &str) -> Self {
        Self::new(
            50_020,
            "access_denied",
            format!(
                "User account '{upn}' does not exist in tenant '{tenant}' and cannot access the application in that \
                 tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in \
                 again with a different account."
            ),
        )
    }

    pub(crate) fn declined() -> Self {
        Self::new(
            65_004,
            "access_denied",
            "User declined to consent to access the app.",
        )
    }

    /// The text that goes into `error_description`.
    pub(crate) fn description(&self) -> String {
        self.described(Uuid::new_v4(), Uuid::new_v4())
    }

    fn described(&self, trace: Uuid, correlation: Uuid) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {}",
            self.code,
            self.message,
            clock::timestamp_text(clock::system_now())
        )
    }

    fn status(&self) -> StatusCode {
        match self.error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The JSON of the token and metadata endpoints.
    pub(crate) fn to_json(&self, base_url: &str) -> Value {
        let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
        let mut body = Map::new();
        body.insert("error".to_owned(), json!(self.error));
        body.insert(
            "error_description".to_owned(),
            json!(self.described(trace, correlation)),
        );
        body.insert("error_codes".to_owned(), json!([self.code]));
        body.insert(
            "timestamp".to_owned(),
            json!(clock::timestamp_text(clock::system_now())),
        );
        body.insert("trace_id".to_owned(), json!(trace));
        body.insert("correlation_id".to_owned(), json!(correlation));
        body.insert("error_uri".to_owned(), json!(self.error_uri(base_url)));
        if let Some(suberror) = self.suberror {
            body.insert("suberror".to_owned(), json!(suberror));
        }
        Value::Object(body)
    }

    pub(crate) fn error_uri(&self, base_url: &str) -> String {
        format!("{base_url}/error?code={}", self.code)
    }

    pub(crate) fn into_response(self, base_url: &str) -> Response {
        (self.status(), axum::Json(self.to_json(base_url))).into_response()
    }
}
