//! One HTTP call, its answer and the time it took.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, redirect};
use serde_json::Value;

use super::reply::{ActorError, Reply};

/// Longer than any of our services may take, so that their own deadlines show.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all actors of a stack call with. Made once: making it reads all the certificates of the machine.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    observe: fn(&Method, &str, &Reply),
}

impl Http {
    /// Calls that are each shown to `observe`, with the whole address, when the answer is there.
    pub fn observed_by(observe: fn(&Method, &str, &Reply)) -> Self {
        Self {
            observe,
            ..Self::default()
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            // Only a TLS backend that does not load can fail, and nothing here speaks TLS.
            .unwrap_or_default();
        Self {
            client,
            observe: |_, _, _| {},
        }
    }
}

/// Calls one program. It follows no redirect: where a browser is sent is part of the story.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    base: String,
    token: Option<String>,
    http: Http,
}

impl Client {
    pub(crate) fn new(http: &Http, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            token: None,
            http: http.clone(),
        }
    }

    pub(crate) fn at(self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self
        }
    }

    pub(crate) fn with_token(self, token: String) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    pub(crate) fn without_token(self) -> Self {
        Self {
            token: None,
            ..self
        }
    }

    /// Calls with a JSON body, or with none.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, ActorError> {
        self.send(method, path, |request| match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Calls with whatever the story makes of the request. An absolute address is taken as it is.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Reply, ActorError> {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.base)
        } else {
            path.to_owned()
        };
        // The query may hold one-time values, which an error message has no use for.
        let shown = path.split_once('?').map_or(path, |(path, _)| path);
        let call = format!("{method} {shown}");
        let mut request = self.http.client.request(method.clone(), &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let no_answer = |source: reqwest::Error| ActorError::NoAnswer {
            call: call.clone(),
            source: source.without_url(),
        };
        let begun = Instant::now();
        let answer = shape(request).send().await.map_err(no_answer)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.map_err(no_answer)?;
        let at = Instant::now();
        let reply = Reply {
            call: call.clone(),
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
            took: at.duration_since(begun),
            at,
        };
        (self.http.observe)(&method, &url, &reply);
        Ok(reply)
    }
}
