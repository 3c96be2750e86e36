//! What the projection knows of a user, asked over NATS at every login.

use std::time::{Duration, Instant};

use assent_contract::names::QUERY_LOGIN_STATE;
use assent_contract::problem::ErrorCode;
use assent_contract::query::{LoginState, LoginStateQuery, NoConsent, UserQuery};
use assent_contract::values::Method;
use assent_domain::account::AccountState;
use assent_domain::user::UserState;
use assent_messaging::{Connection, RequestError, ServerChoice};
use assent_metrics::Histogram;
use assent_metrics::login::QUERY_DURATION;
use assent_service_kit::telemetry::{known_traceparent, sending};
use tracing::Instrument as _;

use crate::answer::Reason;
use crate::outage::Outage;

/// The projection, as a login sees it.
#[derive(Debug)]
pub(crate) struct Projection {
    connection: Connection,
    server: ServerChoice,
    deadline: Duration,
    outage: Outage,
    duration: Histogram,
}

/// A user, as far as the decision needs it.
#[derive(Debug)]
pub(crate) enum ProjectedUser {
    /// All is known.
    State {
        account: AccountState,
        user: UserState,
        sequence: u64,
    },
    /// An event of the account or the user can't be read.
    Blocked { method: Method, sequence: u64 },
}

/// Why nothing is known of the user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateUnavailable {
    /// No answer, or one that says no.
    #[error("the login state could not be had")]
    Request(#[source] RequestError),
    /// The answer can't be read.
    #[error("the login state can't be read")]
    Unreadable(#[source] serde_json::Error),
    /// The answer contradicts itself.
    #[error("the login state makes no sense")]
    Nonsense(#[source] NoConsent),
}

impl StateUnavailable {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Request(RequestError::Service { description, .. })
                if description == ErrorCode::NotYetApplied.as_str() =>
            {
                Reason::NotYetApplied
            }
            Self::Request(
                RequestError::NotConnected
                | RequestError::NoResponders { .. }
                | RequestError::TimedOut { .. }
                | RequestError::NotPermitted { .. },
            ) => Reason::ProjectionUnreachable,
            Self::Request(
                RequestError::Service { .. }
                | RequestError::TooLarge { .. }
                | RequestError::CannotBeSent { .. },
            )
            | Self::Unreadable(_)
            | Self::Nonsense(_) => Reason::ProjectionFailed,
        }
    }
}

impl Projection {
    pub(crate) fn new(connection: Connection, deadline: Duration) -> Self {
        Self {
            server: ServerChoice::new(&connection),
            connection,
            deadline,
            outage: Outage::new("the projection"),
            duration: QUERY_DURATION.with::<&'static str>([]),
        }
    }

    pub(crate) async fn login_state(
        &self,
        query: &UserQuery,
    ) -> Result<ProjectedUser, StateUnavailable> {
        let began = Instant::now();
        let known = self.ask(query).instrument(sending(QUERY_LOGIN_STATE)).await;
        self.duration.record(began.elapsed());
        match &known {
            Err(unknown) if unknown.reason() == Reason::ProjectionUnreachable => {
                self.server.in_vain();
            }
            Ok(_) | Err(_) => self.server.answered(),
        }
        match &known {
            Err(unknown) if unknown.reason() != Reason::NotYetApplied => {
                self.outage.failed(unknown);
            }
            Ok(_) | Err(_) => self.outage.answered(),
        }
        known
    }

    async fn ask(&self, query: &UserQuery) -> Result<ProjectedUser, StateUnavailable> {
        // Whoever is merely ahead has to hear so before the deadline, and not take it for an outage.
        let wait = self.deadline.saturating_sub(self.deadline / 4);
        let query = LoginStateQuery {
            account_id: query.account_id.clone(),
            user_id: query.user_id.clone(),
            at_least: query.at_least,
            wait_ms: query
                .at_least
                .map(|_| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        };
        let payload = serde_json::to_vec(&query).map_err(StateUnavailable::Unreadable)?;
        let traceparent = known_traceparent();
        let answer = self
            .connection
            .request(
                QUERY_LOGIN_STATE,
                payload,
                traceparent.as_deref(),
                self.deadline,
            )
            .await
            .map_err(StateUnavailable::Request)?;
        let state: LoginState =
            serde_json::from_slice(&answer).map_err(StateUnavailable::Unreadable)?;
        if state.blocked {
            return Ok(ProjectedUser::Blocked {
                method: state.account.method,
                sequence: state.sequence,
            });
        }
        Ok(ProjectedUser::State {
            account: AccountState::try_from(&state.account).map_err(StateUnavailable::Nonsense)?,
            user: UserState::from(&state.user),
            sequence: state.sequence,
        })
    }
}
