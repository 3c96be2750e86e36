//! How far the stream of changes has got in the log, and whether that is a place of this log.

use assent_contract::change::ChangeMessage;
use assent_contract::event_hash::EventHash;
use assent_contract::names::EVENT_STREAM;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, ReadError};
use assent_messaging::{ChangeStream, Connection, JetStreamError, Position, Stamp, Told};

/// What the stream of changes ends with.
#[derive(Debug)]
pub(crate) enum LastTold {
    /// Nothing was told yet.
    Nothing,
    /// A message of somebody else's.
    Foreign {
        /// Its place in the stream of changes.
        number: u64,
        /// The subject that it is on.
        subject: String,
    },
    /// A message of a projection's, and the place in the log that it names.
    Ours(Position),
}

/// Reads the last message of the stream of changes.
pub(crate) async fn last(connection: &Connection) -> Result<LastTold, JetStreamError> {
    let Some(last) = ChangeStream::unchecked(connection).last().await? else {
        return Ok(LastTold::Nothing);
    };
    Ok(match position(&last) {
        Some(position) => LastTold::Ours(position),
        None => LastTold::Foreign {
            number: last.stream_sequence.unwrap_or_default(),
            subject: last.subject,
        },
    })
}

/// The position in the log that a message of ours tells; `None` for a message of somebody else's.
fn position(last: &Told) -> Option<Position> {
    let change: ChangeMessage = serde_json::from_slice(&last.payload).ok()?;
    match &last.stamp {
        Stamp::Full { sequence, position }
            if change.sequence == *sequence && change.log.as_ref() == Some(&position.log) =>
        {
            Some(position.clone())
        }
        Stamp::Full { .. } | Stamp::Old { .. } | Stamp::Missing => None,
    }
}

/// Says in what the position is not one of this log; `None` where it is.
pub(crate) async fn disagreement(
    position: &Position,
    log: &EventLog,
) -> Result<Option<String>, ReadError> {
    let source = format!("{EVENT_STREAM}@{}", log.identity());
    let name = position.log.strip_prefix(&source);
    if !name.is_some_and(|rest| rest.is_empty() || rest.starts_with('+')) {
        return Ok(Some(format!("told of another log: {}", position.log)));
    }
    if position.mending.is_some() {
        return Ok(Some("all that stands is being told anew".to_owned()));
    }
    let (through, last) = (position.through, log.status().await?.last_sequence);
    if last.0 < through {
        return Ok(Some(format!(
            "told up to event {through}, and the log ends with event {last}"
        )));
    }
    let hash = match log.entry(Sequence(through)).await? {
        Some(entry) => entry.hash(),
        None => EventHash::NONE,
    };
    let same = hash.to_string() == position.hash;
    Ok((!same).then(|| format!("told of another event {through} than the log has")))
}
