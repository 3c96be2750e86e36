//! What a message of the log is, and what permits its account or user again.

use assent_contract::codec::Unreadable;
use assent_contract::operation::VoidRecord;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, LogEntry, ReadError};
use assent_service_kit::telemetry::chain;
use serde::Serialize;

/// Before the types of our events, whatever their version.
const OUR_TYPES: &str = "assent.consent.";

/// What a message is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// There is none.
    Missing,
    /// An event that can be read.
    Event,
    /// It may be an event that a newer program reads.
    NewerEvent {
        /// Why this one can't.
        why: String,
    },
    /// No event.
    NoEvent {
        /// What is wrong with it.
        why: String,
    },
    /// No event, and passed over.
    Void(Box<VoidRecord>),
}

impl Verdict {
    /// Of the message at a place in the log.
    pub(super) async fn at(
        log: &EventLog,
        sequence: u64,
    ) -> Result<(Option<LogEntry>, Self), ReadError> {
        let entry = log.entry(Sequence(sequence)).await?;
        let verdict = match &entry {
            None => Self::Missing,
            Some(entry) => Self::of(log, entry).await?,
        };
        Ok((entry, verdict))
    }

    async fn of(log: &EventLog, entry: &LogEntry) -> Result<Self, ReadError> {
        let Err(unreadable) = entry.decode() else {
            return Ok(Self::Event);
        };
        if let Some(record) = log.void_of(entry).await? {
            return Ok(Self::Void(Box::new(record)));
        }
        let why = chain(&unreadable).to_string();
        Ok(match unreadable {
            Unreadable::UnknownType(kind) if kind.starts_with(OUR_TYPES) => {
                Self::NewerEvent { why }
            }
            Unreadable::Subject
            | Unreadable::MissingHeader(_)
            | Unreadable::Header(_)
            | Unreadable::UnknownType(_)
            | Unreadable::Body(_)
            | Unreadable::WrongAggregate
            | Unreadable::WrongConsentId => Self::NoEvent { why },
        })
    }

    /// Why nothing may be done on its ground.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Missing => "the message is missing from the log".to_owned(),
            Self::Event => "it is an event, and can't follow on what is before it".to_owned(),
            Self::NewerEvent { why } | Self::NoEvent { why } => why.clone(),
            Self::Void(record) => {
                format!("void: {} (declared by {})", record.reason, record.operator)
            }
        }
    }

    /// What to do.
    pub(super) fn way_back(&self, sequence: u64) -> String {
        match self {
            Self::Missing => "restore the stream from a backup".to_owned(),
            Self::Event => "find out who changed the log; an event can't be declared void, so \
                restore the stream from a backup"
                .to_owned(),
            Self::NewerEvent { .. } => "start the version of the programs that wrote it; the \
                gateway decides whether it can be declared void"
                .to_owned(),
            Self::NoEvent { .. } => {
                format!("consentctl blocked void {sequence} --reason \"...\"")
            }
            Self::Void(_) => {
                "nothing: each projection notices within seconds, if it can read the records"
                    .to_owned()
            }
        }
    }
}
