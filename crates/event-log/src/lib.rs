//! The log of consent events, in NATS JetStream.
//!
//! One stream holds every event for ever. An account and each of its users have a subject of
//! their own, and whoever appends says which event it believes to be the subject's last: that is
//! what makes two writers unable to decide on the same state.
//!
//! Read in this order:
//!
//! 1. [`stream`]: what the stream must be configured as, and opening it.
//! 2. [`entry`]: one stored message, believed to be an event only when it is decoded.
//! 3. [`read`]: all that happened to one account or user, from the stream's leader.
//! 4. [`mod@append`]: adding events, and finding out what became of an append without an answer.
//! 5. [`mod@follow`]: every event from a given one on, for ever.
//! 6. [`mark`]: how far the log is known to reach.
//! 7. [`restore`]: putting the messages of an export back.
//! 8. [`operations`]: messages that are no events, and are passed over since an operator said so.

pub mod append;
pub mod entry;
pub mod follow;
mod history;
pub mod mark;
pub mod operations;
pub mod read;
pub mod restore;
pub mod stream;

use std::time::Duration;

use assent_messaging::Connection;

pub use append::{AppendError, Appended, Draft};
pub use entry::{LogEntry, NoMessage};
pub use follow::{Follow, FollowError};
pub use history::{History, RecordedEvent, Tail};
pub use mark::Mark;
pub use operations::{VoidError, create_or_check_operations};
pub use read::damage::{Damage, Missing};
pub use read::{ReadError, UsersPage};
pub use restore::{RESTORED_AT_ONCE, RestoreError};
pub use stream::{OpenError, StreamIdentity, StreamSettings, StreamStatus};

use append::group_commit::GroupCommit;
use operations::VoidCache;
use read::known::KnownHistories;

/// How long a call may take, unless [`EventLog::with_deadline`] says otherwise.
pub(crate) const DEFAULT_DEADLINE: Duration = Duration::from_secs(2);

/// The log. Clones share the connection.
#[derive(Clone, Debug)]
pub struct EventLog {
    connection: Connection,
    voids: VoidCache,
    known: KnownHistories,
    group_commit: GroupCommit,
    identity: StreamIdentity,
    deadline: Duration,
}

impl EventLog {
    fn new(connection: &Connection, identity: StreamIdentity) -> Self {
        Self {
            connection: connection.clone(),
            voids: VoidCache::default(),
            known: KnownHistories::default(),
            group_commit: GroupCommit::default(),
            identity,
            deadline: DEFAULT_DEADLINE,
        }
    }

    /// Sets another deadline for each call; the default is two seconds.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The server that answers, by its name.
    pub fn server(&self) -> String {
        self.connection.server_name()
    }

    /// Which stream this is: a stream that was deleted and created anew has another identity.
    pub fn identity(&self) -> &StreamIdentity {
        &self.identity
    }
}
