//! What a log adds up to: its messages, from the server or from an export, folded into a view.
//!
//! The view is the projection's own (`permission-store`), built in a directory of its own as the projection builds it
//! when it begins anew: so its digest at a sequence is the projection's there.
//!
//! 1. [`messages`]: the messages of a log in their order, wherever they come from.
//! 2. [`voids`]: which of them are passed over.
//! 3. [`directory`]: where a view may be built.

pub(crate) mod directory;
pub(crate) mod messages;
pub(crate) mod voids;

use std::path::Path;

use assent_domain::ids::Sequence;
use assent_event_log::LogEntry;
use assent_permission_store::{
    BulkError, BulkLoad, Content, Entry, OpenError, Opened, ReadError, Source, View,
};
use tokio::task::{JoinError, spawn_blocking};

use crate::exit::CommandError;
use crate::output::{Output, count};
use messages::Messages;
use voids::Voids;

/// How much memory the database may use for its cache.
const CACHE: u64 = 64 * 1024 * 1024;

/// Why no view was built.
#[derive(Debug, thiserror::Error)]
enum FoldError {
    #[error("no view can be built in the directory")]
    Open(#[source] OpenError),
    #[error("the directory holds a view already")]
    HoldsAView,
    #[error("the view can't be built")]
    Load(#[source] BulkError),
    #[error("the view can't be read")]
    Read(#[source] ReadError),
    #[error("building the view was given up")]
    GivenUp(#[source] JoinError),
}

/// A view that is being built, message by message, in flat memory.
#[derive(Debug)]
pub(crate) struct Folding {
    load: Box<BulkLoad>,
    voids: Voids,
}

impl Folding {
    /// Begins a view of a log in a directory that holds none.
    pub(crate) fn begin(
        directory: &Path,
        source: &Source,
        voids: Voids,
    ) -> Result<Self, CommandError> {
        match View::open(directory, source, CACHE) {
            Ok(Opened::Fresh { load, .. }) => Ok(Self { load, voids }),
            Ok(Opened::Resumed(_)) => Err(failed(FoldError::HoldsAView)),
            Err(error) => Err(failed(FoldError::Open(error))),
        }
    }

    /// Adds the next messages of the log.
    pub(crate) fn add(&mut self, messages: &[LogEntry]) -> Result<(), CommandError> {
        let entries: Vec<_> = messages.iter().map(|entry| self.read(entry)).collect();
        let added = self.load.add(&entries);
        added.map_err(|error| failed(FoldError::Load(error)))
    }

    /// How far it is.
    pub(crate) fn sequence(&self) -> Sequence {
        self.load.sequence()
    }

    /// Writes what is left.
    pub(crate) async fn finish(self) -> Result<View, CommandError> {
        let load = self.load;
        spawn_blocking(move || load.finish())
            .await
            .map_err(|error| failed(FoldError::GivenUp(error)))?
            .map_err(|error| failed(FoldError::Load(error)))
    }

    /// What the projection makes of a message.
    fn read(&self, entry: &LogEntry) -> Entry {
        let content = match entry.decode() {
            Ok(decoded) => Content::Event(decoded.event),
            Err(_) if self.voids.covers(entry) => Content::Void,
            Err(_) => Content::Unreadable,
        };
        Entry {
            sequence: entry.sequence(),
            aggregate: entry.aggregate(),
            content,
            hash: *entry.hash().as_bytes(),
        }
    }
}

/// Folds all that is read into a view.
pub(crate) async fn build(
    mut messages: Messages,
    voids: Voids,
    directory: &Path,
    output: &mut Output,
) -> Result<View, CommandError> {
    let mut folding = Folding::begin(directory, messages.source(), voids)?;
    loop {
        let batch = messages.next(output).await?;
        if batch.is_empty() {
            break;
        }
        folding.add(&batch)?;
    }
    let messages = count(folding.sequence().0, "message");
    output.remark(&format!("writing the view of {messages}"))?;
    folding.finish().await
}

/// The digest of a view: that of a projection at the same sequence.
pub(crate) async fn digest(view: View) -> Result<String, CommandError> {
    let digest = spawn_blocking(move || view.digest())
        .await
        .map_err(|error| failed(FoldError::GivenUp(error)))?
        .map_err(|error| failed(FoldError::Read(error)))?;
    Ok(digest.to_string())
}

fn failed(error: FoldError) -> CommandError {
    CommandError::Files(error.into())
}
