//! Reading the log one aggregate at a time.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::event_hash::EventHash;
use assent_contract::operation::VoidRecord;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, History, LogEntry, ReadError, RecordedEvent};
use assent_messaging::{Connection, ConnectionSettings};
use assent_service_kit::error_chain::with_sources;

use crate::arguments::Moment;
use crate::exit::CommandError;

/// For a slow line.
const READ_DEADLINE: Duration = Duration::from_secs(10);

/// An open log, and the connection to it.
#[derive(Debug)]
pub(crate) struct LogSource {
    pub(crate) connection: Connection,
    pub(crate) log: EventLog,
}

impl LogSource {
    /// Connects and opens the log. A log that is configured otherwise than it must be can't be
    /// relied on; `doctor` says in what.
    pub(crate) async fn open(settings: ConnectionSettings) -> Result<Self, CommandError> {
        let connection = Connection::connect(settings).await?;
        let log = EventLog::open(&connection).await?;
        Ok(Self { connection, log })
    }
}

/// What reading an aggregate comes to.
#[derive(Debug)]
pub(crate) enum AggregateRead {
    /// The events, and the messages between them that are void.
    Known(Arc<History>),
    /// Why none of it may be believed.
    Untrusted(String),
}

/// Reads an aggregate. An event that can't be read or does not belong there is an answer, not a
/// failure: it is what an operator has to know.
pub(crate) async fn read(
    log: &EventLog,
    aggregate: &Aggregate,
) -> Result<AggregateRead, ReadError> {
    let log = log.clone().with_deadline(READ_DEADLINE);
    match log.read(aggregate).await {
        Ok(history) => Ok(AggregateRead::Known(history)),
        Err(ReadError::Unreadable {
            sequence, source, ..
        }) => {
            let reason = with_sources(&source);
            Ok(AggregateRead::Untrusted(format!(
                "event {sequence} can't be read ({reason}), so nothing may be done on its ground; see consentctl blocked show {sequence}"
            )))
        }
        Err(ReadError::Damaged(damage)) => Ok(AggregateRead::Untrusted(format!(
            "{damage}: nothing may be done on its ground until the log is restored"
        ))),
        Err(ReadError::BrokenChain { sequence, .. }) => Ok(AggregateRead::Untrusted(format!(
            "event {sequence} does not follow on its predecessor: something was changed, dropped or slipped in"
        ))),
        Err(error) => Err(error),
    }
}

/// How many messages of an aggregate are read one by one.
const MOST_SINGLE: usize = 100_000;

/// The events up to a moment, and the messages between them that are void, of an aggregate that is not believed as a whole.
/// `None` where it was not to be believed by then.
pub(crate) async fn read_until(
    log: &EventLog,
    aggregate: &Aggregate,
    moment: Moment,
) -> Result<Option<(Vec<Arc<RecordedEvent>>, Vec<VoidRecord>)>, ReadError> {
    let log = log.clone().with_deadline(READ_DEADLINE);
    let (mut events, mut voids) = (Vec::new(), Vec::new());
    let (mut after, mut hash) = (Sequence(0), EventHash::NONE);
    for _ in 0..MOST_SINGLE {
        let next = log.next_of(aggregate, after).await?;
        let Some(entry) = next.filter(|entry| !is_later(entry, moment)) else {
            return Ok(Some((events, voids)));
        };
        after = entry.sequence();
        match (entry.decode(), log.void_of(&entry).await?) {
            (Ok(decoded), _) if decoded.metadata.previous == hash => {
                hash = entry.hash();
                events.push(Arc::new(RecordedEvent {
                    sequence: after,
                    decoded,
                    hash,
                }));
            }
            (Err(_), Some(void)) => voids.push(void),
            (Ok(_), _) | (Err(_), None) => return Ok(None),
        }
    }
    Ok(None)
}

/// Whether the message is later than the moment. Of one that can't be read it is the server that says when it was.
fn is_later(entry: &LogEntry, moment: Moment) -> bool {
    match moment {
        Moment::After(sequence) => sequence < entry.sequence(),
        Moment::Time(time) => {
            let decoded = entry.decode();
            let recorded = decoded.map_or(entry.recorded_at(), |decoded| decoded.metadata.time);
            time < recorded
        }
    }
}
