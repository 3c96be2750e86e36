//! Autodiscover, version 2: where a mailbox is. Anybody may ask.
//!
//! Microsoft documents it by an example: for a mailbox on premises, the address of the company's own server. What it
//! says when it is asked wrongly, or about nobody, is what Exchange was seen to say.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::form_urlencoded;

use crate::directory::Mailbox;
use crate::faults::Endpoint;
use crate::simulator::Simulator;
use crate::state::{Elsewhere, SimulatedState};

const EXCHANGE_ONLINE: &str = "outlook.office365.com";
/// Beyond so many redirects Exchange gives up.
const MOST_REDIRECTS: u32 = 10;

pub(crate) async fn by_query(
    State(simulator): State<Arc<Simulator>>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let email = parameter(&query, "email").unwrap_or_default();
    answer(&simulator, &email, &query).await
}

pub(crate) async fn by_path(
    State(simulator): State<Arc<Simulator>>,
    Path(email): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(&simulator, &email, &query.unwrap_or_default()).await
}

async fn answer(simulator: &Simulator, email: &str, query: &str) -> Response {
    if let Some(fault) = simulator.fault(Endpoint::Autodiscover).await {
        return fault;
    }
    match Question::parse(email, query) {
        Ok(question) => question.answer(&simulator.state(), &simulator.base_url),
        Err(refusal) => refusal.into_response(),
    }
}

/// Names of parameters may be written in any case, as everywhere in Exchange.
fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

/// An error as Exchange tells it.
struct Refused(StatusCode, &'static str, String);

impl Refused {
    fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, code, message.into())
    }

    fn user_not_found() -> Self {
        let message = "The given user is not found".to_owned();
        Self(StatusCode::NOT_FOUND, "UserNotFound", message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "ErrorCode": self.1, "ErrorMessage": self.2 });
        (self.0, Json(body)).into_response()
    }
}

/// What is asked about whom.
struct Question {
    email: String,
    domain: String,
    /// As it was written: the answer repeats it.
    protocol: String,
    path: &'static str,
    redirects: u32,
}

impl Question {
    fn parse(email: &str, query: &str) -> Result<Self, Refused> {
        let protocol = parameter(query, "protocol").ok_or_else(|| {
            let message = "A valid value must be provided for the query parameter 'Protocol'";
            Refused::bad("MandatoryParameterMissing", message)
        })?;
        if email.is_empty() {
            let message = "A valid smtp address must be provided";
            return Err(Refused::bad("MandatoryParameterMissing", message));
        }
        let domain = email
            .rsplit_once('@')
            .filter(|(name, domain)| !name.is_empty() && domain.contains('.'))
            .map(|(_, domain)| domain.to_ascii_lowercase())
            .ok_or_else(|| {
                let message = format!("The given SMTP address is invalid '{email}'");
                Refused::bad("InvalidUserId", message)
            })?;
        let path = match protocol.to_ascii_lowercase().as_str() {
            "rest" => "api",
            "ews" => "EWS/Exchange.asmx",
            "activesync" => "Microsoft-Server-ActiveSync",
            "autodiscoverv1" => "autodiscover/autodiscover.xml",
            _ => {
                let message = format!(
                    "The given protocol value '{protocol}' is invalid. Supported values are \
                     'ActiveSync,AutodiscoverV1,Ews,Rest'"
                );
                return Err(Refused::bad("InvalidProtocol", message));
            }
        };
        let redirects = parameter(query, "redirectcount");
        let redirects = redirects.and_then(|count| count.parse().ok()).unwrap_or(0);
        if redirects >= MOST_REDIRECTS {
            return Err(Refused::user_not_found());
        }
        Ok(Self {
            email: email.to_owned(),
            domain,
            protocol,
            path,
            redirects,
        })
    }

    fn answer(&self, state: &SimulatedState, base_url: &str) -> Response {
        let user = state
            .directory
            .tenants
            .values()
            .flat_map(|tenant| tenant.users.values())
            .find(|user| user.upn.eq_ignore_ascii_case(&self.email));
        let redirects = state.options.autodiscover == Elsewhere::Redirects && self.redirects == 0;
        match user.map(|user| user.mailbox) {
            Some(Mailbox::Ok | Mailbox::NotEnabled) => self.found_at(EXCHANGE_ONLINE),
            Some(Mailbox::OnPremises) if redirects => {
                self.redirect(&format!("https://autodiscover.{}", self.domain))
            }
            Some(Mailbox::OnPremises) => self.found_at(&format!("mail.{}", self.domain)),
            // Nobody's mailbox, or none.
            None | Some(Mailbox::Unlicensed | Mailbox::Gone) if redirects => {
                self.redirect(base_url)
            }
            None | Some(Mailbox::Unlicensed | Mailbox::Gone) => {
                Refused::user_not_found().into_response()
            }
        }
    }

    fn found_at(&self, host: &str) -> Response {
        let url = format!("https://{host}/{}", self.path);
        Json(json!({ "Protocol": self.protocol, "Url": url })).into_response()
    }

    /// What Exchange Online does with whom it does not know, and with whom it knows to be elsewhere.
    fn redirect(&self, origin: &str) -> Response {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("Email", &self.email)
            .append_pair("Protocol", &self.protocol)
            .append_pair("RedirectCount", &(self.redirects + 1).to_string())
            .finish();
        let location = format!("{origin}/autodiscover/autodiscover.json?{query}");
        (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
    }
}
