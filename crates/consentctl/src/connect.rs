//! Connecting as the operator.

use std::time::Duration;

use assent_event_log::EventLog;
use assent_messaging::{Connection, ConnectionSettings, RequestError};
use assent_service_kit::Variable;
use assent_service_kit::config::load;
use assent_service_kit::config::shared::{self, NatsValues};
use assent_service_kit::telemetry::chain;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::Arguments;
use crate::stop::Stop;

const VARIABLES: [Variable; 6] = [
    shared::NATS_URL,
    shared::NATS_CREDS_FILE,
    shared::NATS_USER,
    shared::NATS_PASSWORD,
    shared::NATS_CA_FILE,
    shared::NATS_INBOX_PREFIX,
];
const QUERY_DEADLINE: Duration = Duration::from_secs(2);

/// NATS, and what is on it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) connection: Connection,
}

impl Cluster {
    pub(crate) async fn connect(arguments: &Arguments) -> Result<Self, Stop> {
        let values: NatsValues = load(&VARIABLES, std::env::vars_os(), None)
            .map_err(|error| Stop::Usage(chain(&error).to_string()))?;
        let url = arguments.nats_url.clone().unwrap_or(values.nats_url);
        let settings = ConnectionSettings {
            url: url.clone(),
            user: arguments.nats_user.clone().or(values.nats_user),
            password: values
                .nats_password
                .map(|password| password.expose().to_owned()),
            creds_file: arguments.nats_creds_file.clone().or(values.nats_creds_file),
            ca_file: values.nats_ca_file,
            client_name: "consentctl".to_owned(),
            inbox_prefix: values.nats_inbox_prefix,
        };
        let connection = Connection::connect(settings)
            .await
            .map_err(|error| Stop::Unreachable(format!("NATS at {url}: {}", chain(&error))))?;
        Ok(Self { connection })
    }

    pub(crate) async fn log(&self) -> Result<EventLog, Stop> {
        Ok(EventLog::open(&self.connection).await?)
    }

    /// Asks the projection. An answer that can't be read counts as none.
    pub(crate) async fn ask<A: DeserializeOwned>(
        &self,
        subject: &str,
        query: &impl Serialize,
    ) -> Result<A, String> {
        let query = serde_json::to_vec(query).map_err(|error| error.to_string())?;
        let answer = self
            .connection
            .request(subject, query, None, QUERY_DEADLINE)
            .await;
        let answer = answer.map_err(|error| match error {
            RequestError::NoResponders { .. } => "nobody answers".to_owned(),
            error @ (RequestError::NotConnected
            | RequestError::TimedOut { .. }
            | RequestError::NotPermitted { .. }
            | RequestError::Service { .. }
            | RequestError::CannotBeSent { .. }) => chain(&error).to_string(),
        })?;
        serde_json::from_slice(&answer).map_err(|error| error.to_string())
    }
}
