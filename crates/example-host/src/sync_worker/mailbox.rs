//! What a job does: reads one kind of a user's things from Microsoft Graph, by pages, and from then on what has changed.
//!
//! It asks for the token before each page and keeps none. So a permission that went off ends it in the middle of a page, by
//! [`Jobs`](super::Jobs), which aborts it; and even a worker that had not heard could not read another one.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;

use super::jobs::{JobKind, Progress, Syncing};
use crate::assent::nats_query::QueryError;
use crate::assent::withdrawals::ConsentRequired;
use crate::assent::{AccessTokens, Withdrawals};
use crate::config::{Config, Secret};
use crate::error_chain::with_sources;
use crate::users::User;

const PAGE_DEADLINE: Duration = Duration::from_secs(30);
/// After a failure a job rests, the longer the more failed in a row.
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_mins(1);
/// As of when events are synced, and how far ahead.
const DAYS_BACK: i64 = 30;
const DAYS_AHEAD: i64 = 90;

/// Syncs mailboxes, with tokens of the token broker's.
pub(crate) struct MailboxSync {
    http: reqwest::Client,
    graph: String,
    tokens: AccessTokens,
    withdrawals: Withdrawals,
    rests: Duration,
    stores: Duration,
}

/// A page of a list of changes. What is in it a real product would store.
#[derive(Deserialize)]
struct Page {
    value: Vec<serde::de::IgnoredAny>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta: Option<String>,
}

/// Why a page could not be had.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error("no token")]
    NoToken(#[from] QueryError),
    #[error("Microsoft Graph gave no answer")]
    NoAnswer(#[from] reqwest::Error),
    #[error("Microsoft Graph refused: {0}")]
    Refused(StatusCode),
    #[error("Microsoft Graph wants us to wait")]
    Throttled(Duration),
    #[error("Microsoft says that consent is missing")]
    ConsentRequired(ConsentRequired),
    /// Changes are only kept for so long: what there is has to be read anew.
    #[error("Microsoft Graph does not know any more where we were")]
    StartAnew,
    /// A token is for Graph and for nobody else.
    #[error("the next page is somewhere else")]
    Elsewhere,
}

impl Syncing for MailboxSync {
    fn sync(
        self: Arc<Self>,
        user: &'static User,
        kind: JobKind,
        progress: Arc<Progress>,
    ) -> BoxFuture<'static, ()> {
        async move { self.run(user, kind, &progress).await }.boxed()
    }
}

impl MailboxSync {
    pub(crate) fn new(
        http: &reqwest::Client,
        config: &Config,
        tokens: AccessTokens,
        withdrawals: Withdrawals,
    ) -> Self {
        Self {
            http: http.clone(),
            graph: config.graph_url.as_str().trim_end_matches('/').to_owned(),
            tokens,
            withdrawals,
            rests: Duration::from_millis(config.sync_every_ms),
            stores: Duration::from_millis(config.sync_store_ms),
        }
    }

    /// Syncs until it is aborted.
    async fn run(&self, user: &'static User, kind: JobKind, progress: &Progress) {
        let mut next = self.beginning(kind);
        let mut rest = SHORTEST_REST;
        loop {
            let Err(error) = self.round(user, kind, &mut next, progress).await else {
                rest = SHORTEST_REST;
                tokio::time::sleep(self.rests).await;
                continue;
            };
            tracing::warn!(user = user.id, kind = kind.name(), error = %with_sources(&error), "syncing waits");
            progress.waits_because(in_words(&error));
            match &error {
                SyncError::ConsentRequired(met) => self.report(user, met).await,
                SyncError::StartAnew => next = self.beginning(kind),
                SyncError::NoToken(_)
                | SyncError::NoAnswer(_)
                | SyncError::Refused(_)
                | SyncError::Throttled(_)
                | SyncError::Elsewhere => {}
            }
            let wait = if let SyncError::Throttled(wait) = error {
                wait.clamp(SHORTEST_REST, LONGEST_REST)
            } else {
                rest
            };
            tokio::time::sleep(wait).await;
            rest = (rest * 2).min(LONGEST_REST);
        }
    }

    /// Reads pages up to the last one, which says where to go on the next time.
    async fn round(
        &self,
        user: &'static User,
        kind: JobKind,
        next: &mut String,
        progress: &Progress,
    ) -> Result<(), SyncError> {
        loop {
            let token = self.tokens.get(user, kind.permission()).await?;
            let page = self.page(next, &token.access_token).await?;
            let of = page.value.len();
            progress.goes_on(token.verified_at, of);
            for stored in 1..=of {
                // Storing it. This is where a job is stopped, if it is stopped in the middle of a page.
                tokio::time::sleep(self.stores).await;
                progress.stored(stored, of);
            }
            match (page.next, page.delta) {
                (Some(link), _) => *next = link,
                (None, Some(link)) => {
                    *next = link;
                    return Ok(());
                }
                (None, None) => {
                    *next = self.beginning(kind);
                    return Ok(());
                }
            }
        }
    }

    async fn page(&self, address: &str, token: &Secret) -> Result<Page, SyncError> {
        let is_graphs = address
            .strip_prefix(&self.graph)
            .is_some_and(|rest| rest.starts_with('/'));
        if !is_graphs {
            return Err(SyncError::Elsewhere);
        }
        let answer = self
            .http
            .get(address)
            .timeout(PAGE_DEADLINE)
            .bearer_auth(token.expose())
            .send()
            .await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.json().await?);
        }
        if status == StatusCode::GONE {
            return Err(SyncError::StartAnew);
        }
        let seconds = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        if let Some(seconds) = seconds {
            return Err(SyncError::Throttled(Duration::from_secs(seconds)));
        }
        let body = answer.bytes().await?;
        Err(match ConsentRequired::read(&body) {
            Some(met) => SyncError::ConsentRequired(met),
            None => SyncError::Refused(status),
        })
    }

    async fn report(&self, user: &User, met: &ConsentRequired) {
        match self.withdrawals.report(user, met).await {
            Ok(()) => tracing::info!(user = user.id, "a missing consent was reported"),
            Err(error) => {
                tracing::warn!(user = user.id, error = %with_sources(&error), "a missing consent could not be reported");
            }
        }
    }

    /// The first page of everything.
    fn beginning(&self, kind: JobKind) -> String {
        let path = match kind {
            JobKind::Calendar => {
                let day = |days| {
                    let now = Timestamp::now();
                    let day = now.checked_add(SignedDuration::from_hours(24 * days));
                    day.unwrap_or(now)
                        .strftime("%Y-%m-%dT00:00:00Z")
                        .to_string()
                };
                format!(
                    "calendarView/delta?startDateTime={}&endDateTime={}",
                    day(-DAYS_BACK),
                    day(DAYS_AHEAD)
                )
            }
            JobKind::Contacts => "contacts/delta".to_owned(),
            JobKind::Email => {
                "mailFolders/inbox/messages/delta?$select=subject,from,receivedDateTime".to_owned()
            }
        };
        format!("{}/v1.0/me/{path}", self.graph)
    }
}

/// What the home page says while a job waits.
fn in_words(error: &SyncError) -> &'static str {
    match error {
        SyncError::NoToken(QueryError::Refused { code }) => match code.as_str() {
            "no_refresh_token" => "there is no token yet: sign in through Microsoft",
            "reauthentication_required" => "Microsoft wants you to sign in again",
            "consent_withdrawn" => "the consent was withdrawn at Microsoft",
            "not_permitted" => "it is not permitted any more",
            "microsoft_unavailable" => "Microsoft gives no tokens just now",
            _ => "the token broker refused",
        },
        SyncError::NoToken(_) => "the token broker gives no answer",
        SyncError::ConsentRequired(_) => "Microsoft says that consent is missing",
        SyncError::Throttled(_) => "Microsoft wants us to wait",
        SyncError::NoAnswer(_)
        | SyncError::Refused(_)
        | SyncError::StartAnew
        | SyncError::Elsewhere => "Microsoft's mailbox could not be read",
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use axum::http::{Request, Response};
    use axum::{Json, Router};
    use clap::Parser as _;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;
    use crate::signing_key::SigningKey;
    use crate::tokens::TokenIssuer;

    /// A Graph that gives the same answer to everything, and a job's work on it.
    async fn against(answer: fn() -> Response<Body>) -> MailboxSync {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let graph = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(move |request: Request<Body>| async move {
            assert_eq!(request.headers()["authorization"], "Bearer token");
            Ok::<_, Infallible>(answer())
        });
        tokio::spawn(axum::serve(listener, routes).into_future());
        let arguments = [
            "example-host",
            "--microsoft-client-id=id",
            "--microsoft-client-secret=secret",
            "--nats-password=password",
            "--graph-url",
            &graph,
        ];
        let config = Config::parse_from(arguments);
        let http = reqwest::Client::new();
        let key = SigningKey::generate().unwrap();
        let issuer = Arc::new(TokenIssuer::new(key, config.issuer()));
        let nowhere = async_nats::ConnectOptions::new().retry_on_initial_connect();
        let nats = nowhere.connect("nats://127.0.0.1:1").await.unwrap();
        let withdrawals = Withdrawals::new(&http, &config, issuer);
        MailboxSync::new(&http, &config, AccessTokens::new(nats), withdrawals)
    }

    async fn first_page(sync: &MailboxSync) -> Result<Page, SyncError> {
        let address = sync.beginning(JobKind::Email);
        sync.page(&address, &Secret::from("token".to_owned())).await
    }

    fn refusal(status: u16, body: &serde_json::Value) -> Response<Body> {
        let response = Response::builder().status(status);
        response.body(Body::from(body.to_string())).unwrap()
    }

    #[tokio::test]
    async fn a_page_says_where_it_goes_on() {
        let sync = against(|| {
            let page = json!({ "value": [{}, {}], "@odata.nextLink": "next", "other": 1 });
            axum::response::IntoResponse::into_response(Json(page))
        })
        .await;

        let page = first_page(&sync).await.unwrap();

        assert_eq!((page.value.len(), page.next.as_deref()), (2, Some("next")));
        assert_eq!(page.delta, None);
    }

    #[tokio::test]
    async fn a_token_is_sent_to_graph_and_to_nobody_else() {
        let sync = against(|| panic!("asked")).await;
        let token = Secret::from("token".to_owned());
        let lookalike = format!("{}.evil.example/v1.0/me", sync.graph);
        for elsewhere in ["https://evil.example/v1.0/me/messages", &lookalike] {
            let refused = sync.page(elsewhere, &token).await;
            assert!(matches!(refused, Err(SyncError::Elsewhere)), "{elsewhere}");
        }
    }

    #[tokio::test]
    async fn only_a_missing_consent_is_reported() {
        let consent = against(|| {
            let body = json!({ "error": "invalid_grant", "suberror": "consent_required" });
            refusal(401, &body)
        });
        let met = first_page(&consent.await).await;
        assert!(matches!(met, Err(SyncError::ConsentRequired(_))));

        let denied = against(|| {
            let body = json!({ "error": { "code": "ErrorAccessDenied", "message": "No." } });
            refusal(403, &body)
        });
        let met = first_page(&denied.await).await;
        assert!(matches!(
            met,
            Err(SyncError::Refused(StatusCode::FORBIDDEN))
        ));
    }

    #[tokio::test]
    async fn it_waits_when_told_and_starts_anew_when_it_has_to() {
        let busy = against(|| {
            let response = Response::builder().status(429).header("retry-after", "17");
            response.body(Body::empty()).unwrap()
        });
        let met = first_page(&busy.await).await;
        assert!(matches!(met, Err(SyncError::Throttled(wait)) if wait.as_secs() == 17));

        let forgotten =
            against(|| refusal(410, &json!({ "error": { "code": "SyncStateNotFound" } })));
        let met = first_page(&forgotten.await).await;
        assert!(matches!(met, Err(SyncError::StartAnew)));
    }
}
