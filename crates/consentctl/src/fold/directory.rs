//! Where a view may be built: in a directory that is not there yet, that is empty, or that holds what an earlier build
//! left unfinished. Never where a projection, or anybody else, has something.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::exit::CommandError;

/// There for as long as a build has not ended. A projection passes over it.
const UNFINISHED: &str = "UNFINISHED";
const LOCK: &str = "lock";
const GENERATION: &str = "generation-";

/// Why no view may be built there.
#[derive(Debug, thiserror::Error)]
enum PlaceRefused {
    #[error(
        "{0} is in use by a projection or another replay; name a directory that is not there yet"
    )]
    InUse(PathBuf),
    #[error("{0} holds a view already; name a directory that is not there yet")]
    HoldsAView(PathBuf),
    #[error("{path} is not empty (it holds {found}); name a directory that is not there yet")]
    NotOurs { path: PathBuf, found: String },
    #[error("{0} is no directory; name one that is not there yet")]
    NoDirectory(PathBuf),
    #[error("the directory {path} can't be used")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// A directory that a view is being built in, and that is marked as unfinished until [`Claimed::finished`].
#[derive(Debug)]
pub(crate) struct Claimed {
    path: PathBuf,
}

impl Claimed {
    /// Makes sure that nobody has anything there, and marks it. What an earlier build left unfinished is begun anew.
    pub(crate) fn claim(path: &Path) -> Result<Self, CommandError> {
        claim(path).map_err(|refused| CommandError::Usage(refused.into()))
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The view is complete.
    pub(crate) fn finished(self) -> Result<(), CommandError> {
        let removed = fs::remove_file(self.path.join(UNFINISHED));
        removed.map_err(|source| CommandError::Files(io_error(&self.path, source).into()))
    }
}

fn claim(path: &Path) -> Result<Claimed, PlaceRefused> {
    let io = |source| io_error(path, source);
    match fs::metadata(path) {
        Ok(found) if !found.is_dir() => return Err(PlaceRefused::NoDirectory(path.to_owned())),
        Ok(_) => require_free(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut made = DirBuilder::new();
            made.recursive(true).mode(0o700).create(path).map_err(io)?;
        }
        Err(error) => return Err(io(error)),
    }
    let mut mark = OpenOptions::new();
    mark.create(true).truncate(true).write(true).mode(0o600);
    mark.open(path.join(UNFINISHED)).map_err(io)?;
    Ok(Claimed {
        path: path.to_owned(),
    })
}

fn require_free(path: &Path) -> Result<(), PlaceRefused> {
    let io = |source| io_error(path, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        names.push(
            entry
                .map_err(io)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    let is_of_a_view =
        |name: &String| name == LOCK || name == UNFINISHED || name.starts_with(GENERATION);
    if let Some(found) = names.iter().find(|name| !is_of_a_view(name)) {
        return Err(PlaceRefused::NotOurs {
            path: path.to_owned(),
            found: found.clone(),
        });
    }
    if names.iter().any(|name| name == LOCK) {
        let lock = File::open(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PlaceRefused::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
    }
    if !names.is_empty() && !names.iter().any(|name| name == UNFINISHED) {
        return Err(PlaceRefused::HoldsAView(path.to_owned()));
    }
    let mut unfinished = names.iter().filter(|name| name.starts_with(GENERATION));
    unfinished
        .try_for_each(|name| fs::remove_dir_all(path.join(name)))
        .map_err(io)
}

fn io_error(path: &Path, source: io::Error) -> PlaceRefused {
    PlaceRefused::Io {
        path: path.to_owned(),
        source,
    }
}
