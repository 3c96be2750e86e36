//! The directory of a view: a lock, and one folder for each generation.
//!
//! A generation that can't be trusted is set aside, for whoever wants to know what happened to
//! it; only the last such one is kept, so that damage never fills the disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
const GENERATION: &str = "generation-";
const SET_ASIDE: &str = "set-aside-";
const OPENING: &str = "OPENING";

/// The directory, locked for this process for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

/// Why the directory can't be had.
#[derive(Debug)]
pub(crate) enum Refused {
    InUse,
    Io(io::Error),
}

/// One generation: a database, or what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation {
    number: u64,
    path: PathBuf,
}

impl Directory {
    pub(crate) fn lock(path: &Path) -> Result<Self, Refused> {
        fs::create_dir_all(path).map_err(Refused::Io)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK))
            .map_err(Refused::Io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Refused::InUse),
            Err(TryLockError::Error(error)) => Err(Refused::Io(error)),
        }
    }

    /// All generations, the newest first.
    pub(crate) fn generations(&self) -> io::Result<Vec<Generation>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.strip_prefix(GENERATION))
                .and_then(|number| number.parse().ok());
            if let Some(number) = number {
                found.push(Generation {
                    number,
                    path: entry.path(),
                });
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// A generation after all there are or were.
    pub(crate) fn next(&self) -> io::Result<Generation> {
        let mut last = 0;
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| {
                let number = name
                    .strip_prefix(GENERATION)
                    .or_else(|| name.strip_prefix(SET_ASIDE))?;
                number.parse::<u64>().ok()
            });
            last = last.max(number.unwrap_or_default());
        }
        let number = last.saturating_add(1);
        let path = self.path.join(format!("{GENERATION}{number}"));
        fs::create_dir_all(&path)?;
        Ok(Generation { number, path })
    }

    pub(crate) fn set_aside(&self, generation: &Generation) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with(SET_ASIDE))
            {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let aside = self.path.join(format!("{SET_ASIDE}{}", generation.number));
        fs::rename(&generation.path, aside)
    }
}

impl Generation {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes that somebody is about to open it. The note of one who never came back says that
    /// opening it kills the program.
    pub(crate) fn mark_opening(&self) -> io::Result<()> {
        File::create(self.path.join(OPENING))?.sync_all()
    }

    pub(crate) fn mark_opened(&self) -> io::Result<()> {
        fs::remove_file(self.path.join(OPENING))
    }

    pub(crate) fn was_being_opened(&self) -> bool {
        self.path.join(OPENING).exists()
    }

    /// Removes it. What can't be removed now is met again at the next start.
    pub(crate) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "an old generation of the view stays");
        }
    }
}
