//! How a stream must be configured, and what differs.

use std::fmt::Debug;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, StorageType};

use super::StreamState;

/// A stream that keeps every message for ever, and what is particular to it. Whatever else a stream can do is off.
/// Without limits, because a limit removes messages; the smallest legal gap would make every real one look legal.
#[derive(Clone, Debug)]
pub struct AppendOnlyStream {
    /// The stream's name.
    pub name: &'static str,
    /// What it holds, for people.
    pub description: &'static str,
    /// What it stores.
    pub subjects: Vec<String>,
    /// On how many servers it is kept.
    pub replicas: usize,
    /// For how long the server recognises a repeated message by its id.
    pub duplicate_window: Duration,
    /// Whether any server that keeps it may be asked, and in batches.
    pub allow_direct: bool,
    /// Whether several messages can be stored all together or not at all.
    pub allow_atomic_publish: bool,
}

impl From<&AppendOnlyStream> for Config {
    fn from(stream: &AppendOnlyStream) -> Self {
        Self {
            name: stream.name.to_owned(),
            description: Some(stream.description.to_owned()),
            subjects: stream.subjects.clone(),
            storage: StorageType::File,
            num_replicas: stream.replicas,
            duplicate_window: stream.duplicate_window,
            deny_delete: true,
            deny_purge: true,
            allow_direct: stream.allow_direct,
            allow_atomic_publish: stream.allow_atomic_publish,
            ..Self::default()
        }
    }
}

impl StreamState {
    /// Everything that matters in which it differs from the stream wanted: how it is, and how it must be. Description,
    /// metadata, placement and compression are the operator's.
    pub fn differences_from(&self, wanted: &AppendOnlyStream) -> Vec<String> {
        let (wanted, found) = (&Config::from(wanted), self.config());
        let others = [
            limit(
                "max_consumers",
                wanted.max_consumers.into(),
                found.max_consumers.into(),
            ),
            differs(
                "duplicate_window",
                &wanted.duplicate_window,
                &found.duplicate_window,
            ),
            differs("no_ack", &wanted.no_ack, &found.no_ack),
            differs(
                "allow_rollup_hdrs",
                &wanted.allow_rollup,
                &found.allow_rollup,
            ),
            differs("deny_purge", &wanted.deny_purge, &found.deny_purge),
            differs("allow_direct", &wanted.allow_direct, &found.allow_direct),
            differs(
                "allow_atomic",
                &wanted.allow_atomic_publish,
                &found.allow_atomic_publish,
            ),
            differs(
                "allow_msg_ttl",
                &wanted.allow_message_ttl,
                &found.allow_message_ttl,
            ),
            differs(
                "allow_msg_counter",
                &wanted.allow_message_counter,
                &found.allow_message_counter,
            ),
            differs(
                "allow_msg_schedules",
                &wanted.allow_message_schedules,
                &found.allow_message_schedules,
            ),
            differs("mirror", &wanted.mirror.is_some(), &found.mirror.is_some()),
            differs("sources", &is_sourced(wanted), &is_sourced(found)),
        ];
        let mut differences = differences(wanted, found);
        differences.extend(others.into_iter().flatten());
        differences
    }
}

/// What any stream of ours must have as wanted, where it has not.
pub(crate) fn differences(wanted: &Config, found: &Config) -> Vec<String> {
    let sorted = |config: &Config| {
        let mut subjects = config.subjects.clone();
        subjects.sort_unstable();
        subjects
    };
    let settings = [
        differs("subjects", &sorted(wanted), &sorted(found)),
        differs(
            "subject_transform",
            &wanted.subject_transform,
            &found.subject_transform,
        ),
        differs("republish", &wanted.republish, &found.republish),
        differs("storage", &wanted.storage, &found.storage),
        differs("retention", &wanted.retention, &found.retention),
        differs("discard", &wanted.discard, &found.discard),
        differs("num_replicas", &wanted.num_replicas, &found.num_replicas),
        limit("max_msgs", wanted.max_messages, found.max_messages),
        limit("max_bytes", wanted.max_bytes, found.max_bytes),
        limit(
            "max_msgs_per_subject",
            wanted.max_messages_per_subject,
            found.max_messages_per_subject,
        ),
        limit(
            "max_msg_size",
            wanted.max_message_size.into(),
            found.max_message_size.into(),
        ),
        differs("max_age", &wanted.max_age, &found.max_age),
        differs("deny_delete", &wanted.deny_delete, &found.deny_delete),
        differs("sealed", &wanted.sealed, &found.sealed),
    ];
    settings.into_iter().flatten().collect()
}

fn is_sourced(config: &Config) -> bool {
    let sources = config.sources.as_ref();
    sources.is_some_and(|sources| !sources.is_empty())
}

fn differs<T: PartialEq + Debug>(setting: &str, wanted: &T, found: &T) -> Option<String> {
    (wanted != found).then(|| format!("{setting} is {found:?}, must be {wanted:?}"))
}

/// The server takes 0 and -1 alike for "no limit".
fn limit(setting: &str, wanted: i64, found: i64) -> Option<String> {
    let unlimited = |limit| limit <= 0;
    if unlimited(wanted) && unlimited(found) {
        return None;
    }
    differs(setting, &wanted, &found)
}
