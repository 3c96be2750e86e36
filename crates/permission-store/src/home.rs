//! The directory of views, whose one user this process is, and what it has in it.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use assent_domain::ids::Sequence;

use crate::cursor::Head;
use crate::directory::{Directory, Generation, Refused};
use crate::table::{Damage, Table};

/// Why a view is built anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildReason {
    /// There was none.
    Missing,
    /// Building it was interrupted before it was complete.
    Incomplete,
    /// Its files are damaged. They are set aside.
    Damaged,
    /// Another version of the program laid out the rows.
    OtherSchema,
    /// Another version of the program folded the events.
    OtherFold,
    /// It is of another stream, or of one that was created anew since.
    OtherSource,
    /// The caller found that the log says otherwise.
    Asked,
}

impl fmt::Display for RebuildReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no view yet",
            Self::Incomplete => "an earlier load was interrupted",
            Self::Damaged => "the view is damaged",
            Self::OtherSchema => "the rows are of another version",
            Self::OtherFold => "the rules are of another version",
            Self::OtherSource => "the view is of another stream",
            Self::Asked => "the view does not agree with the log",
        })
    }
}

/// Why no view can be had at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the view in {0} is in use by another process")]
    InUse(PathBuf),
    /// The directory can't be read or written.
    #[error("the directory {path} can't be used")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Not even an empty database can be made there.
    #[error("no database can be made in {path}")]
    Database {
        /// The directory.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Damage,
    },
}

/// A generation that could be opened: its rows, how much of which log they hold, and what was
/// passed over.
pub(crate) type OpenedTable = (Table, Head, BTreeSet<Sequence>);

/// Where views live, and how much memory the database may use for its cache.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    directory: Directory,
    cache_capacity: u64,
}

impl Home {
    pub(crate) fn lock(path: &Path, cache_capacity: u64) -> Result<Self, OpenError> {
        let directory = Directory::lock(path).map_err(|refused| match refused {
            Refused::InUse => OpenError::InUse(path.to_owned()),
            Refused::Io(source) => OpenError::Directory {
                path: path.to_owned(),
                source,
            },
        })?;
        Ok(Self {
            path: path.to_owned(),
            directory,
            cache_capacity,
        })
    }

    /// Opens one generation under guard.
    pub(crate) fn try_open(
        &self,
        generation: &Generation,
    ) -> Result<Result<OpenedTable, RebuildReason>, OpenError> {
        if generation.was_being_opened() {
            return Ok(Err(RebuildReason::Damaged));
        }
        self.io(generation.mark_opening())?;
        let opened = Table::open(generation.path(), self.cache_capacity)
            .and_then(|table| Ok((table.head()?, table.voids()?, table)));
        self.io(generation.mark_opened())?;
        self.io(generation.close_to_others())?;
        Ok(match opened {
            Ok((Some(head), voids, table)) => Ok((table, head, voids)),
            Ok((None, ..)) => Err(RebuildReason::Incomplete),
            Err(damage) => {
                let error: &dyn std::error::Error = &damage;
                tracing::error!(path = %generation.path().display(), error, "the view is set aside");
                Err(RebuildReason::Damaged)
            }
        })
    }

    /// Makes an empty generation.
    pub(crate) fn create(&self) -> Result<(Generation, Table), OpenError> {
        let generation = self.io(self.directory.next())?;
        let opened = Table::open(generation.path(), self.cache_capacity)
            .map_err(|source| OpenError::Database {
                path: generation.path().to_owned(),
                source,
            })
            .and_then(|table| self.io(generation.close_to_others()).map(|()| table));
        // On a full disk it is tried again and again, and what each attempt leaves would fill it further.
        let table = opened.inspect_err(|_| generation.remove())?;
        Ok((generation, table))
    }

    pub(crate) fn set_aside(&self, generation: &Generation) -> Result<(), OpenError> {
        self.io(self.directory.set_aside(generation))
    }

    pub(crate) fn bytes_free(&self) -> Option<u64> {
        self.directory.bytes_free()
    }

    pub(crate) fn generations(&self) -> Result<Vec<Generation>, OpenError> {
        self.io(self.directory.generations())
    }

    fn io<T>(&self, result: io::Result<T>) -> Result<T, OpenError> {
        result.map_err(|source| OpenError::Directory {
            path: self.path.clone(),
            source,
        })
    }
}
