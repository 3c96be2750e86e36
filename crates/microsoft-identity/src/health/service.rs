//! Microsoft's services, as far as they fail independently, and whether they are called.

use std::fmt;

/// A service of Microsoft's with a circuit breaker of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServiceName {
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

impl ServiceName {
    /// The name in logs and metrics.
    pub(crate) fn label(&self) -> String {
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

/// The state of a service's circuit breaker: whether the service is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CircuitState {
    /// The service is called.
    #[default]
    Closed,
    /// The service failed again and again, and calls end at once with an error. After a pause the next call tries it.
    Open,
    /// One call is trying whether the service is well again; all others end at once with an error.
    HalfOpen,
}

impl CircuitState {
    /// A stable name for logs and readiness.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl fmt::Display for CircuitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
