//! What an export in a directory says about its lines, in `manifest.json`.

use std::collections::BTreeMap;

use assent_contract::names::EVENT_STREAM;
use serde::{Deserialize, Serialize};

use super::ExportError;
use super::line::Declared;

/// The version of the form that is written here.
const VERSION: u64 = 1;

/// What an export is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    version: u64,
    /// The stream's name.
    stream: String,
    /// When the log was created, as its server wrote it: which log it was.
    pub(crate) created: String,
    range: Range,
    /// The root over all messages (RFC 9162), in base64.
    pub(crate) root: String,
    /// What was declared void, by the places of the messages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) void: BTreeMap<u64, Declared>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    first: u64,
    last: u64,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

impl Manifest {
    pub(crate) fn new(
        created: &str,
        last: u64,
        root: String,
        void: BTreeMap<u64, Declared>,
    ) -> Self {
        Self {
            version: VERSION,
            stream: EVENT_STREAM.to_owned(),
            created: created.to_owned(),
            range: Range { first: 1, last },
            root,
            void,
        }
    }

    /// Reads a manifest; one that this program can't use is an error that says why.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ExportError> {
        let Version { version } =
            serde_json::from_slice(bytes).map_err(ExportError::BadManifest)?;
        if VERSION < version {
            return Err(ExportError::Newer(version));
        }
        let read: Self = serde_json::from_slice(bytes).map_err(ExportError::BadManifest)?;
        if read.stream != EVENT_STREAM {
            return Err(ExportError::OtherLog(read.stream));
        }
        if read.range.first != 1 {
            return Err(ExportError::NotWhole(read.range.first));
        }
        Ok(read)
    }

    /// Writes it, as people can read it.
    pub(crate) fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The sequence of the last message.
    pub(crate) fn last(&self) -> u64 {
        self.range.last
    }
}
