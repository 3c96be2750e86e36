//! Trouble on demand: the next calls of an endpoint fail, or take their time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aadsts::{Aadsts, Code, Shape, Surface, Words};
use crate::directory::Application;
use crate::id_token::Forgery;

/// So many faults may be waiting.
const CAPACITY: usize = 100;
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// An endpoint whose calls are counted, and most of which can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Endpoint {
    Token,
    Discovery,
    Metadata,
    Jwks,
    Graph,
    Autodiscover,
    Authorize,
    Adminconsent,
}

impl Endpoint {
    const ALL: [Self; 8] = [
        Self::Token,
        Self::Discovery,
        Self::Metadata,
        Self::Jwks,
        Self::Graph,
        Self::Autodiscover,
        Self::Authorize,
        Self::Adminconsent,
    ];
}

/// What happens to the next calls of an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    endpoint: Endpoint,
    /// Only calls that name this tenant in their path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default = "once")]
    count: u32,
    status: Option<u16>,
    body: Option<Value>,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Entra's refusal with this number.
    pub(crate) refuse: Option<Refuse>,
    /// The ID token in the answer is forged like this.
    pub(crate) forge: Option<Forgery>,
}

fn once() -> u32 {
    1
}

/// A refusal to play, by its number. One that has no row is told in the words that are given, or in the vaguest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refuse {
    code: u32,
    #[serde(default)]
    shape: Shape,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<String>,
}

impl Refuse {
    pub(crate) fn error_on(
        self,
        surface: Surface,
        application: Option<&Application>,
        segment: &str,
    ) -> Aadsts {
        let words = Words {
            error: self.error,
            suberror: self.suberror,
        };
        let error = Code::of_number(self.code)
            .shaped(surface, self.shape)
            .told_as(self.code, words);
        match application {
            Some(application) => error.with_application(application, segment),
            None => error.with_facts(&[("tenant", segment)]),
        }
    }
}

impl Fault {
    /// Why it cannot be carried out, if so.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let answers = [
            self.status.is_some(),
            self.refuse.is_some(),
            self.forge.is_some(),
        ];
        if answers.into_iter().filter(|given| *given).count() > 1 {
            return Some("give one of \"status\", \"refuse\" and \"forge\"");
        }
        if self.tenant.is_some() && self.endpoint != Endpoint::Token {
            return Some("only token can tell tenants apart");
        }
        match self.endpoint {
            Endpoint::Authorize | Endpoint::Adminconsent => {
                if self.refuse.is_none() || self.delay_ms > 0 {
                    return Some("pages cannot be made to fail, only to \"refuse\"");
                }
            }
            Endpoint::Token => {}
            Endpoint::Discovery
            | Endpoint::Metadata
            | Endpoint::Jwks
            | Endpoint::Graph
            | Endpoint::Autodiscover => {
                if self.refuse.is_some() {
                    return Some("only authorize, adminconsent and token can \"refuse\"");
                }
            }
        }
        if self.forge.is_some() && self.endpoint != Endpoint::Token {
            return Some("only token answers with an ID token that could be forged");
        }
        self.status
            .is_some_and(|status| StatusCode::from_u16(status).is_err())
            .then_some("the status is not an HTTP status")
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms).min(LONGEST_DELAY)
    }

    /// What is answered in place of the real answer, if anything.
    pub(crate) fn response(&self) -> Option<Response> {
        let status = StatusCode::from_u16(self.status?).ok()?;
        let (content_type, body) = match &self.body {
            Some(Value::String(text)) => ("text/plain; charset=utf-8", text.clone()),
            Some(json) => ("application/json; charset=utf-8", json.to_string()),
            None => ("text/plain; charset=utf-8", String::new()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        Some(response)
    }
}

/// The faults that are waiting, and how often each endpoint was called.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: VecDeque<Fault>,
    calls: BTreeMap<Endpoint, u64>,
}

impl Faults {
    /// Queues a fault, unless there are too many.
    pub(crate) fn add(&mut self, fault: Fault) -> bool {
        let room = self.waiting.len() < CAPACITY;
        if room && fault.count > 0 {
            self.waiting.push_back(fault);
        }
        room
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Fault> {
        self.waiting.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Counts a call, and says what is to go wrong with it.
    pub(crate) fn next(&mut self, endpoint: Endpoint, tenant: Option<&str>) -> Option<Fault> {
        *self.calls.entry(endpoint).or_default() += 1;
        let position = self.waiting.iter().position(|fault| {
            fault.endpoint == endpoint
                && fault.tenant.as_deref().is_none_or(|only| {
                    tenant.is_some_and(|tenant| tenant.eq_ignore_ascii_case(only))
                })
        })?;
        let fault = self.waiting.get_mut(position)?;
        fault.count -= 1;
        if fault.count == 0 {
            self.waiting.remove(position)
        } else {
            Some(fault.clone())
        }
    }

    pub(crate) fn calls(&self) -> BTreeMap<Endpoint, u64> {
        Endpoint::ALL
            .into_iter()
            .map(|endpoint| {
                (
                    endpoint,
                    self.calls.get(&endpoint).copied().unwrap_or_default(),
                )
            })
            .collect()
    }
}
