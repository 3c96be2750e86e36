//! One stored message as a line of text or of JSON.

use std::fmt;
use std::sync::Arc;

use assent_contract::codec::{self, DecodedEvent};
use assent_contract::names::aggregate_of_event_subject;
use assent_contract::operation::VoidRecord;
use assent_domain::event::{Aggregate, Event};
use assent_event_log::{EventLog, LogEntry, ReadError, RecordedEvent};
use assent_service_kit::error_chain::with_sources;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::arguments::Kind;
use crate::event_text;
use crate::output::clock;

/// A stored message as it is shown: an event, or why it is none.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EventLine {
    sequence: u64,
    /// When the event was recorded; of one that can't be read, when the server stored it.
    time: Timestamp,
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    says: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Unreadable>,
    /// Set for a message that is no event, and passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    void: Option<Void>,
    /// Whether the event came too late to count.
    #[serde(skip_serializing_if = "is_false")]
    late: bool,
    /// Whether the event is a grant by another Microsoft account than the grants before.
    #[serde(skip_serializing_if = "is_false")]
    another_account: bool,
}

/// Why an event is not shown, and where it is.
#[derive(Debug, Clone, Serialize)]
struct Unreadable {
    subject: String,
    reason: String,
}

/// Who declared a message void, and why.
#[derive(Debug, Clone, Serialize)]
struct Void {
    subject: String,
    reason: String,
    operator: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl EventLine {
    /// A line that says no more than where and whose a message is, and when.
    fn blank(sequence: u64, time: Timestamp, aggregate: Option<&Aggregate>) -> Self {
        let (account_id, user_id) = aggregate.map_or((None, None), aggregate_ids);
        Self {
            sequence,
            time,
            kind: None,
            id: None,
            account_id,
            user_id,
            says: None,
            event: None,
            unreadable: None,
            void: None,
            late: false,
            another_account: false,
        }
    }

    /// Shows a message as it came from the log.
    fn from_entry(entry: &LogEntry) -> Self {
        let sequence = entry.sequence().0;
        match entry.decode() {
            Ok(decoded) => Self::new(sequence, &decoded),
            Err(unreadable) => Self {
                unreadable: Some(Unreadable {
                    subject: entry.subject().to_owned(),
                    reason: with_sources(&unreadable).to_string(),
                }),
                ..Self::blank(sequence, entry.recorded_at(), entry.aggregate().as_ref())
            },
        }
    }

    /// Shows a message as it came from the log, after a look whether it was declared void.
    pub(crate) async fn read(log: &EventLog, entry: &LogEntry) -> Result<Self, ReadError> {
        Ok(match log.void_of(entry).await? {
            Some(record) => Self::from_void(&record),
            None => Self::from_entry(entry),
        })
    }

    /// Shows a message that an operator declared void; the time is when that was.
    pub(crate) fn from_void(record: &VoidRecord) -> Self {
        let aggregate = aggregate_of_event_subject(&record.subject);
        Self {
            void: Some(Void {
                subject: record.subject.clone(),
                reason: record.reason.clone(),
                operator: record.operator.clone(),
            }),
            ..Self::blank(record.sequence, record.recorded_at, aggregate.as_ref())
        }
    }

    /// Shows events and what was passed over between them, in the order of the log.
    pub(crate) fn from_history(recorded: &[Arc<RecordedEvent>], voids: &[VoidRecord]) -> Vec<Self> {
        let mut lines: Vec<_> = recorded
            .iter()
            .map(|recorded| Self::from_recorded(recorded))
            .collect();
        lines.extend(voids.iter().map(Self::from_void));
        lines.sort_by_key(Self::sequence);
        lines
    }

    /// Shows an event of an aggregate's history.
    pub(crate) fn from_recorded(recorded: &RecordedEvent) -> Self {
        Self::new(recorded.sequence.0, &recorded.decoded)
    }

    fn new(sequence: u64, decoded: &DecodedEvent) -> Self {
        let (time, aggregate) = (decoded.metadata.time, decoded.event.aggregate());
        let body = codec::encode_body(&decoded.event);
        Self {
            kind: Some(codec::event_type(&decoded.event)),
            id: Some(decoded.metadata.id.to_string()),
            says: Some(event_text::describe(&decoded.event)),
            event: body
                .ok()
                .and_then(|body| serde_json::from_slice(&body).ok()),
            ..Self::blank(sequence, time, Some(&aggregate))
        }
    }

    /// Marks the event as a grant by another Microsoft account.
    pub(crate) fn by_another_account(self) -> Self {
        Self {
            another_account: true,
            ..self
        }
    }

    /// Marks the event as one that came too late.
    pub(crate) fn too_late(self) -> Self {
        Self { late: true, ..self }
    }

    /// The position in the log.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether the message can't be read, and is not void.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.unreadable.is_some()
    }

    /// Whether the event is of the type; one that can't be read might be of any.
    pub(crate) fn may_be_of_type(&self, kind: Kind) -> bool {
        self.kind
            .is_none_or(|own| short_name(own) == Some(name_of(kind)))
    }

    /// Formats a line for people who know already whose event it is: sequence, time and text.
    pub(crate) fn brief(&self) -> String {
        let (sequence, time) = (self.sequence, clock(self.time));
        format!("{sequence:>8}  {time}  {}", self.text())
    }

    fn text(&self) -> String {
        if let Some(void) = &self.void {
            return format!(
                "void, no event: {} (declared by {})",
                void.reason, void.operator
            );
        }
        match (&self.unreadable, &self.says) {
            (Some(unreadable), _) => format!("CAN'T BE READ: {}", unreadable.reason),
            (None, Some(says)) if self.late => {
                format!("{says}; came too late: the company had moved on, so it counts for nothing")
            }
            (None, Some(says)) if self.another_account => {
                format!(
                    "{says}; granted as another Microsoft account: what was granted before counts no more"
                )
            }
            (None, says) => says.clone().unwrap_or_default(),
        }
    }

    fn aggregate_label(&self) -> String {
        match (&self.account_id, &self.user_id, &self.unreadable) {
            (Some(account), Some(user), _) => format!("{account}/{user}"),
            (Some(account), None, _) => account.clone(),
            (None, _, Some(unreadable)) => unreadable.subject.clone(),
            (None, _, None) => self
                .void
                .as_ref()
                .map(|void| void.subject.clone())
                .unwrap_or_default(),
        }
    }
}

impl fmt::Display for EventLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.and_then(short_name).unwrap_or("?");
        write!(
            f,
            "{:>8}  {}  {kind:<19}  {:<20}  {}",
            self.sequence,
            clock(self.time),
            self.aggregate_label(),
            self.text()
        )
    }
}

/// The name of a type of event, as the option `--type` takes it.
fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::ModeChanged => "ModeChanged",
        Kind::AdminConsentGranted => "AdminConsentGranted",
        Kind::UserScopeGranted => "UserScopeGranted",
        Kind::UserScopeRevoked => "UserScopeRevoked",
    }
}

/// The name within a type: `ModeChanged` of `assent.consent.ModeChanged.v1`.
fn short_name(event_type: &str) -> Option<&str> {
    event_type.split('.').nth(2)
}

fn aggregate_ids(aggregate: &Aggregate) -> (Option<String>, Option<String>) {
    match aggregate {
        Aggregate::Account(account) => (Some(account.to_string()), None),
        Aggregate::User(account, user) => (Some(account.to_string()), Some(user.to_string())),
    }
}

/// The events of a history with their positions, as the domain folds them.
pub(crate) fn with_sequences(
    recorded: &[Arc<RecordedEvent>],
) -> impl Iterator<Item = (assent_domain::ids::Sequence, &Event)> {
    recorded
        .iter()
        .map(|recorded| (recorded.sequence, &recorded.decoded.event))
}
