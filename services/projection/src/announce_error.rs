//! Why changes are not told.

use assent_event_log::{FollowError, ReadError as ReadLogError};
use assent_messaging::{ChangeStreamError, JetStreamError, PublishChangesError, SubscribeError};
use assent_permission_store::{Damage, ReadError};
use tokio::task::JoinError;

/// Why changes are not told, for now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnnounceError {
    #[error("the stream of changes can't be used")]
    Stream(#[from] ChangeStreamError),
    #[error("the stream of changes can't be read")]
    ReadChanges(#[from] JetStreamError),
    #[error("a change could not be published")]
    Publish(#[from] PublishChangesError),
    #[error("changes can't be heard")]
    Hear(#[from] SubscribeError),
    #[error("the event log can't be read")]
    ReadLog(#[from] ReadLogError),
    #[error("the event log can't be followed")]
    FollowLog(#[from] FollowError),
    #[error("the view can't be read")]
    ReadView(#[from] ReadError),
    #[error("what was told can't be noted")]
    Note(#[from] Damage),
    #[error("a change has no JSON form")]
    Encode(#[from] serde_json::Error),
    #[error("a task beside the telling failed")]
    Task(#[from] JoinError),
    #[error("{0}")]
    Interrupted(&'static str),
}
