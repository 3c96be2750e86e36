//! Which messages of a log are void.

use std::collections::BTreeMap;

use assent_contract::operation::VoidRecord;
use assent_domain::ids::Sequence;
use assent_event_log::operations::{MAX_VOID, is_about};
use assent_event_log::{EventLog, LogEntry, ReadError};

/// The records about one log, by the place of the message. There are 10,000 at the most.
#[derive(Debug, Clone, Default)]
pub(crate) struct Voids(BTreeMap<u64, VoidRecord>);

impl Voids {
    /// Reads the records about the server's log.
    pub(crate) async fn read(log: &EventLog) -> Result<Self, ReadError> {
        let Some(status) = log.operations().await? else {
            return Ok(Self::default());
        };
        let last = Sequence(status.last_sequence.0.min(MAX_VOID));
        let records = log.void_records(Sequence(0), last).await?;
        let mut by_place = BTreeMap::new();
        for record in records {
            // Whoever was first is believed.
            by_place.entry(record.sequence).or_insert(record);
        }
        Ok(Self(by_place))
    }

    /// Those that an export holds.
    pub(crate) fn of_export(records: &BTreeMap<u64, VoidRecord>) -> Self {
        Self(records.clone())
    }

    /// Where the messages are that are said to be void, in order.
    pub(crate) fn places(&self) -> impl Iterator<Item = u64> {
        self.0.keys().copied()
    }

    /// The record by which a message is void, if it is. What can be read as an event never is.
    pub(crate) fn about(&self, entry: &LogEntry) -> Option<VoidRecord> {
        let record = self.0.get(&entry.sequence().0)?;
        is_about(record, entry).then(|| record.clone())
    }

    /// Whether a message is passed over.
    pub(crate) fn covers(&self, entry: &LogEntry) -> bool {
        let record = self.0.get(&entry.sequence().0);
        record.is_some_and(|record| is_about(record, entry))
    }
}
