//! The one place that calls sled. It may fail, or panic on damage that it does not expect:
//! both mean that the view can't be trusted, and has to be built anew.

use std::collections::BTreeSet;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use assent_domain::ids::Sequence;
use sled::{Batch, IVec};

use crate::cursor::Head;
use crate::key;

/// How long a database that was dropped may take to be closed.
const CLOSING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// The view's files are not what was written. The log has it all: build the view anew.
#[derive(Debug, thiserror::Error)]
#[error("the view is damaged: {what}")]
pub struct Damage {
    what: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Damage {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source: None,
        }
    }

    pub(crate) fn because(
        what: impl Into<String>,
        source: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            what: what.into(),
            source: Some(Box::new(source)),
        }
    }
}

/// Rows and the head, in the default tree of a database.
#[derive(Debug, Clone)]
pub(crate) struct Table(sled::Db);

impl Table {
    /// Opens or creates the database. Recovery may panic or exhaust a stack, so it runs in a
    /// thread of its own.
    pub(crate) fn open(directory: &Path, cache_capacity: u64) -> Result<Self, Damage> {
        let config = sled::Config::new()
            .path(directory)
            .cache_capacity(cache_capacity);
        let opening = std::thread::Builder::new()
            .name("open-view".to_owned())
            .spawn(move || open_when_closed(&config))
            .map_err(|error| Damage::because("no thread to open it in", error))?;
        match opening.join() {
            Ok(opened) => opened
                .map(Self)
                .map_err(|error| Damage::because("it can't be opened", error)),
            Err(_) => Err(Damage::new("opening it panicked")),
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>, Damage> {
        guarded(|| self.0.get(key))
    }

    pub(crate) fn head(&self) -> Result<Option<Head>, Damage> {
        self.get(key::HEAD)?
            .map(|bytes| {
                serde_json::from_slice(&bytes)
                    .map_err(|error| Damage::because("its cursor can't be read", error))
            })
            .transpose()
    }

    /// The messages that were passed over.
    pub(crate) fn voids(&self) -> Result<BTreeSet<Sequence>, Damage> {
        let mut voids = BTreeSet::new();
        self.scan(key::VOIDS, None, |key, _| {
            let sequence = key::voided(key);
            voids.insert(sequence.ok_or_else(|| Damage::new("it holds a note that is not ours"))?);
            Ok(true)
        })?;
        Ok(voids)
    }

    /// Calls `visit` for each row under the prefix whose key is above `after`, in the order of
    /// the keys, until it answers `false`.
    pub(crate) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, Damage>,
    ) -> Result<(), Damage> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let from = after.map_or(Included(prefix), Excluded);
        let mut rows = self.0.range::<&[u8], _>((from, Unbounded));
        while let Some((key, value)) = guarded(|| rows.next().transpose())? {
            if !key.starts_with(prefix) || !visit(&key, &value)? {
                break;
            }
        }
        Ok(())
    }

    /// All or nothing, also when the process is killed.
    pub(crate) fn write(&self, batch: Batch) -> Result<(), Damage> {
        guarded(|| self.0.apply_batch(batch))
    }

    /// One row, without any promise about others.
    pub(crate) fn insert(&self, key: &[u8], value: Vec<u8>) -> Result<(), Damage> {
        guarded(|| self.0.insert(key, value)).map(drop)
    }

    pub(crate) fn flush(&self) -> Result<(), Damage> {
        guarded(|| self.0.flush()).map(drop)
    }
}

/// sled's own threads may keep a database open for a moment after it was dropped, and with it
/// the lock on its file. The view's directory is locked by us, so it can't be another process.
fn open_when_closed(config: &sled::Config) -> sled::Result<sled::Db> {
    let until = Instant::now() + CLOSING;
    loop {
        match config.open() {
            Err(error) if is_still_open(&error) && Instant::now() < until => {
                std::thread::park_timeout(PAUSE);
            }
            opened => return opened,
        }
    }
}

/// sled tells this by the text alone.
fn is_still_open(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if io.to_string().contains("could not acquire lock"))
}

pub(crate) fn head_bytes(head: &Head) -> Result<Vec<u8>, Damage> {
    serde_json::to_vec(head).map_err(|error| Damage::because("its cursor can't be written", error))
}

fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, Damage> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| Damage::because("the database failed", error)),
        Err(_) => Err(Damage::new("the database panicked")),
    }
}
