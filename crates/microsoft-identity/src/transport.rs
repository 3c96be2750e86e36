//! One HTTP client for everything at Microsoft: no redirects, one deadline for the whole operation, a bounded body.
//!
//! Behind it are services that fail independently: sign-in, Graph, Autodiscover, and each national sign-in. Each has
//! its own circuit breaker, and remembers until when it asked to be left alone. What strangers can have us ask of the
//! sign-in service (names that somebody typed, tenants that a browser claims) counts as services of its own: whatever
//! Microsoft answers to that, codes are redeemed and tokens verified all the same.

mod service;

mod gate;

mod answer;
mod circuit;
mod retry_after;

use std::error::Error;
use std::time::Duration;

use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use url::Url;

pub(crate) use answer::Answer;
pub use circuit::CircuitState;
pub(crate) use service::Service;

use crate::standing::Board;

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

/// Which service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    SignIn,
    /// Sign-in, about a name that somebody typed.
    Lookups,
    /// Sign-in, about a tenant that a browser claims.
    Claims,
    Graph,
    Autodiscover,
    /// Sign-in of another cloud, by its host.
    National(String),
}

impl Part {
    fn label(&self) -> String {
        match self {
            Self::SignIn => "sign_in".to_owned(),
            Self::Lookups => "sign_in:lookups".to_owned(),
            Self::Claims => "sign_in:claims".to_owned(),
            Self::Graph => "graph".to_owned(),
            Self::Autodiscover => "autodiscover".to_owned(),
            Self::National(host) => format!("sign_in@{host}"),
        }
    }
}

impl Transport {
    /// `patience` is how long an operation may take altogether.
    pub(crate) fn new(
        patience: Duration,
        national: Vec<Url>,
        board: &Board,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            // Half of it, so that a lost packet leaves time for another attempt.
            .connect_timeout(patience / 2)
            .pool_idle_timeout(IDLE_CONNECTIONS_LIVE)
            .user_agent(concat!("assent/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let service = |part| Service::new(part, http.clone(), patience, board.clone());
        Ok(Self {
            sign_in: service(Part::SignIn),
            lookups: service(Part::Lookups),
            claims: service(Part::Claims),
            graph: service(Part::Graph),
            autodiscover: service(Part::Autodiscover),
            national: national
                .into_iter()
                .map(|host| {
                    (
                        host.clone(),
                        service(Part::National(host.authority().to_owned())),
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
        let here = error.downcast_ref::<CallError>();
        if let Some(pause) = here.and_then(CallError::retry_after) {
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
