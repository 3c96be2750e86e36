//! What `checkpoint watch` keeps from one time to the next.

use std::io::{self, Write as _};
use std::path::Path;

use assent_checkpoint::{MAX_BYTES, Root, VerifierKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::exit::CommandError;
use crate::key_file;
use crate::log_root::Kept;

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptState {
    /// The text of the public key: whose log it is.
    pub(super) key: String,
    /// How many messages the log had.
    size: u64,
    /// The root over them.
    root: Root,
    /// When the log was last found to hold what was kept before.
    pub(super) held_at: Timestamp,
}

/// What a file of a state holds.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing was kept yet.
    Nothing,
    /// A state of this program.
    State(KeptState),
    /// Something else: perhaps a checkpoint, to begin with.
    Other(Vec<u8>),
}

impl KeptState {
    pub(super) fn new(key: &VerifierKey, kept: Kept, held_at: Timestamp) -> Self {
        Self {
            key: key.to_string(),
            size: kept.size,
            root: kept.root,
            held_at,
        }
    }

    pub(super) const fn kept(&self) -> Kept {
        Kept {
            size: self.size,
            root: self.root,
        }
    }

    /// Reads what is in the file.
    pub(super) fn read(path: &Path) -> Result<Found, CommandError> {
        let bytes = match key_file::read(path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(CommandError::file(path, error)),
        };
        if bytes.first() != Some(&b'{') {
            return Ok(Found::Other(bytes));
        }
        let state = serde_json::from_slice(&bytes);
        let state = state.map_err(|error| CommandError::file(path, error))?;
        Ok(Found::State(state))
    }

    /// Puts it in the file's place: whoever reads finds what was there before, or all of this.
    pub(super) fn write(&self, path: &Path) -> Result<(), CommandError> {
        let write = || {
            let directory = match path.parent() {
                Some(parent) if parent != Path::new("") => parent,
                Some(_) | None => Path::new("."),
            };
            let mut file = NamedTempFile::new_in(directory)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            writeln!(file)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            // The name is kept only once the directory is.
            std::fs::File::open(directory)?.sync_all()
        };
        write().map_err(|error: io::Error| CommandError::file(path, error))
    }
}
