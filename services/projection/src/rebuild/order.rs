//! What was asked for, and how it ended, as a file in the data directory.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use assent_contract::rebuild::RebuildOutcome;
use assent_contract::values::optional_text;
use assent_domain::ids::AccountId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The file, in the data directory.
const FILE: &str = "rebuild.json";
const BEING_WRITTEN: &str = "rebuild.json.new";

/// A rebuild that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) id: Uuid,
    #[serde(default, with = "optional_text")]
    pub(super) account: Option<AccountId>,
    pub(super) dry_run: bool,
    /// How often it was begun.
    pub(super) attempt: u32,
    /// How it ended; `None` until then.
    pub(super) outcome: Option<RebuildOutcome>,
}

impl Order {
    /// The last one; `None` where there is none that can be read. It is nobody's truth: who misses it asks again.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        let text = fs::read(directory.join(FILE)).ok()?;
        serde_json::from_slice(&text)
            .inspect_err(
                |error| tracing::warn!(%error, "what was asked to be rebuilt can't be read"),
            )
            .ok()
    }

    /// Keeps it: all of it, or what was kept before.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let path = directory.join(BEING_WRITTEN);
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(path, directory.join(FILE))
    }

    /// Forgets the last one.
    pub(super) fn remove(directory: &Path) {
        // One that stays is carried out once more at the next start, which harms nobody.
        drop(fs::remove_file(directory.join(FILE)));
    }
}
