//! `checkpoint sign`: how many messages the log holds now, and the root over them.

use std::path::Path;

use assent_checkpoint::Checkpoint;
use assent_messaging::ConnectionSettings;
use serde::Serialize;

use crate::exit::{CommandError, Outcome};
use crate::history::LogSource;
use crate::key_file;
use crate::log_root::LogRoot;
use crate::output::Output;

/// The error of a log of which nothing can be said.
#[derive(Debug, thiserror::Error)]
#[error("message {0} can't be read, so there is no root: see consentctl doctor")]
struct NoRoot(u64);

/// The checkpoint as a program gets it.
#[derive(Debug, Serialize)]
struct SignedCheckpoint<'a> {
    origin: &'a str,
    size: u64,
    root: String,
    note: &'a str,
}

pub(super) async fn run(
    settings: ConnectionSettings,
    key: &Path,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let key = key_file::signing_key(key, output)?;
    let source = LogSource::open(settings).await?;
    let root = LogRoot::read(&source.log, None, output).await?;
    let tree = root
        .tree()
        .ok_or_else(|| CommandError::Finding(NoRoot(root.missing().unwrap_or_default()).into()))?;
    let note = Checkpoint::sign(tree, &key).map_err(|error| CommandError::Finding(error.into()))?;
    if output.is_json() {
        output.document(&SignedCheckpoint {
            origin: key.name(),
            size: tree.size(),
            root: tree.root().to_string(),
            note: &note,
        })?;
    } else {
        for line in note.lines() {
            output.line(line)?;
        }
    }
    Ok(Outcome::Clean)
}
