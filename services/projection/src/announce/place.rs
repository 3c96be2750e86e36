//! Where telling has got to, as far as the stream of changes can be believed.
//!
//! The last message of ours says it. What others got into the stream after that is passed over, and
//! reported. What looks like ours and does not agree with the log means that the log is another
//! one, or was set back: then nothing in the stream can be believed.

use std::fmt;

use assent_event_log::{EventLog, StreamStatus};
use assent_messaging::{ChangeStream, Position, Stamp, Told};

use super::Error;
use super::judge::{Ours, ours};
use super::message::beginning;

/// How many messages of others are looked past.
const MOST_FOREIGN: u64 = 1024;

/// Where telling goes on.
#[derive(Debug)]
pub(super) enum Place {
    /// After this position, past messages of others.
    Known {
        last_sequence: u64,
        position: Position,
        foreign: Vec<Told>,
    },
    /// Nowhere: all that stands has to be told anew.
    Lost {
        last_sequence: u64,
        why: Lost,
        foreign: Vec<Told>,
    },
}

/// Why the stream can't be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    AnotherLog,
    AheadOfLog,
    OtherEvents,
    SetBack,
    NothingOfOurs,
    /// No incident: messages did not say yet where telling had got to.
    OldForm,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnotherLog => "the stream of changes tells of another log",
            Self::AheadOfLog => "the stream of changes tells of events that the log does not have",
            Self::OtherEvents => "the log has another event where the stream of changes left off",
            Self::SetBack => "the log was set back",
            Self::NothingOfOurs => "no message of ours is left in the stream of changes",
            Self::OldForm => "the stream of changes is of an earlier version",
        })
    }
}

/// The log as it is called in changes: its stream and when that was created, and what tells it
/// apart from what it was before.
#[derive(Debug, Clone)]
pub(super) struct LogNames {
    pub(super) source: String,
    /// What it was called before it turned out to be another one.
    pub(super) former: Option<String>,
}

impl LogNames {
    /// Whether it is a name of this log.
    pub(super) fn include(&self, log: &str) -> bool {
        let rest = log.strip_prefix(self.source.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
    }

    /// A name that the log never had. Replicas that find the same thing at the same time come to
    /// the same one.
    pub(super) fn another(&self, last_sequence: u64) -> String {
        format!("{}+{}", self.source, last_sequence.saturating_add(1))
    }
}

/// The stream's last message in the form of ours, and those of others after it.
pub(crate) struct Tail {
    pub(super) last_sequence: u64,
    pub(super) ours: Option<Ours>,
    pub(super) foreign: Vec<Told>,
    pub(super) old: bool,
}

impl Tail {
    pub(crate) async fn read(stream: &ChangeStream) -> Result<Self, Error> {
        let mut tail = Self {
            last_sequence: 0,
            ours: None,
            foreign: Vec::new(),
            old: false,
        };
        let Some(last) = stream.last().await? else {
            tail.last_sequence = stream.end().await?;
            return Ok(tail);
        };
        let end = last.stream_sequence.unwrap_or_default();
        tail.last_sequence = end;
        let mut next = Some(last);
        for sequence in (1..=end).rev().take(usize::try_from(MOST_FOREIGN)?) {
            let told = match next.take() {
                Some(told) => Some(told),
                None => stream.at(sequence).await?,
            };
            // A later message on its subject took its place.
            let Some(told) = told else { continue };
            match ours(&told) {
                Some(found) if found.position.is_some() => {
                    tail.ours = Some(found);
                    return Ok(tail);
                }
                // A replica of an earlier version may still be at work: what it told is told again.
                Some(_) => tail.old = true,
                None => tail.foreign.push(told),
            }
        }
        Ok(tail)
    }

    /// Where telling has got to and as of which event it spoke last, believing the stream.
    pub(crate) fn claim(self) -> Option<(String, u64)> {
        let ours = self.ours?;
        let position = ours.position?;
        Some((position.log, position.through.max(ours.change.sequence)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ours.is_none() && self.foreign.is_empty() && !self.old
    }
}

/// Finds where telling goes on.
pub(super) async fn find(
    stream: &ChangeStream,
    log: &EventLog,
    names: &LogNames,
    checked: &mut Option<(u64, String)>,
) -> Result<Place, Error> {
    let tail = Tail::read(stream).await?;
    let last_sequence = tail.last_sequence;
    let lost = |why, foreign| Place::Lost {
        last_sequence,
        why,
        foreign,
    };
    if tail.is_empty() {
        if names.former.as_ref() == Some(&names.source) {
            return Ok(lost(Lost::SetBack, Vec::new()));
        }
        return Ok(Place::Known {
            last_sequence,
            position: beginning(&names.source),
            foreign: Vec::new(),
        });
    }
    let (old, foreign) = (tail.old, tail.foreign);
    let Some((change, position)) = tail
        .ours
        .and_then(|ours| Some((ours.change, ours.position?)))
    else {
        let why = if old && foreign.is_empty() {
            Lost::OldForm
        } else {
            Lost::NothingOfOurs
        };
        return Ok(lost(why, foreign));
    };
    if !names.include(&position.log) {
        return Ok(lost(Lost::AnotherLog, foreign));
    }
    if names.former.as_ref() == Some(&position.log) {
        return Ok(lost(Lost::SetBack, foreign));
    }
    let at = (position.through, position.hash.clone());
    if checked.as_ref() != Some(&at) || position.through < change.sequence {
        let status = log.status().await?;
        if status.last_sequence.0 < position.through.max(change.sequence) {
            return Ok(lost(Lost::AheadOfLog, foreign));
        }
        if !is_there(log, &status, &position).await? {
            return Ok(lost(Lost::OtherEvents, foreign));
        }
        *checked = Some(at);
    }
    Ok(Place::Known {
        last_sequence,
        position,
        foreign,
    })
}

/// Whether the log has this very event there. One that can't be read is trouble of its own, and
/// no sign of another log.
async fn is_there(
    log: &EventLog,
    status: &StreamStatus,
    position: &Position,
) -> Result<bool, Error> {
    if position.through == 0 {
        return Ok(position.hash == beginning(&position.log).hash);
    }
    let entry = log
        .entry(assent_domain::ids::Sequence(position.through))
        .await?;
    Ok(match entry {
        Some(entry) => entry.hash().to_string() == position.hash,
        None => position.through <= status.last_sequence.0,
    })
}

/// Whether a message is one of the time before messages carried a position.
pub(super) fn is_old(told: &Told) -> bool {
    matches!(told.stamp, Stamp::Old { .. }) && ours(told).is_some()
}
