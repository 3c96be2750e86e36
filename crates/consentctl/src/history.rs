//! The log, one aggregate at a time.

use std::time::Duration;

use assent_domain::event::Aggregate;
use assent_event_log::{EventLog, History, ReadError};
use assent_messaging::{Connection, ConnectionSettings};
use assent_service_kit::telemetry::chain;

use crate::ending::Failure;

/// An aggregate is read event by event: this is for hundreds of them on a slow line.
const READ_DEADLINE: Duration = Duration::from_secs(10);

/// The connection and the log behind it.
#[derive(Debug)]
pub(crate) struct Source {
    /// The connection.
    pub(crate) connection: Connection,
    /// The log.
    pub(crate) log: EventLog,
}

impl Source {
    /// Connects and opens the log. A log that is configured otherwise than it must be can't be
    /// relied on; `doctor` says in what.
    pub(crate) async fn open(settings: ConnectionSettings) -> Result<Self, Failure> {
        let connection = Connection::connect(settings).await?;
        let log = EventLog::open(&connection).await?;
        Ok(Self { connection, log })
    }
}

/// What is known of an aggregate.
#[derive(Debug)]
pub(crate) enum Past {
    /// Its events, and the messages between them that are void.
    Known(History),
    /// Why none of it may be believed.
    NotBelieved(String),
}

/// Reads an aggregate. An event that can't be read or does not belong there is an answer, not a
/// failure: it is what an operator has to know.
pub(crate) async fn read(log: &EventLog, aggregate: &Aggregate) -> Result<Past, ReadError> {
    let log = log.clone().with_deadline(READ_DEADLINE);
    match log.read(aggregate).await {
        Ok(history) => Ok(Past::Known(history)),
        Err(ReadError::Unreadable {
            sequence, source, ..
        }) => {
            let reason = chain(&source);
            Ok(Past::NotBelieved(format!(
                "event {sequence} can't be read ({reason}), so nothing may be done on its ground; see consentctl blocked show {sequence}"
            )))
        }
        Err(ReadError::Damaged(damage)) => Ok(Past::NotBelieved(format!(
            "{damage}: nothing may be done on its ground until the log is restored"
        ))),
        Err(ReadError::BrokenChain { sequence, .. }) => Ok(Past::NotBelieved(format!(
            "event {sequence} does not follow on its predecessor: something was changed, dropped or slipped in"
        ))),
        Err(error) => Err(error),
    }
}
