//! The root over the log as it is, held against a size and a root that somebody kept.

use assent_checkpoint::{Root, Tree};
use assent_contract::event_hash::EventHash;
use assent_event_log::{EventLog, OpenError};
use assent_messaging::Connection;
use serde::Serialize;

use crate::exit::CommandError;
use crate::output::{Output, count};
use crate::walk::{Step, Walk};

/// How many messages a log had, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) size: u64,
    pub(crate) root: Root,
}

impl Kept {
    /// What there is of a log now.
    pub(crate) fn of(tree: &Tree) -> Self {
        Self {
            size: tree.size(),
            root: tree.root(),
        }
    }
}

/// Whether the log still holds what was kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    /// Every message is what it was, and in its place.
    Holds,
    /// The log is not there.
    Gone,
    /// The log ends before.
    CutShort,
    /// A message can't be read, so there is no root.
    Incomplete,
    /// Other messages.
    Forked,
}

/// The result of holding the log against what was kept of it.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) comparison: Comparison,
    /// The result in a sentence.
    pub(crate) says: String,
}

/// The root over the messages that were read so far.
#[derive(Debug)]
pub(crate) struct LogRoot {
    tree: Tree,
    kept: Option<Kept>,
    /// The root at the size that was kept, once that is reached.
    then: Option<Root>,
    /// The first message that is missing.
    missing: Option<u64>,
}

impl LogRoot {
    /// Nothing was read yet.
    pub(crate) fn new(kept: Option<Kept>) -> Self {
        let mut root = Self {
            tree: Tree::default(),
            kept,
            then: None,
            missing: None,
        };
        root.note();
        root
    }

    /// Reads the log from its first message to its last.
    pub(crate) async fn read(
        log: &EventLog,
        kept: Option<Kept>,
        output: &mut Output,
    ) -> Result<Self, CommandError> {
        let mut root = Self::new(kept);
        let mut walk = Walk::begin(log, &log.status().await?);
        loop {
            match walk.next(output).await? {
                Step::Messages(messages) => {
                    for message in &messages {
                        root.add(message.hash());
                    }
                }
                Step::Missing(missing) => {
                    root.miss(*missing.start());
                    return Ok(root);
                }
                Step::TooManyMissing | Step::End => return Ok(root),
            }
        }
    }

    /// Adds the next message.
    pub(crate) fn add(&mut self, message: EventHash) {
        if self.missing.is_none() {
            self.tree.push(*message.as_bytes());
            self.note();
        }
    }

    /// The next message is missing: there is no root from here on.
    pub(crate) fn miss(&mut self, sequence: u64) {
        self.missing.get_or_insert(sequence);
    }

    /// The first message that is missing.
    pub(crate) const fn missing(&self) -> Option<u64> {
        self.missing
    }

    /// The tree over all that was read; `None` where a message was missing.
    pub(crate) fn tree(&self) -> Option<&Tree> {
        self.missing.is_none().then_some(&self.tree)
    }

    /// Holds the log against what was kept of it; `None` where nothing was.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let kept = self.kept?;
        let comparison = match self.then {
            Some(root) if root == kept.root => Comparison::Holds,
            Some(_) => Comparison::Forked,
            None if self.missing.is_some() => Comparison::Incomplete,
            None => Comparison::CutShort,
        };
        let says = self.sentence(comparison, kept.size);
        Some(Verdict { comparison, says })
    }

    fn sentence(&self, comparison: Comparison, kept: u64) -> String {
        let (size, last) = (count(kept, "message"), self.tree.size());
        match (comparison, self.missing) {
            (Comparison::Holds, Some(missing)) => {
                format!("{size}, each as it was; but message {missing} can't be read")
            }
            (Comparison::Holds, None) => {
                let more = last.saturating_sub(kept);
                format!("{size}, each as it was; {more} more since")
            }
            (Comparison::Forked, _) => format!(
                "the first {size} are other ones: something was changed, dropped, moved or slipped in, or it is another log"
            ),
            (Comparison::CutShort, _) if last == 0 => {
                format!("{size} were there, and the log is empty")
            }
            (Comparison::CutShort, _) => {
                format!("{size} were there, and the log ends with message {last}")
            }
            (Comparison::Incomplete, missing) => format!(
                "of {size}, number {} can't be read",
                missing.unwrap_or_default()
            ),
            (Comparison::Gone, _) => {
                format!("{size} were there, and the log is not there any more")
            }
        }
    }

    fn note(&mut self) {
        if self.kept.is_some_and(|kept| kept.size == self.tree.size()) {
            self.then = Some(self.tree.root());
        }
    }
}

/// Holds the log that is there now against what was kept. The second is the tree over it, where it can be told.
pub(crate) async fn hold_against(
    connection: &Connection,
    kept: Option<Kept>,
    output: &mut Output,
) -> Result<(Option<Verdict>, Option<Tree>), CommandError> {
    let log = match EventLog::open(connection).await {
        Ok(log) => log,
        // Whoever kept something of it knows that it was there.
        Err(OpenError::NotThere) if kept.is_some_and(|kept| kept.size != 0) => {
            let size = kept.map_or(0, |kept| kept.size);
            let (comparison, says) = (
                Comparison::Gone,
                LogRoot::new(None).sentence(Comparison::Gone, size),
            );
            return Ok((Some(Verdict { comparison, says }), None));
        }
        Err(error) => return Err(error.into()),
    };
    let root = LogRoot::read(&log, kept, output).await?;
    Ok((root.verdict(), root.tree().cloned()))
}
