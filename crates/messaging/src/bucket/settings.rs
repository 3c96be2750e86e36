//! What a bucket is like, and the stream that it is.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};

use crate::jetstream::{RECREATED, StreamState};

/// What a bucket is like.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// The bucket's name: letters, digits, `-` and `_`.
    pub name: String,
    /// After how long a value disappears by itself; zero for never.
    pub max_age: Duration,
    /// On how many servers it is kept.
    pub replicas: usize,
    /// How much it may hold; beyond that a write is refused. One that is there keeps the limit that it has: see
    /// [`Bucket::resize`](super::Bucket::resize).
    pub max_bytes: i64,
    /// Where it is created: whether there was one before that is lost, which whoever asks is told by
    /// [`BucketOrigin::is_recreated`](super::BucketOrigin::is_recreated).
    pub anew: bool,
    /// Whether a single message may take the place of all that the bucket holds (a purge, as other clients have it, which
    /// needs no other permission than writing does). Not where somebody writes who may read nothing.
    pub allow_rollup: bool,
}

/// The first setting in which a stream is not the bucket of this name, if there is one. For how long and on how many
/// servers it keeps what, and how much, is the deployment's business; but it has to have a limit.
pub fn difference_from_a_bucket(found: &StreamState, name: &str) -> Option<String> {
    let config = found.config();
    if config.max_bytes <= 0 {
        return Some("max_bytes is without limit".to_owned());
    }
    found.difference(&stream_config(&BucketSettings {
        name: name.to_owned(),
        max_age: config.max_age,
        replicas: config.num_replicas,
        max_bytes: config.max_bytes,
        anew: false,
        allow_rollup: config.allow_rollup,
    }))
}

/// The stream that is a bucket to any NATS key-value client, so that the usual tools read it.
pub(super) fn stream_config(settings: &BucketSettings) -> Config {
    Config {
        name: format!("KV_{}", settings.name),
        subjects: vec![format!("$KV.{}.>", settings.name)],
        max_messages_per_subject: 1,
        max_age: settings.max_age,
        max_bytes: settings.max_bytes,
        storage: StorageType::File,
        num_replicas: settings.replicas,
        // A full bucket refuses the newest rather than forgets the oldest, which somebody
        // is in the middle of.
        discard: DiscardPolicy::New,
        allow_rollup: settings.allow_rollup,
        deny_delete: true,
        allow_direct: true,
        // JetStream wants the window no longer than the age; we do not use it.
        duplicate_window: settings.max_age.min(Duration::from_mins(2)),
        metadata: HashMap::from_iter(
            settings
                .anew
                .then(|| (RECREATED.to_owned(), "true".to_owned())),
        ),
        ..Config::default()
    }
}
