//! An export of a log: a file, or a directory with a manifest, from which every message comes back byte by byte.
//!
//! 1. [`mod@line`]: one message as one line.
//! 2. [`manifest`]: what a directory says about its lines.
//! 3. [`place`]: where an export is, or is to be.
//! 4. [`lines`]: the lines, one after another, each in its place.
//! 5. [`signature`]: who says what it is of.
//! 6. [`check`]: the whole export, read before anything is done with it.

pub(crate) mod check;
pub(crate) mod line;
pub(crate) mod lines;
pub(crate) mod manifest;
pub(crate) mod place;
pub(crate) mod signature;

pub(crate) use check::Checked;
pub(crate) use line::Line;
pub(crate) use manifest::Manifest;
pub(crate) use place::Place;

use std::io;
use std::path::PathBuf;

use crate::exit::CommandError;

/// Why an export can't be used. Nothing was done with it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    #[error("{0} is not there")]
    NotThere(PathBuf),
    #[error("{0} holds no events.ndjson and manifest.json: it is no export of a log")]
    NoExport(PathBuf),
    #[error(
        "{0} holds events.ndjson without a manifest.json: the export was interrupted, or is not whole"
    )]
    NoManifest(PathBuf),
    #[error("{path} can't be read")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("it holds no message at all: it is no export of a log, or was cut")]
    Empty,
    #[error("line {0} is not complete: the export was cut there")]
    CutLine(u64),
    #[error("line {number} is no message of a log")]
    BadLine {
        number: u64,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("line {number} is too long for a message")]
    TooLong { number: u64 },
    #[error(
        "after message {after} comes {found}: the export has a gap, or its lines are out of order"
    )]
    Gap { after: u64, found: u64 },
    #[error(
        "message {sequence} is on {subject}, which is no subject of the log of consent events: this is an export of another stream"
    )]
    OtherStream { sequence: u64, subject: String },
    #[error("it ends with message {found}, and the manifest says {expected}: it was cut")]
    CutShort { expected: u64, found: u64 },
    #[error(
        "its last line does not say that it is the last: the export was cut after message {0}, or put together by hand"
    )]
    NoEnd(u64),
    #[error(
        "message {0} says that it is the last, and more follow: lines were added, or two exports put together"
    )]
    EndWithin(u64),
    #[error("the root over its messages is {found}, and it says {expected}: a line was changed")]
    OtherRoot { expected: String, found: String },
    #[error("its manifest is of version {0}: a newer consentctl wrote it, and reads it")]
    Newer(u64),
    #[error("its manifest can't be read")]
    BadManifest(#[source] serde_json::Error),
    #[error("it is an export of the stream {0}, not of the log of consent events")]
    OtherLog(String),
    #[error("its manifest says that it begins with message {0}: only a whole log can be read")]
    NotWhole(u64),
    #[error("it is not signed, and a signature is asked for")]
    NotSigned,
    #[error("its signature does not hold")]
    Signature(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("its manifest was changed after it was signed")]
    ManifestChanged,
}

impl From<ExportError> for CommandError {
    fn from(error: ExportError) -> Self {
        if matches!(error, ExportError::NotThere(_)) {
            Self::Usage(error.into())
        } else {
            Self::NotDone(error.into())
        }
    }
}
