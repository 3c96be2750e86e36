//! The lines of an export, one after another, each in its place.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use assent_contract::names::is_subject_of_the_log;
use assent_event_log::LogEntry;

use super::place::failed;
use super::{ExportError, Line};

/// No message is longer: nats-server takes 64 MiB at the most, and base64 makes a third more of it.
const MAX_LINE: u64 = 96 * 1024 * 1024;

/// A reading of an export's lines.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    /// How many lines were read, which is the sequence of the last message.
    read: u64,
    /// How many bytes they are.
    bytes: u64,
    line: Vec<u8>,
}

/// What was read: a line, and the message as a log has it.
#[derive(Debug)]
pub(crate) struct ReadLine {
    pub(crate) line: Line,
    pub(crate) entry: LogEntry,
}

impl Lines {
    /// Begins with the first line.
    pub(crate) fn open(path: &Path) -> Result<Self, ExportError> {
        let file = File::open(path).map_err(|source| failed(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(256 * 1024, file),
            read: 0,
            bytes: 0,
            line: Vec::new(),
        })
    }

    /// How many lines were read, which is the sequence of the last message.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// How many bytes were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether there is nothing more.
    pub(crate) fn is_at_the_end(&mut self) -> Result<bool, ExportError> {
        let rest = self.file.fill_buf();
        let rest = rest.map_err(|source| failed(&self.path, source))?;
        Ok(rest.is_empty())
    }

    /// The next message; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<ReadLine>, ExportError> {
        let number = self.read.saturating_add(1);
        self.line.clear();
        let mut limited = self.file.by_ref().take(MAX_LINE);
        let length = limited.read_until(b'\n', &mut self.line);
        let length = length.map_err(|source| failed(&self.path, source))?;
        if length == 0 {
            return Ok(None);
        }
        let Some(line) = self.line.strip_suffix(b"\n") else {
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            return Err(if length < MAX_LINE {
                ExportError::CutLine(number)
            } else {
                ExportError::TooLong { number }
            });
        };
        let bad = |source| ExportError::BadLine { number, source };
        let text = std::str::from_utf8(line).map_err(|error| bad(error.into()))?;
        let line = Line::read(text).map_err(|error| bad(error.into()))?;
        let message = &line.message;
        if message.sequence != number {
            return Err(ExportError::Gap {
                after: self.read,
                found: message.sequence,
            });
        }
        if !is_subject_of_the_log(&message.subject) {
            return Err(ExportError::OtherStream {
                sequence: number,
                subject: message.subject.clone(),
            });
        }
        let entry = LogEntry::from_export(message).map_err(|error| bad(error.into()))?;
        self.read = number;
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        Ok(Some(ReadLine { line, entry }))
    }
}
