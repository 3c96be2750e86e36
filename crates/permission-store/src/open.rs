//! From a directory to a view that can be trusted, or to an empty one and the reason for it.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assent_domain::ids::Sequence;

use crate::bulk::BulkLoad;
use crate::cursor::{FOLD_VERSION, Head, SCHEMA_VERSION, Source};
use crate::directory::{Directory, Generation, Refused};
use crate::table::{Damage, Table};
use crate::view::View;

/// What was found.
#[derive(Debug)]
pub enum Opened {
    /// A view of this log: go on after its cursor.
    Resumed(Box<View>),
    /// Nothing that can be used: load the whole log.
    Fresh {
        /// What to load it into.
        load: Box<BulkLoad>,
        /// What was wrong.
        why: Why,
    },
}

/// Why a view is built anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
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

impl fmt::Display for Why {
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
type Found = (Table, Head, BTreeSet<Sequence>);

/// Where views live, and how much memory the database may use for its cache.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    directory: Directory,
    cache_capacity: u64,
}

impl View {
    /// Opens the view of a log. One process at a time may have it.
    ///
    /// A view of another log or of another version stays where it is until a new one is
    /// complete, so that whoever goes back to the older program finds it; it is not served.
    pub fn open(path: &Path, source: &Source, cache_capacity: u64) -> Result<Opened, OpenError> {
        let directory = Directory::lock(path).map_err(|refused| match refused {
            Refused::InUse => OpenError::InUse(path.to_owned()),
            Refused::Io(source) => OpenError::Directory {
                path: path.to_owned(),
                source,
            },
        })?;
        let home = Arc::new(Home {
            path: path.to_owned(),
            directory,
            cache_capacity,
        });
        home.open(source)
    }

    /// Begins a new view beside this one, which the caller found not to agree with the log.
    /// This one is removed when the new one is complete.
    pub fn start_over(&self, source: &Source) -> Result<BulkLoad, OpenError> {
        let home = Arc::clone(self.home());
        let replaces = home.generations()?;
        home.begin(source, replaces)
    }
}

impl Home {
    fn open(self: Arc<Self>, source: &Source) -> Result<Opened, OpenError> {
        let mut why = Why::Missing;
        let mut kept = Vec::new();
        let mut generations = self.generations()?.into_iter();
        while let Some(generation) = generations.next() {
            let verdict = match self.try_open(&generation)? {
                Ok((table, head, voids)) => match usable(&head, source) {
                    None => {
                        for other in kept.iter().chain(generations.as_slice()) {
                            Generation::remove(other);
                        }
                        let view = View::new(self, generation, table, head, voids);
                        return Ok(Opened::Resumed(Box::new(view)));
                    }
                    Some(why) => {
                        kept.push(generation);
                        why
                    }
                },
                Err(Why::Incomplete) => {
                    generation.remove();
                    Why::Incomplete
                }
                Err(why) => {
                    self.io(self.directory.set_aside(&generation))?;
                    why
                }
            };
            if why == Why::Missing {
                why = verdict;
            }
        }
        let load = Box::new(self.begin(source, kept)?);
        Ok(Opened::Fresh { load, why })
    }

    /// Opens one generation under guard.
    fn try_open(&self, generation: &Generation) -> Result<Result<Found, Why>, OpenError> {
        if generation.was_being_opened() {
            return Ok(Err(Why::Damaged));
        }
        self.io(generation.mark_opening())?;
        let opened = Table::open(generation.path(), self.cache_capacity)
            .and_then(|table| Ok((table.head()?, table.voids()?, table)));
        self.io(generation.mark_opened())?;
        self.io(generation.close_to_others())?;
        Ok(match opened {
            Ok((Some(head), voids, table)) => Ok((table, head, voids)),
            Ok((None, ..)) => Err(Why::Incomplete),
            Err(damage) => {
                let error: &dyn std::error::Error = &damage;
                tracing::error!(path = %generation.path().display(), error, "the view is set aside");
                Err(Why::Damaged)
            }
        })
    }

    fn begin(
        self: Arc<Self>,
        source: &Source,
        replaces: Vec<Generation>,
    ) -> Result<BulkLoad, OpenError> {
        let generation = self.io(self.directory.next())?;
        let opened = Table::open(generation.path(), self.cache_capacity)
            .map_err(|source| OpenError::Database {
                path: generation.path().to_owned(),
                source,
            })
            .and_then(|table| self.io(generation.close_to_others()).map(|()| table));
        // On a full disk it is tried again and again, and what each attempt leaves would fill it further.
        let table = opened.inspect_err(|_| generation.remove())?;
        let head = Head::start(source.clone());
        let view = View::new(self, generation, table, head, BTreeSet::new());
        Ok(BulkLoad::new(view, replaces))
    }

    fn generations(&self) -> Result<Vec<Generation>, OpenError> {
        self.io(self.directory.generations())
    }

    fn io<T>(&self, result: io::Result<T>) -> Result<T, OpenError> {
        result.map_err(|source| OpenError::Directory {
            path: self.path.clone(),
            source,
        })
    }
}

fn usable(head: &Head, source: &Source) -> Option<Why> {
    let cursor = &head.cursor;
    if cursor.schema != SCHEMA_VERSION {
        Some(Why::OtherSchema)
    } else if cursor.fold != FOLD_VERSION {
        Some(Why::OtherFold)
    } else if cursor.source != *source {
        Some(Why::OtherSource)
    } else {
        None
    }
}
