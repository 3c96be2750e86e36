//! The directory of the keys: `0001.pem`, `0002.pem` and so on, and the public one of each beside it, `0001.pub.pem`.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::key::PrivateKey;
use crate::pem::MAX_FILE_BYTES;

/// No directory has more keys.
const MAX_KEYS: usize = 64;

/// A directory of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDirectory {
    path: PathBuf,
}

/// A private key, and where it is.
#[derive(Debug)]
pub struct KeyFile {
    /// The number in the file's name: the key with the greatest one seals.
    pub number: u32,
    /// The file.
    pub path: PathBuf,
    /// The file of the public key, whether it is there or not.
    pub public_path: PathBuf,
    /// The key.
    pub key: PrivateKey,
}

/// What is wrong with a directory of keys, or a file in it.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or the directory can't be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no key in it.
    #[error("there is no key in {}: consentctl vault init makes the first", .0.display())]
    Empty(PathBuf),
    /// There are keys in it already.
    #[error("there are keys in {} already", .0.display())]
    NotEmpty(PathBuf),
    /// Others on the machine can read a key.
    #[error("others on this machine can read {} (mode {mode:04o}): chmod 600 it, and take a new key if somebody may have", path.display())]
    OthersCanRead {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Others on the machine can put keys into the directory.
    #[error("others on this machine can write to {} (mode {mode:04o}): chmod 700 it", path.display())]
    OthersCanWrite {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file holds no key.
    #[error("{} holds no key", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: KeyError,
    },
    /// A file has a name by which it is not known which key is the newest.
    #[error("{} has to have a name like 0002.pem, or 0002.pub.pem for a public key", .0.display())]
    Name(PathBuf),
    /// Two files of one number, or of one key.
    #[error("{} and {} are the same key, or have the same number", .0.display(), .1.display())]
    Twice(PathBuf, PathBuf),
    /// There are more keys than anybody needs.
    #[error("{} has more than 64 keys", .0.display())]
    TooMany(PathBuf),
}

impl KeyDirectory {
    /// The directory at this path; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the private keys' files, by their numbers.
    pub(crate) fn numbers(&self) -> Result<Vec<(u32, PathBuf)>, DirectoryError> {
        let failed = |source| self.failed(source);
        let mode = self.path.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o022 != 0 && !is_read_only(&self.path).map_err(failed)? {
            return Err(DirectoryError::OthersCanWrite {
                path: self.path.clone(),
                mode: mode & 0o7777,
            });
        }
        let mut numbers = Vec::new();
        for entry in self.path.read_dir().map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if let Some(number) = number_of(&path)? {
                numbers.push((number, path));
            }
            if MAX_KEYS < numbers.len() {
                return Err(DirectoryError::TooMany(self.path.clone()));
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The keys, the oldest first. Every file is looked at, and one that is wrong is an error.
    pub fn keys(&self) -> Result<Vec<KeyFile>, DirectoryError> {
        let mut keys: Vec<KeyFile> = Vec::new();
        for (number, path) in self.numbers()? {
            let key = read_private(&path)?;
            let same = |other: &&KeyFile| {
                other.number == number || other.key.public().id() == key.public().id()
            };
            if let Some(other) = keys.iter().find(same) {
                return Err(DirectoryError::Twice(other.path.clone(), path));
            }
            keys.push(KeyFile {
                number,
                public_path: self.public_path(number),
                path,
                key,
            });
        }
        Ok(keys)
    }

    /// Makes a new key, newer than all that are there, and writes it and its public part. The directory is made, too.
    pub fn add(&self) -> Result<KeyFile, DirectoryError> {
        if !self.path.exists() {
            let made = DirBuilder::new().mode(0o700).create(&self.path);
            made.map_err(|source| self.failed(source))?;
        }
        let number = self.newest_number()?.saturating_add(1);
        let path = self.path.join(format!("{number:04}.pem"));
        let public_path = self.public_path(number);
        let key = PrivateKey::generate().map_err(|source| DirectoryError::NoKey {
            path: path.clone(),
            source,
        })?;
        let unfinished = self.path.join(format!(".{}", key.public().id()));
        // The public one first: whoever finds the private one finds both.
        let public = key.public().to_pem();
        write_new(&public_path, &unfinished, 0o644, public.as_bytes())?;
        write_new(&path, &unfinished, 0o600, key.to_pem().as_bytes())?;
        let synced = File::open(&self.path).and_then(|directory| directory.sync_all());
        synced.map_err(|source| self.failed(source))?;
        Ok(KeyFile {
            number,
            path,
            public_path,
            key,
        })
    }

    /// Deletes a key. What is sealed to it opens for nobody from then on.
    pub fn remove(&self, key: &KeyFile) -> Result<(), DirectoryError> {
        for path in [&key.path, &key.public_path] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(DirectoryError::File {
                        path: path.clone(),
                        source: error,
                    });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// The greatest number that any file has, also where only half of a key was written.
    fn newest_number(&self) -> Result<u32, DirectoryError> {
        let newest = self.numbers()?.last().map_or(0, |(number, _)| *number);
        let public = (newest..).skip(1).take(MAX_KEYS);
        let public = public.take_while(|number| self.public_path(*number).exists());
        Ok(public.last().unwrap_or(newest))
    }

    fn public_path(&self, number: u32) -> PathBuf {
        self.path.join(format!("{number:04}.pub.pem"))
    }

    fn failed(&self, source: io::Error) -> DirectoryError {
        DirectoryError::File {
            path: self.path.clone(),
            source,
        }
    }
}

/// Whether nobody can write there, whatever the mode says: so are secrets mounted.
fn is_read_only(path: &Path) -> io::Result<bool> {
    let file_system = rustix::fs::statvfs(path)?;
    Ok(file_system
        .f_flag
        .contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

/// The number of a private key's file; `None` for what is no such file.
fn number_of(path: &Path) -> Result<Option<u32>, DirectoryError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(stem) = name.and_then(|name| name.strip_suffix(".pem")) else {
        return Ok(None);
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let bad = || DirectoryError::Name(path.to_owned());
    match stem.strip_suffix(".pub") {
        Some(number) if is_number(number) => Ok(None),
        None if is_number(stem) => stem.parse().map(Some).map_err(|_| bad()),
        Some(_) | None => Err(bad()),
    }
}

fn read_private(path: &Path) -> Result<PrivateKey, DirectoryError> {
    let failed = |source| DirectoryError::File {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode();
    let us = rustix::process::geteuid().as_raw();
    if can_others_read(mode, metadata.uid(), us) {
        return Err(DirectoryError::OthersCanRead {
            path: path.to_owned(),
            mode: mode & 0o7777,
        });
    }
    let text = read_text(&mut file).map_err(failed)?;
    PrivateKey::parse_pem(&text).map_err(|source| DirectoryError::NoKey {
        path: path.to_owned(),
        source,
    })
}

/// Whether a file of this mode and owner is anybody else's to read. What root lends to our group, as Kubernetes mounts a
/// secret, is as much ours as it can be.
const fn can_others_read(mode: u32, owner: u32, us: u32) -> bool {
    let is_lent = owner == 0 && us != 0;
    mode & if is_lent { 0o037 } else { 0o077 } != 0
}

/// The text of a key's file, cut where no key is that long, so that it is none.
pub(crate) fn read_text(file: &mut File) -> io::Result<Zeroizing<String>> {
    // As long as it may become: a buffer that grows leaves copies behind.
    let capacity = usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX);
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    file.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a file that is there as a whole or not at all, and takes nobody's place.
fn write_new(
    path: &Path,
    unfinished: &Path,
    mode: u32,
    content: &[u8],
) -> Result<(), DirectoryError> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(unfinished)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()?;
            std::fs::hard_link(unfinished, path)
        });
    let removed = std::fs::remove_file(unfinished);
    written.and(removed).map_err(|source| DirectoryError::File {
        path: path.to_owned(),
        source,
    })
}

impl fmt::Display for KeyDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::can_others_read;

    #[test]
    fn a_group_reads_what_root_lends_it_and_nothing_else() {
        for (mode, owner, us, others) in [
            (0o600, 1000, 1000, false),
            (0o400, 1000, 1000, false),
            (0o640, 1000, 1000, true),
            (0o604, 1000, 1000, true),
            (0o440, 0, 1000, false),
            (0o640, 0, 1000, false),
            (0o644, 0, 1000, true),
            (0o660, 0, 1000, true),
            (0o440, 0, 0, true),
            (0o600, 0, 0, false),
            (0o440, 1001, 1000, true),
        ] {
            let shown = format!("{mode:o} of {owner} for {us}");
            assert_eq!(can_others_read(mode, owner, us), others, "{shown}");
        }
    }
}
