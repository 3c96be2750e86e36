//! All keys that something may be sealed to, the newest of which seals.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assent_domain::ids::{AccountId, UserId};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::directory::{DirectoryError, KeyDirectory, KeyFile};
use crate::key::PublicKey;
use crate::key_id::KeyId;
use crate::record::{OpenError, TokenRecord};

/// No oftener than this is the directory looked at again, whatever is asked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What opens sealed tokens. [`KeyRing`] has its keys in files; a key management service that does X25519 and HKDF, or that
/// wraps the private keys, would be another.
pub trait Vault: Send + Sync + 'static {
    /// The token in a record that was found in this user's place.
    fn open(
        &self,
        record: &TokenRecord,
        account: &AccountId,
        user: &UserId,
    ) -> impl Future<Output = Result<SecretString, OpenError>> + Send;

    /// What to seal with from now on: the newest key.
    fn public_key(&self) -> impl Future<Output = PublicKey> + Send;
}

/// The keys of a directory. It is looked at again now and then, so a new key needs no restart.
#[derive(Debug)]
pub struct KeyRing {
    directory: KeyDirectory,
    keys: Mutex<Keys>,
}

#[derive(Debug)]
struct Keys {
    /// The files, by which it is seen that there are others.
    files: Vec<(u32, PathBuf)>,
    /// The oldest first. Never empty.
    all: Vec<Arc<KeyFile>>,
    newest: PublicKey,
    looked_at: Instant,
}

impl KeyRing {
    /// Reads the keys of a directory. Fails where there is none, where others can read one, or where a file holds none.
    pub async fn load(directory: KeyDirectory) -> Result<Self, DirectoryError> {
        let (directory, keys) = off_the_runtime(directory, Keys::read).await?;
        Ok(Self {
            directory,
            keys: Mutex::new(keys),
        })
    }

    /// Which keys there are, the oldest first.
    pub async fn key_ids(&self) -> Vec<KeyId> {
        let keys = self.keys.lock().await;
        let ids = keys.all.iter().map(|file| file.key.public().id().clone());
        ids.collect()
    }

    async fn key(&self, id: &KeyId) -> Option<Arc<KeyFile>> {
        let mut keys = self.keys.lock().await;
        if keys.get(id).is_none() {
            self.look_again(&mut keys).await;
        }
        keys.get(id)
    }

    /// Takes the keys that are there now, if they are others. What can't be read leaves the keys as they are.
    async fn look_again(&self, keys: &mut Keys) {
        if keys.looked_at.elapsed() < LOOK_EVERY {
            return;
        }
        keys.looked_at = Instant::now();
        let known = keys.files.clone();
        let found = off_the_runtime(self.directory.clone(), move |directory| {
            let is_changed = directory.numbers()? != known;
            is_changed.then(|| Keys::read(directory)).transpose()
        });
        match found.await {
            Ok((_, Some(found))) => {
                tracing::info!(key_id = %found.newest.id(), keys = found.all.len(), "the keys have changed");
                *keys = found;
            }
            Ok((_, None)) => {}
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    "the keys cannot be read again: those that were there go on"
                );
            }
        }
    }
}

impl Vault for KeyRing {
    async fn open(
        &self,
        record: &TokenRecord,
        account: &AccountId,
        user: &UserId,
    ) -> Result<SecretString, OpenError> {
        let id = record.key_id();
        let key = self.key(id).await;
        let key = key.ok_or_else(|| OpenError::UnknownKey(id.clone()))?;
        let associated = record.binding(account, user).associated_data(id);
        key.key.open(record, &associated)
    }

    async fn public_key(&self) -> PublicKey {
        let mut keys = self.keys.lock().await;
        self.look_again(&mut keys).await;
        keys.newest.clone()
    }
}

impl Keys {
    fn read(directory: &KeyDirectory) -> Result<Self, DirectoryError> {
        let keys = directory.keys()?;
        let files = keys.iter().map(|file| (file.number, file.path.clone()));
        let files = files.collect();
        let newest = keys.last().map(|file| file.key.public().clone());
        let empty = || DirectoryError::Empty(directory.path().to_owned());
        Ok(Self {
            files,
            newest: newest.ok_or_else(empty)?,
            all: keys.into_iter().map(Arc::new).collect(),
            looked_at: Instant::now(),
        })
    }

    fn get(&self, id: &KeyId) -> Option<Arc<KeyFile>> {
        let key = self.all.iter().find(|file| file.key.public().id() == id);
        key.cloned()
    }
}

/// Reads files where that holds nobody up.
async fn off_the_runtime<T: Send + 'static>(
    directory: KeyDirectory,
    read: impl FnOnce(&KeyDirectory) -> Result<T, DirectoryError> + Send + 'static,
) -> Result<(KeyDirectory, T), DirectoryError> {
    let path = directory.path().to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let read = read(&directory)?;
        Ok((directory, read))
    });
    reading.await.unwrap_or_else(|stopped| {
        Err(DirectoryError::File {
            path,
            source: std::io::Error::other(stopped),
        })
    })
}
