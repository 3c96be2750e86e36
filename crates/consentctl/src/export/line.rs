//! One message of a log as one line: an event as CloudEvents JSON, anything else as `{"foreign": {..}}`.

use std::borrow::Cow;

use assent_contract::operation::VoidRecord;
use assent_contract::structured::{self, End, LoggedMessage};
use assent_event_log::LogEntry;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// With what a line begins that is no event.
const FOREIGN: &str = "{\"foreign\":";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) message: LoggedMessage,
    /// What an operator said of a message that is no event. In a directory the manifest says it.
    pub(crate) void: Option<Declared>,
    /// In the last line of a file: of which log it is, and the root over all messages.
    pub(crate) end: Option<End>,
}

/// What an operator said of a message that is no event: that it is passed over, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declared {
    pub(crate) reason: String,
    pub(crate) recorded_at: Timestamp,
    pub(crate) operator: String,
}

impl From<VoidRecord> for Declared {
    fn from(record: VoidRecord) -> Self {
        Self {
            reason: record.reason,
            recorded_at: record.recorded_at,
            operator: record.operator,
        }
    }
}

impl Declared {
    /// The record that it was, but for when the log was created.
    pub(crate) fn about(self, entry: &LogEntry) -> VoidRecord {
        VoidRecord {
            log: String::new(),
            sequence: entry.sequence().0,
            subject: entry.subject().to_owned(),
            hash: entry.hash(),
            reason: self.reason,
            recorded_at: self.recorded_at,
            operator: self.operator,
        }
    }
}

/// Why a line is no message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadLine {
    #[error(transparent)]
    Event(#[from] structured::NotAnEvent),
    #[error("it is no message that is no event")]
    Foreign(#[source] serde_json::Error),
    #[error("its body is not in base64")]
    Body(#[source] base64::DecodeError),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignLine<'a> {
    #[serde(borrow)]
    foreign: Foreign<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Foreign<'a> {
    sequence: u64,
    subject: Cow<'a, str>,
    /// Names and values: a name may come more than once.
    headers: Cow<'a, [(String, String)]>,
    data_base64: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    void: Option<Declared>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<End>,
}

impl Line {
    /// Writes the line, without its line break.
    pub(crate) fn write(self) -> Result<String, serde_json::Error> {
        if let Some(line) = structured::to_line(&self.message, self.end.as_ref()) {
            return Ok(line);
        }
        let LoggedMessage {
            sequence,
            subject,
            headers,
            body,
        } = self.message;
        serde_json::to_string(&ForeignLine {
            foreign: Foreign {
                sequence,
                subject: subject.into(),
                headers: headers.into(),
                data_base64: STANDARD.encode(body).into(),
                void: self.void,
                end: self.end,
            },
        })
    }

    /// Reads a line.
    pub(crate) fn read(line: &str) -> Result<Self, BadLine> {
        if !line.starts_with(FOREIGN) {
            let (message, end) = structured::from_line(line)?;
            return Ok(Self {
                message,
                void: None,
                end,
            });
        }
        let ForeignLine { foreign } = serde_json::from_str(line).map_err(BadLine::Foreign)?;
        let body = STANDARD.decode(foreign.data_base64.as_bytes());
        Ok(Self {
            message: LoggedMessage {
                sequence: foreign.sequence,
                subject: foreign.subject.into_owned(),
                headers: foreign.headers.into_owned(),
                body: body.map_err(BadLine::Body)?,
            },
            void: foreign.void,
            end: foreign.end,
        })
    }
}
