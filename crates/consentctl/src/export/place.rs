//! Where an export is, or is to be: a file, or a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ExportError, Manifest};

/// The lines, in a directory.
pub(crate) const EVENTS: &str = "events.ndjson";
/// What the directory says about them.
pub(crate) const MANIFEST: &str = "manifest.json";
/// Who says so.
pub(crate) const SIGNATURE: &str = "manifest.sig";

/// The manifest of an export has no more bytes than this: ten thousand messages may be void.
const MAX_MANIFEST: u64 = 64 * 1024 * 1024;

/// An export that is there.
#[derive(Debug)]
pub(crate) struct Place {
    /// The file with the lines.
    pub(crate) lines: PathBuf,
    /// What the directory says about them; nothing for a file.
    pub(crate) manifest: Option<Manifest>,
    /// The manifest as it is written.
    pub(crate) manifest_bytes: Vec<u8>,
    /// The signature that lies beside it.
    pub(crate) signature: Option<Vec<u8>>,
}

impl Place {
    /// Finds the export at a path.
    pub(crate) fn find(path: &Path) -> Result<Self, ExportError> {
        let found = fs::metadata(path).map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                ExportError::NotThere(path.to_owned())
            } else {
                failed(path, source)
            }
        })?;
        if !found.is_dir() {
            return Ok(Self {
                lines: path.to_owned(),
                manifest: None,
                manifest_bytes: Vec::new(),
                signature: None,
            });
        }
        let lines = path.join(EVENTS);
        let bytes = read_if_there(&path.join(MANIFEST))?;
        let manifest_bytes = match (bytes, lines.exists()) {
            (Some(bytes), true) => bytes,
            (None, true) => return Err(ExportError::NoManifest(path.to_owned())),
            (_, false) => return Err(ExportError::NoExport(path.to_owned())),
        };
        Ok(Self {
            lines,
            manifest: Some(Manifest::read(&manifest_bytes)?),
            manifest_bytes,
            signature: read_if_there(&path.join(SIGNATURE))?,
        })
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, ExportError> {
    let failed = |source| failed(path, source);
    match fs::metadata(path) {
        Ok(found) if MAX_MANIFEST < found.len() => {
            Err(failed(io::Error::from(io::ErrorKind::FileTooLarge)))
        }
        Ok(_) => fs::read(path).map(Some).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

pub(crate) fn failed(path: &Path, source: io::Error) -> ExportError {
    ExportError::Io {
        path: path.to_owned(),
        source,
    }
}
