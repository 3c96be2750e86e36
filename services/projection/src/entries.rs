//! Messages of the log as entries of the view, and whether the two still agree.

use assent_event_log::{EventLog, LogEntry, ReadError};
use assent_permission_store::{Content, Entry, View};
use assent_service_kit::error_chain::with_sources;

use crate::voids::Voids;

/// What the view takes in. Why an event can't be read is told here; that it can't is all that
/// the view needs to know.
pub(crate) fn as_entry(entry: &LogEntry, voids: &Voids) -> Entry {
    let content = match entry.decode() {
        Ok(decoded) => Content::Event(decoded.event),
        Err(_) if voids.covers(entry) => Content::Void,
        Err(error) => {
            tracing::error!(
                operator_alarm = "unreadable_event",
                sequence = %entry.sequence(),
                error = %with_sources(&error),
                "an event can't be read"
            );
            Content::Unreadable
        }
    };
    Entry {
        sequence: entry.sequence(),
        aggregate: entry.aggregate(),
        content,
        hash: *entry.hash().as_bytes(),
    }
}

/// Whether the log that is there is still the one that was opened, and that the view is of.
pub(crate) async fn still_agrees(view: &View, log: &EventLog) -> Result<bool, ReadError> {
    let cursor = view.cursor();
    let status = log.status().await?;
    if status.created != *log.identity() || status.last_sequence < cursor.sequence {
        return Ok(false);
    }
    // An event that is there and can't be read is trouble of its own, and no sign of another log.
    let found = log.entry(cursor.sequence).await?;
    Ok(found.is_none_or(|entry| *entry.hash().as_bytes() == cursor.hash))
}
