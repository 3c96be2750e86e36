//! The public key of whoever seals, in a file that may be replaced at any time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::directory::read_text;
use crate::error::{KeyError, PublicKeyError};
use crate::key::PublicKey;

/// A public key's file, read again whenever the key is needed: it is needed seldom, and is small.
#[derive(Debug)]
pub struct PublicKeyFile {
    path: PathBuf,
    last: Mutex<PublicKey>,
}

impl PublicKeyFile {
    /// Reads the file for the first time.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PublicKeyError> {
        let path = path.into();
        let last = Mutex::new(PublicKey::read(&path)?);
        Ok(Self { path, last })
    }

    /// The key that is in the file now, or was when it could be read last.
    pub fn current(&self) -> PublicKey {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match PublicKey::read(&self.path) {
            Ok(key) => {
                if key != *last {
                    tracing::info!(key_id = %key.id(), "tokens are sealed to another key from now on");
                }
                *last = key;
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    "the public key cannot be read again: the one before goes on"
                );
            }
        }
        last.clone()
    }
}

impl PublicKey {
    /// Reads a file with a public key in PEM.
    pub fn read(path: &Path) -> Result<Self, PublicKeyError> {
        let unreadable = |source| PublicKeyError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let text = read_text(&mut file).map_err(unreadable)?;
        Self::parse_pem(&text).map_err(|source: KeyError| PublicKeyError::NoKey {
            path: path.to_owned(),
            source,
        })
    }
}
