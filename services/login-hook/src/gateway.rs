//! What a login asks of the gateway over NATS: it alone writes to the log, and it alone
//! begins flows at Microsoft.

use std::time::{Duration, Instant};

use assent_contract::command::{
    AutomaticGrantRecorded, BeginConnection, BeginUserConsent, FlowStarted, RecordAutomaticGrant,
    UserConsentBegun,
};
use assent_contract::names::{
    COMMAND_BEGIN_CONNECTION, COMMAND_BEGIN_USER_CONSENT, COMMAND_RECORD_AUTOMATIC_GRANT,
};
use assent_messaging::{Connection, RequestError};
use assent_metrics::Histogram;
use assent_metrics::login::COMMAND_DURATION;
use assent_service_kit::telemetry::{current_traceparent, sending};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use crate::outage::Outage;

/// The gateway, as a login sees it.
#[derive(Debug)]
pub(crate) struct Gateway {
    connection: Connection,
    deadline: Duration,
    outage: Outage,
    grant_duration: Histogram,
    prompt_duration: Histogram,
    connection_duration: Histogram,
}

/// Why the gateway did not do it, as far as is known: after a time-out it may have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The rules don't allow it; the refusal's code.
    #[error("the gateway refused: {0}")]
    Refused(String),
    /// No answer, or one that says that it could not.
    #[error("the gateway did not carry out the command")]
    Request(#[source] RequestError),
    /// The command or the answer has no JSON form.
    #[error("the gateway's answer can't be read")]
    Unreadable(#[source] serde_json::Error),
}

impl From<RequestError> for CommandError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Service {
                status: 400..500,
                description,
                ..
            } => Self::Refused(description),
            error @ (RequestError::Service { .. }
            | RequestError::NotConnected
            | RequestError::NoResponders { .. }
            | RequestError::TimedOut { .. }
            | RequestError::NotPermitted { .. }
            | RequestError::TooLarge { .. }
            | RequestError::CannotBeSent { .. }) => Self::Request(error),
        }
    }
}

impl Gateway {
    pub(crate) fn new(connection: Connection, deadline: Duration) -> Self {
        let duration = |command: &'static str| COMMAND_DURATION.with([command]);
        Self {
            connection,
            deadline,
            outage: Outage::new("the gateway"),
            grant_duration: duration("record-automatic-grant"),
            prompt_duration: duration("begin-user-consent"),
            connection_duration: duration("begin-connection"),
        }
    }

    /// Puts on the log what the administrator's consent gives this user.
    pub(crate) async fn record_automatic_grant(
        &self,
        command: &RecordAutomaticGrant,
    ) -> Result<AutomaticGrantRecorded, CommandError> {
        let began = Instant::now();
        let recorded = self.command(COMMAND_RECORD_AUTOMATIC_GRANT, command).await;
        self.grant_duration.record(began.elapsed());
        recorded
    }

    /// Begins a flow in which the user consents at Microsoft.
    pub(crate) async fn begin_user_consent(
        &self,
        command: &BeginUserConsent,
    ) -> Result<UserConsentBegun, CommandError> {
        let began = Instant::now();
        let started = self.command(COMMAND_BEGIN_USER_CONSENT, command).await;
        self.prompt_duration.record(began.elapsed());
        started
    }

    /// Begins a passage through Microsoft that shows no page.
    pub(crate) async fn begin_connection(
        &self,
        command: &BeginConnection,
    ) -> Result<FlowStarted, CommandError> {
        let began = Instant::now();
        let started = self.command(COMMAND_BEGIN_CONNECTION, command).await;
        self.connection_duration.record(began.elapsed());
        started
    }

    async fn command<C: Serialize, A: DeserializeOwned>(
        &self,
        subject: &'static str,
        command: &C,
    ) -> Result<A, CommandError> {
        let done = async {
            let payload = serde_json::to_vec(command).map_err(CommandError::Unreadable)?;
            let traceparent = current_traceparent();
            let answer = self
                .connection
                .request(subject, payload, traceparent.as_deref(), self.deadline)
                .await?;
            serde_json::from_slice(&answer).map_err(CommandError::Unreadable)
        }
        .instrument(sending(subject))
        .await;
        match &done {
            Ok(_) | Err(CommandError::Refused(_)) => self.outage.answered(),
            Err(error @ (CommandError::Request(_) | CommandError::Unreadable(_))) => {
                self.outage.failed(error);
            }
        }
        done
    }
}
