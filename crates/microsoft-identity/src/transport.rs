//! One HTTP client for everything at Microsoft: no redirects, one deadline for the whole operation, a bounded body.
//!
//! Behind it are services that fail independently: sign-in, Graph, Autodiscover, and each national sign-in. Each has
//! its own circuit breaker, and remembers until when it asked to be left alone. What strangers can have us ask of the
//! sign-in service (names that somebody typed, tenants that a browser claims) counts as services of its own: whatever
//! Microsoft answers to that, codes are redeemed and tokens verified all the same.

mod service;

mod gate;

mod circuit;
mod response;
mod retry_after;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use url::Url;

pub(crate) use response::Response;
pub(crate) use service::Service;

use crate::health::{HealthReporter, ServiceName};

/// A code can be sent only once, so a connection that Microsoft may have closed meanwhile is not used any more.
const IDLE_CONNECTIONS_LIVE: Duration = Duration::from_secs(30);

/// The services of Microsoft that we call.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    pub(crate) sign_in: Service,
    /// Metadata of what somebody typed.
    pub(crate) lookups: Service,
    /// Metadata of what a browser claims.
    pub(crate) claims: Service,
    pub(crate) graph: Service,
    pub(crate) autodiscover: Service,
    /// The login hosts of other clouds.
    pub(crate) national: Vec<(Url, Service)>,
}

impl Transport {
    /// `patience` is how long an operation may take altogether.
    pub(crate) fn new(
        patience: Duration,
        national: Vec<Url>,
        health: &HealthReporter,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            // Half of it, so that a lost packet leaves time for another attempt.
            .connect_timeout(patience / 2)
            .pool_idle_timeout(IDLE_CONNECTIONS_LIVE)
            .user_agent(concat!("assent/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let service = |name| Service::new(name, http.clone(), patience, health.clone());
        Ok(Self {
            sign_in: service(ServiceName::SignIn),
            lookups: service(ServiceName::Lookups),
            claims: service(ServiceName::Claims),
            graph: service(ServiceName::Graph),
            autodiscover: service(ServiceName::Autodiscover),
            national: national
                .into_iter()
                .map(|host| {
                    (
                        host.clone(),
                        service(ServiceName::National(host.authority().to_owned())),
                    )
                })
                .collect(),
        })
    }
}

/// Why nothing usable came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("no answer in time")]
    TimedOut,
    /// Nothing was sent.
    #[error("no connection")]
    NotConnected(#[source] Box<dyn Error + Send + Sync>),
    /// Something may have been sent.
    #[error("the connection broke")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    #[error("the answer was status {0}")]
    Unavailable(u16),
    #[error("Microsoft asks to wait {} s", .retry_after.as_secs())]
    Throttled { retry_after: Duration },
    #[error("not asked: it failed again and again, and is left alone for {} s", .retry_after.as_secs())]
    CircuitOpen { retry_after: Duration },
    #[error("the answer was larger than anything expected")]
    TooLarge,
    #[error("the answer was a redirect")]
    Redirected,
    #[error("the request could not be built")]
    Request(#[source] Box<dyn Error + Send + Sync>),
}

/// What a failed call means to whoever made it: an error of an operation tells it on.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    TimedOut,
    Nonsense(&'static str),
    Unreachable(CallError),
}

impl From<CallError> for NoAnswer {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TimedOut => Self::TimedOut,
            CallError::TooLarge => Self::Nonsense("larger than anything expected"),
            CallError::Redirected => Self::Nonsense("a redirect"),
            CallError::NotConnected(_)
            | CallError::Broken(_)
            | CallError::Unavailable(_)
            | CallError::Throttled { .. }
            | CallError::CircuitOpen { .. }
            | CallError::Request(_) => Self::Unreachable(error),
        }
    }
}

impl CallError {
    /// For how long Microsoft, by itself or by failing, keeps us away.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::CircuitOpen { retry_after } => {
                Some(*retry_after)
            }
            Self::TimedOut
            | Self::NotConnected(_)
            | Self::Broken(_)
            | Self::Unavailable(_)
            | Self::TooLarge
            | Self::Redirected
            | Self::Request(_) => None,
        }
    }
}

/// When it makes sense to try again, if that is known: somewhere among the causes of an error.
pub(crate) fn retry_after(error: &(dyn Error + 'static)) -> Option<Duration> {
    let mut next = Some(error);
    while let Some(error) = next {
        // To an error that holds its cause in an `Arc`, the `Arc` is the cause.
        let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
        let here = shared.map_or(error, |shared| shared.as_ref());
        let call = here.downcast_ref::<CallError>();
        if let Some(pause) = call.and_then(CallError::retry_after) {
            return Some(pause);
        }
        next = error.source();
    }
    None
}

/// Reads a JSON body; anything else is `None`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}
