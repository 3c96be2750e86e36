//! A small disk of its own for a test, which only root can have.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk in memory, gone with the value.
pub(crate) struct SmallDisk {
    path: PathBuf,
    _directory: Option<tempfile::TempDir>,
}

fn is_mounted(path: &Path, megabytes: u32) -> bool {
    let size = format!("size={megabytes}m");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
        .arg(path)
        .output();
    mounted.is_ok_and(|mounted| mounted.status.success())
}

impl SmallDisk {
    /// One of so many megabytes, somewhere. `None` for whoever may not mount one.
    pub(crate) fn mount(megabytes: u32) -> anyhow::Result<Option<Self>> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().to_owned();
        Ok(is_mounted(&path, megabytes).then_some(Self {
            path,
            _directory: Some(directory),
        }))
    }

    /// One in the place of a directory, whose files are gone from there for as long as it is.
    pub(crate) fn mount_on(path: &Path, megabytes: u32) -> Option<Self> {
        is_mounted(path, megabytes).then(|| Self {
            path: path.to_owned(),
            _directory: None,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills what is left.
    pub(crate) fn fill(&self) -> anyhow::Result<PathBuf> {
        let path = self.path().join("filler");
        let mut filler = File::create(&path)?;
        let kilobytes = vec![0; 4096];
        while filler.write_all(&kilobytes).is_ok() {}
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, as a program may still have files open there; what fails leaves an empty disk behind.
        drop(Command::new("umount").arg("-l").arg(&self.path).output());
    }
}
