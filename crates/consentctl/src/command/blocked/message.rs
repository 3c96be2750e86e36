//! The status of a message of the log, and the way back for its account or user.

use assent_contract::codec::Unreadable;
use assent_contract::operation::VoidRecord;
use assent_contract::words;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, LogEntry, ReadError};
use assent_service_kit::error_chain::with_sources;
use serde::Serialize;

/// The prefix of the types of our events, whatever their version.
const OUR_TYPES: &str = "assent.consent.";

words! {
    "blocked reason"
    /// What a message of the log is, in one word: why somebody is blocked, or is not any more.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub(crate) enum MessageKind {
        /// There is no message at this place in the log.
        Missing = "missing",
            Operator: "restore the stream from a backup (deploy/README.md)";
        /// The message is an event that can be read, and can't follow what is before it.
        Event = "event",
            Operator: "find out who changed the log, and restore the stream from a backup; an event can't be declared void";
        /// The message says that it is an event of a type or version that this program does not know.
        NewerEvent = "newer_event",
            Operator: "start the version of the programs that wrote it";
        /// The message is no event.
        NoEvent = "no_event",
            Operator: "look at it with consentctl blocked show SEQ, and declare it void with consentctl blocked void SEQ";
        /// The message is no event, and was declared void: every reader passes over it.
        Void = "void",
            Nobody: "each projection notices within seconds, if it can read the records of what operators did";
        /// The log lost events, and without them more would be permitted: that is held back until an operator decides.
        Held = "held",
            Operator: "restore the stream from a backup (deploy/README.md); consentctl blocked list says what else permits it again";
    }
}

/// What a message of the log is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MessageStatus {
    /// There is no message.
    Missing,
    /// An event that can be read.
    Event,
    /// Perhaps an event, which a newer program reads.
    NewerEvent {
        /// Why this program can't read it.
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

impl MessageStatus {
    /// Reads the message at a position in the log, and tells what it is.
    pub(super) async fn read(
        log: &EventLog,
        sequence: u64,
    ) -> Result<(Option<LogEntry>, Self), ReadError> {
        let entry = log.entry(Sequence(sequence)).await?;
        let status = match &entry {
            None => Self::Missing,
            Some(entry) => Self::classify(log, entry).await?,
        };
        Ok((entry, status))
    }

    async fn classify(log: &EventLog, entry: &LogEntry) -> Result<Self, ReadError> {
        let Err(unreadable) = entry.decode() else {
            return Ok(Self::Event);
        };
        if let Some(record) = log.void_of(entry).await? {
            return Ok(Self::Void(Box::new(record)));
        }
        let why = with_sources(&unreadable).to_string();
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

    /// What it is, in one word.
    pub(super) const fn kind(&self) -> MessageKind {
        match self {
            Self::Missing => MessageKind::Missing,
            Self::Event => MessageKind::Event,
            Self::NewerEvent { .. } => MessageKind::NewerEvent,
            Self::NoEvent { .. } => MessageKind::NoEvent,
            Self::Void(_) => MessageKind::Void,
        }
    }

    /// Says why nothing may be done on the ground of the message.
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

    /// Says what to do about the message.
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
