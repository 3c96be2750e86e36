//! Entra's errors: an OAuth `error`, an AADSTS number and a sentence, in the shapes of each place they appear.

mod redirect;
mod refusal;
mod table;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) use redirect::CANCELLED;
pub(crate) use table::{Code, ON_DEMAND};
use table::{OF_REQUESTS, UNLISTED};

use crate::clock;
use crate::directory::Application;
use crate::request_ids;

/// How long whoever is throttled has to wait, unless the limit says when it has room again.
const RETRY_AFTER_SECONDS: i64 = 10;

/// Where an error is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// On a page, or in a redirect back from `authorize`.
    Authorize,
    /// On a page, or in a redirect back from `adminconsent`.
    AdminConsent,
    /// In the JSON of the token endpoint.
    Token,
    /// In the JSON of the metadata, the keys and the instance discovery.
    Metadata,
}

/// Microsoft documents one form of its errors, and sends another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// What the documentation shows.
    Documented,
    /// What was seen in the wild.
    #[default]
    Observed,
}

/// An error as Entra tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aadsts {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// The code's own, but for [`Code::Unlisted`].
    number: u32,
    /// Told in place of the row's.
    other: Words,
    surface: Surface,
    shape: Shape,
    /// In how many seconds to try again, where the caller is throttled.
    retry_after: Option<i64>,
}

/// The words that a program decides on, where they are to be others than those of the row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) error: Option<String>,
    pub(crate) suberror: Option<String>,
}

impl Code {
    pub(crate) fn number(self) -> u32 {
        self.refusal().number
    }

    /// The error of this code, in the shape that was seen in the wild.
    pub(crate) fn error_on(self, surface: Surface) -> Aadsts {
        self.shaped(surface, Shape::Observed)
    }

    pub(crate) fn shaped(self, surface: Surface, shape: Shape) -> Aadsts {
        Aadsts {
            code: self,
            message: self.refusal().message.to_owned(),
            number: self.number(),
            other: Words::default(),
            surface,
            shape,
            retry_after: (self == Self::TenantThrottlingError).then_some(RETRY_AFTER_SECONDS),
        }
    }

    /// The code of any number.
    pub(crate) fn of_number(number: u32) -> Self {
        let mut all = ON_DEMAND.iter().chain(OF_REQUESTS).chain(UNLISTED);
        let found = all.find(|code| code.number() == number);
        found.copied().unwrap_or(Self::Unlisted)
    }

    pub(crate) fn error(self, surface: Surface, shape: Shape) -> &'static str {
        let refusal = self.refusal();
        match (surface, shape) {
            // The documented answer to a declined consent for the organisation; nobody has seen it.
            (Surface::AdminConsent, Shape::Documented) if self == Self::UserDeclinedConsent => {
                "consent_required"
            }
            (Surface::Authorize | Surface::AdminConsent, _) => refusal.on_redirect,
            (Surface::Token, Shape::Documented) => refusal.from_token,
            (Surface::Metadata, _) if self == Self::InvalidTenantName => "invalid_tenant",
            (Surface::Token | Surface::Metadata, _) => refusal.seen_from_token,
        }
    }
}

impl Aadsts {
    /// Puts values into the braces of the table's sentence. What nobody knows stays as it is, as in Microsoft's own
    /// `{EmailHidden}`.
    pub(crate) fn with_facts(mut self, facts: &[(&str, &str)]) -> Self {
        for (name, value) in facts {
            self.message = self.message.replace(&format!("{{{name}}}"), value);
        }
        self
    }

    pub(crate) fn with_application(self, application: &Application, tenant: &str) -> Self {
        let id = application.client_id.to_string();
        self.with_facts(&[
            ("appId", &id),
            ("appName", &application.name),
            ("tenant", tenant),
        ])
    }

    pub(crate) fn missing_parameter(name: &str, surface: Surface) -> Self {
        Code::MissingParameter
            .error_on(surface)
            .with_facts(&[("name", name)])
    }

    /// Says something more precise than the table.
    pub(crate) fn with_message(self, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..self
        }
    }

    /// Tells the error under another number, or in other words.
    pub(crate) fn told_as(self, number: u32, other: Words) -> Self {
        Self {
            number,
            other,
            ..self
        }
    }

    pub(crate) fn retry_after(self, seconds: i64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn error(&self) -> &str {
        let own = self.code.error(self.surface, self.shape);
        self.other.error.as_deref().unwrap_or(own)
    }

    fn suberror(&self) -> Option<&str> {
        let own = self.code.refusal().suberror;
        let own = own.filter(|_| self.shape == Shape::Observed);
        self.other.suberror.as_deref().or(own)
    }

    /// The text that goes into `error_description`. The documentation shows lines where spaces were seen.
    fn description(&self, trace: Uuid, correlation: Uuid) -> String {
        let separator = match self.shape {
            Shape::Documented => "\r\n",
            Shape::Observed => " ",
        };
        [
            format!("AADSTS{}: {}", self.number, self.message),
            format!("Trace ID: {trace}"),
            format!("Correlation ID: {correlation}"),
            format!("Timestamp: {}", clock::timestamp_text(clock::system_now())),
        ]
        .join(separator)
    }

    fn status(&self) -> StatusCode {
        if self.retry_after.is_some() {
            return StatusCode::TOO_MANY_REQUESTS;
        }
        match self.error() {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The JSON of the token and metadata endpoints.
    fn to_json(&self, base_url: &str, trace: Uuid, correlation: Uuid) -> Value {
        let refusal = self.code.refusal();
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("error", json!(self.error()));
        put(
            "error_description",
            json!(self.description(trace, correlation)),
        );
        put("error_codes", json!([self.number]));
        put(
            "timestamp",
            json!(clock::timestamp_text(clock::system_now())),
        );
        put("trace_id", json!(trace));
        put("correlation_id", json!(correlation));
        put("error_uri", json!(self.error_uri(base_url)));
        if let Some(suberror) = self.suberror() {
            put("suberror", json!(suberror));
        }
        if refusal.claims {
            put("claims", json!(claims_challenge()));
        }
        Value::Object(body)
    }

    fn error_uri(&self, base_url: &str) -> String {
        format!("{base_url}/error?code={}", self.number)
    }

    /// As an answer to a call that may have named its correlation id.
    pub(crate) fn into_response(self, base_url: &str, headers: &HeaderMap) -> Response {
        let named = headers
            .get("client-request-id")
            .and_then(|value| Uuid::try_parse(value.to_str().ok()?).ok());
        let trace = Uuid::new_v4();
        let body = self.to_json(base_url, trace, named.unwrap_or_else(Uuid::new_v4));
        let mut response = (self.status(), axum::Json(body)).into_response();
        request_ids::name(&mut response, trace);
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Which policies want something more of the person: to be sent back with the next request, whatever it says.
fn claims_challenge() -> String {
    json!({ "access_token": { "capolids": { "essential": true, "values": [Uuid::new_v4()] } } })
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_and_no_name_is_in_the_table_twice() {
        let all = || ON_DEMAND.iter().chain(OF_REQUESTS);
        let numbers: BTreeSet<u32> = all().map(|code| code.number()).collect();
        let names: BTreeSet<&str> = all().map(|code| code.refusal().name).collect();
        assert_eq!(numbers.len(), all().count());
        assert_eq!(names.len(), all().count());
    }

    #[test]
    fn what_was_seen_differs_from_what_is_documented_where_it_does() {
        let consent = Code::DelegationDoesNotExist;
        assert_eq!(
            consent.error(Surface::Token, Shape::Documented),
            "consent_required"
        );
        assert_eq!(
            consent.error(Surface::Token, Shape::Observed),
            "invalid_grant"
        );
        let documented = consent.shaped(Surface::Token, Shape::Documented);
        let observed = consent.error_on(Surface::Token);
        let correlation = Uuid::new_v4();
        assert_eq!(
            observed.to_json("", Uuid::nil(), correlation)["suberror"],
            "consent_required"
        );
        let documented_body = documented.to_json("", Uuid::nil(), correlation);
        assert_eq!(documented_body.get("suberror"), None);
        let lines = documented.description(Uuid::new_v4(), correlation);
        assert!(lines.contains(&format!("\r\nCorrelation ID: {correlation}\r\nTimestamp: ")));
        let spaces = observed.description(Uuid::new_v4(), correlation);
        assert!(spaces.contains(&format!(" Correlation ID: {correlation} Timestamp: ")));
    }

    #[test]
    fn what_the_request_does_not_tell_stays_in_braces() {
        let error = Code::UserUnauthorized
            .error_on(Surface::Authorize)
            .with_facts(&[("tenant", "contoso.example")]);
        assert!(
            error.message.contains("'{EmailHidden}'")
                && error.message.contains("'contoso.example'")
        );
    }
}
