//! Writing lines to a temporary file, which takes its name only when it is whole and on the disk.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use assent_checkpoint::Tree;
use assent_contract::structured::End;
use assent_event_log::LogEntry;
use tempfile::NamedTempFile;

use crate::exit::CommandError;
use crate::export::Line;
use crate::export::line::Declared;

/// Before the names of temporary files.
pub(super) const TEMPORARY: &str = ".assent-export-";

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
#[error("{path} can't be written")]
struct NotWritten {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

pub(super) fn not_written(path: &Path, source: impl Into<std::io::Error>) -> CommandError {
    let (path, source) = (path.to_owned(), source.into());
    CommandError::Files(NotWritten { path, source }.into())
}

/// Lines that are being written.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    tree: Tree,
    /// The last message is written when it is known whether another one follows.
    waiting: Option<(LogEntry, Option<Declared>)>,
    foreign: u64,
}

impl Writer {
    /// Begins a file in a directory; `path` is what it is going to be called.
    pub(super) fn begin(directory: &Path, path: &Path) -> Result<Self, CommandError> {
        let file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(directory);
        let file = file.map_err(|source| not_written(directory, source))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(256 * 1024, file),
            tree: Tree::default(),
            waiting: None,
            foreign: 0,
        })
    }

    /// Begins with lines that were written before.
    pub(super) fn go_on(
        &mut self,
        from: &Path,
        bytes: u64,
        tree: Tree,
    ) -> Result<(), CommandError> {
        let copied = std::fs::File::open(from)
            .and_then(|file| std::io::copy(&mut std::io::Read::take(file, bytes), &mut self.file));
        copied.map_err(|source| not_written(&self.path, source))?;
        self.tree = tree;
        Ok(())
    }

    /// Adds the next message of the log.
    pub(super) fn add(
        &mut self,
        entry: LogEntry,
        void: Option<Declared>,
    ) -> Result<(), CommandError> {
        self.write_waiting(None)?;
        self.tree.push(*entry.hash().as_bytes());
        if entry.decode().is_err() {
            self.foreign = self.foreign.saturating_add(1);
        }
        self.waiting = Some((entry, void));
        Ok(())
    }

    /// The messages so far.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// How many of those that were added are no events.
    pub(super) fn foreign(&self) -> u64 {
        self.foreign
    }

    /// Writes what is left, and sees to it that all is on the disk. In a file, the last line says that it is the last.
    pub(super) fn finish(mut self, end: Option<End>) -> Result<NamedTempFile, CommandError> {
        self.write_waiting(end)?;
        let path = self.path;
        let failed = |source| not_written(&path, source);
        let file = self.file.into_inner();
        let file = file.map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        Ok(file)
    }

    fn write_waiting(&mut self, end: Option<End>) -> Result<(), CommandError> {
        let Some((entry, void)) = self.waiting.take() else {
            return Ok(());
        };
        let line = Line {
            message: entry.to_export(),
            void,
            end,
        };
        let failed = |source| not_written(&self.path, source);
        let line = line.write().map_err(|error| failed(error.into()))?;
        let written = writeln!(self.file, "{line}");
        written.map_err(failed)
    }
}

/// Sees to it that a name is on the disk.
pub(super) fn sync_directory(directory: &Path) -> Result<(), CommandError> {
    let synced = std::fs::File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| not_written(directory, source))
}
