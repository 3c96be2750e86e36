//! Whether the stream of changes ends with a message of ours that agrees with the log.
//!
//! The projections look for it all the time, and mend what they find. So a problem here is one that
//! is being mended, or one that nobody mends.

use assent_contract::change::ChangeMessage;
use assent_contract::event_hash::EventHash;
use assent_contract::names::EVENT_STREAM;
use assent_domain::ids::Sequence;
use assent_event_log::EventLog;
use assent_messaging::{ChangeStream, Connection, Position, Stamp, Told};
use assent_service_kit::error_chain::with_sources;

use super::Check;

const NAME: &str = "changes";
const ADVICE: &str = "projection mends this by itself: see that one runs, and look at its /readyz";

pub(super) async fn check(connection: &Connection) -> Check {
    let unread = |says: String| Check::problem(NAME, says, "look at the log of nats-server");
    let last = match ChangeStream::unchecked(connection).last().await {
        Ok(Some(last)) => last,
        Ok(None) => return Check::ok(NAME, "none told yet"),
        Err(error) => return unread(with_sources(&error).to_string()),
    };
    let Some(position) = position(&last) else {
        let number = last.stream_sequence.unwrap_or_default();
        let says = format!("message {number}, on {}, is none of ours", last.subject);
        return Check::problem(NAME, says, ADVICE);
    };
    let log = match EventLog::open(connection).await {
        Ok(log) => log,
        Err(error) => {
            let says = format!("told of a log that is not there: {}", with_sources(&error));
            return Check::problem(NAME, says, "see to the log first");
        }
    };
    match disagreement(&position, &log).await {
        Ok(None) => Check::ok(NAME, format!("told up to event {}", position.through)),
        Ok(Some(says)) => Check::problem(NAME, says, ADVICE),
        Err(error) => unread(with_sources(&error).to_string()),
    }
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
async fn disagreement(
    position: &Position,
    log: &EventLog,
) -> Result<Option<String>, assent_event_log::ReadError> {
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
