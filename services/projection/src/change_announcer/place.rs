//! Where telling has got to, as far as the stream of changes can be believed.
//!
//! The last message of ours says it. What others got into the stream after that is passed over, and
//! reported. What looks like ours and does not agree with the log means that the log is another
//! one, or was set back: then nothing in the stream can be believed.

use std::fmt;

use assent_event_log::{EventLog, StreamStatus};
use assent_messaging::{ChangeStream, Position, Stamp, Told};

use super::LogAndView;
use super::judge::{MessageVerdict, OurMessage, ours};
use super::message::beginning;
use crate::announce_error::AnnounceError;

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

/// The stream from its end backwards, as far as it is looked at: messages in the form of ours, and
/// on the way to each those that are not.
#[derive(Debug)]
pub(crate) struct Backwards<'a> {
    stream: &'a ChangeStream,
    last_sequence: u64,
    last: Option<Told>,
    /// The next place to look at.
    at: u64,
    left: u64,
    foreign: Vec<Told>,
    old: bool,
}

impl<'a> Backwards<'a> {
    pub(crate) async fn from_end(stream: &'a ChangeStream) -> Result<Self, AnnounceError> {
        let last = stream.last().await?;
        let last_sequence = match &last {
            Some(last) => last.stream_sequence.unwrap_or_default(),
            None => stream.end().await?,
        };
        Ok(Self {
            stream,
            last_sequence,
            at: if last.is_some() { last_sequence } else { 0 },
            last,
            left: MOST_FOREIGN,
            foreign: Vec::new(),
            old: false,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last_sequence == 0 || (self.at == 0 && self.foreign.is_empty() && !self.old)
    }

    /// The message before, in the form of ours.
    async fn ours(&mut self) -> Result<Option<(Told, OurMessage, Position)>, AnnounceError> {
        while 0 < self.at && 0 < self.left {
            let told = match self.last.take() {
                Some(last) => Some(last),
                None => self.stream.at(self.at).await?,
            };
            self.at = self.at.saturating_sub(1);
            self.left = self.left.saturating_sub(1);
            // A later message on its subject took its place.
            let Some(told) = told else { continue };
            let Some(found) = ours(&told) else {
                self.foreign.push(told);
                continue;
            };
            match found.position.clone() {
                Some(position) => return Ok(Some((told, found, position))),
                // A replica of an earlier version may still be at work: what it told is told again.
                None => self.old = true,
            }
        }
        Ok(None)
    }

    /// Where telling has got to and as of which event it spoke last, believing the stream: the log,
    /// and the later of the two.
    pub(crate) async fn claim(&mut self) -> Result<Option<(String, u64)>, AnnounceError> {
        let found = self.ours().await?;
        Ok(found.map(|(_, ours, position)| {
            let most = position.through.max(ours.change.sequence);
            (position.log, most)
        }))
    }
}

/// Finds where telling goes on.
pub(super) async fn find(
    stream: &ChangeStream,
    ground: &LogAndView,
    names: &LogNames,
    checked: &mut Option<(u64, String)>,
) -> Result<Place, AnnounceError> {
    let mut backwards = Backwards::from_end(stream).await?;
    let last_sequence = backwards.last_sequence;
    let lost = |why, foreign| Place::Lost {
        last_sequence,
        why,
        foreign,
    };
    if backwards.is_empty() {
        if names.former.as_ref() == Some(&names.source) {
            return Ok(lost(Lost::SetBack, Vec::new()));
        }
        return Ok(Place::Known {
            last_sequence,
            position: beginning(&names.source),
            foreign: Vec::new(),
        });
    }
    while let Some((told, ours, position)) = backwards.ours().await? {
        if !names.include(&position.log) {
            return Ok(lost(Lost::AnotherLog, backwards.foreign));
        }
        if names.former.as_ref() == Some(&position.log) {
            return Ok(lost(Lost::SetBack, backwards.foreign));
        }
        let at = (position.through, position.hash.clone());
        if checked.as_ref() != Some(&at) || position.through < ours.change.sequence {
            let status = ground.log.status().await?;
            if status.last_sequence.0 < position.through.max(ours.change.sequence) {
                return Ok(lost(Lost::AheadOfLog, backwards.foreign));
            }
            if !is_there(&ground.log, &status, &position).await? {
                return Ok(lost(Lost::OtherEvents, backwards.foreign));
            }
            *checked = Some(at);
        }
        match ground.judge(&ours).await? {
            MessageVerdict::True
            | MessageVerdict::Earlier
            | MessageVerdict::Later
            | MessageVerdict::Unblocked => {
                return Ok(Place::Known {
                    last_sequence,
                    position,
                    foreign: backwards.foreign,
                });
            }
            // It has our form, and says what we never did.
            MessageVerdict::Wrong => backwards.foreign.push(told),
        }
    }
    let why = if backwards.old && backwards.foreign.is_empty() {
        Lost::OldForm
    } else {
        Lost::NothingOfOurs
    };
    Ok(lost(why, backwards.foreign))
}

/// Whether the log has this very event there. One that can't be read is trouble of its own, and
/// no sign of another log.
async fn is_there(
    log: &EventLog,
    status: &StreamStatus,
    position: &Position,
) -> Result<bool, AnnounceError> {
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
