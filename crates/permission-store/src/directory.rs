//! The directory of a view: a lock, and one folder for each generation.
//!
//! It says of everybody what they permitted, so it is its owner's alone: folders are 0700 and files
//! 0600, also those that an earlier version left open to others. What the database makes later is
//! as the process's mask has it; it is within a folder that nobody else may enter.
//!
//! A generation that can't be trusted is set aside, for whoever wants to know what happened to
//! it; only the last such one is kept, so that damage never fills the disk.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
const GENERATION: &str = "generation-";
const SET_ASIDE: &str = "set-aside-";
const OPENING: &str = "OPENING";

/// Nobody but the owner.
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// What the operating system counts in, whatever the file system does.
const BLOCK: u64 = 512;

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
        create_folder(path).map_err(Refused::Io)?;
        // A volume may be mounted here that belongs to somebody else; what is in it is ours all the same.
        if let Err(error) = fs::set_permissions(path, Permissions::from_mode(FOLDER)) {
            tracing::warn!(path = %path.display(), %error, "others may look into the directory of the view");
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE)
            .open(path.join(LOCK))
            .map_err(Refused::Io)?;
        match lock.try_lock() {
            Ok(()) => {
                close_ours(path).map_err(Refused::Io)?;
                Ok(Self {
                    path: path.to_owned(),
                    _lock: lock,
                })
            }
            Err(TryLockError::WouldBlock) => Err(Refused::InUse),
            Err(TryLockError::Error(error)) => Err(Refused::Io(error)),
        }
    }

    /// How much others may still write to its disk, in bytes; `None` where the operating system does not say.
    pub(crate) fn bytes_free(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.path).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
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
        create_folder(&path)?;
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

fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Whatever in the directory is of a view.
fn close_ours(path: &Path) -> io::Result<()> {
    fs::set_permissions(path.join(LOCK), Permissions::from_mode(FILE))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(GENERATION) || name.starts_with(SET_ASIDE));
        if is_ours && entry.file_type()?.is_dir() {
            fs::set_permissions(entry.path(), Permissions::from_mode(FOLDER))?;
            close_to_others(&entry.path())?;
        }
    }
    Ok(())
}

/// Everything in a folder, however deep. Links are left alone: they lead out of it.
fn close_to_others(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::set_permissions(entry.path(), Permissions::from_mode(FOLDER))?;
            close_to_others(&entry.path())?;
        } else if kind.is_file() {
            fs::set_permissions(entry.path(), Permissions::from_mode(FILE))?;
        }
    }
    Ok(())
}

fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let bytes = entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
            Ok(metadata) => metadata.blocks().saturating_mul(BLOCK),
            Err(_) => 0,
        });
    bytes.fold(0, u64::saturating_add)
}

impl Generation {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes that somebody is about to open it. The note of one who never came back says that
    /// opening it kills the program.
    pub(crate) fn mark_opening(&self) -> io::Result<()> {
        let note = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(FILE)
            .open(self.path.join(OPENING))?;
        note.sync_all()
    }

    /// Takes from others what they may do with its files.
    pub(crate) fn close_to_others(&self) -> io::Result<()> {
        close_to_others(&self.path)
    }

    pub(crate) fn mark_opened(&self) -> io::Result<()> {
        fs::remove_file(self.path.join(OPENING))
    }

    pub(crate) fn was_being_opened(&self) -> bool {
        self.path.join(OPENING).exists()
    }

    /// What its files take on the disk, in bytes. What comes and goes meanwhile may be missed.
    pub(crate) fn bytes(&self) -> u64 {
        bytes_in(&self.path)
    }

    /// Removes it. What can't be removed now is met again at the next start.
    pub(crate) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "an old generation of the view stays");
        }
    }
}
