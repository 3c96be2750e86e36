//! How much of which log a view holds, by which rules it was built, and how many rows it has.

use assent_checkpoint::Tree;
use assent_domain::ids::Sequence;
use serde::{Deserialize, Serialize};

use crate::entry::{Content, Entry};

/// How rows are laid out. Another number makes a view be built anew.
pub(crate) const SCHEMA_VERSION: u32 = 5;

/// Which rules folded the events: raise it whenever `evolve` comes to another result for some
/// log, or reads events that it could not read before. Another number makes a view be built anew.
pub(crate) const FOLD_VERSION: u32 = 4;

/// The log that a view is built from. A stream that was deleted and created anew has the same
/// name, and nothing else in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The stream's name.
    pub stream: String,
    /// When the stream was created, as its server says.
    pub created: String,
}

/// How much of which log a view holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// How rows are laid out.
    pub schema: u32,
    /// Which rules folded the events.
    pub fold: u32,
    /// The log.
    pub source: Source,
    /// The last entry that the rows reflect.
    #[serde(with = "sequence")]
    pub sequence: Sequence,
    /// The hash of that entry: a log that was rolled back uses sequences again.
    pub hash: [u8; 32],
}

impl Cursor {
    pub(crate) fn start(source: Source) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            fold: FOLD_VERSION,
            source,
            sequence: Sequence(0),
            hash: [0; 32],
        }
    }
}

/// How many there are, counted as rows are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Accounts with events of their own or of a user.
    pub accounts: u64,
    /// Users with events.
    pub users: u64,
    /// Accounts and users that are blocked.
    pub blocked: u64,
    /// Unreadable entries that name neither an account nor a user.
    pub orphans: u64,
}

impl Counts {
    /// An entry that names nobody can't block anybody: it is counted, and somebody has to look.
    pub(crate) fn count_orphan(&mut self, entry: &Entry) {
        if entry.content == Content::Void {
            return;
        }
        tracing::error!(operator_alarm = "orphan_event", sequence = %entry.sequence, "an entry of the log names neither an account nor a user");
        self.orphans = self.orphans.saturating_add(1);
    }
}

/// The record that is written with every batch of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    #[serde(flatten)]
    pub(crate) cursor: Cursor,
    pub(crate) counts: Counts,
    /// All messages up to the cursor. A view of an earlier version has none.
    #[serde(default)]
    pub(crate) tree: Tree,
    /// Users that are held back, see [`crate::held`].
    #[serde(default)]
    pub(crate) held: u64,
    /// The sum over all rows, see [`crate::checksum`].
    pub(crate) sum: u64,
}

impl Head {
    pub(crate) fn start(source: Source) -> Self {
        Self {
            cursor: Cursor::start(source),
            counts: Counts::default(),
            tree: Tree::default(),
            held: 0,
            sum: 0,
        }
    }
}

mod sequence {
    use assent_domain::ids::Sequence;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands every field over by reference"
    )]
    pub(super) fn serialize<S: Serializer>(value: &Sequence, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Sequence, D::Error> {
        u64::deserialize(from).map(Sequence)
    }
}
