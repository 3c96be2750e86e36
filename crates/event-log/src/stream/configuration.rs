//! How the stream is configured, and what differs.

use std::fmt::Debug;
use std::time::Duration;

use assent_contract::names::{EVENT_STREAM, EVENT_SUBJECTS};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use super::StreamSettings;

/// How long the server remembers the ids of events, to store a repeated append once. Longer than
/// anybody repeats one; after it, the expected sequence still keeps the event from being stored
/// twice.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);

/// What the stream must be. Without limits, because a limit removes events; the smallest legal
/// gap would make every real one look legal.
pub(super) fn configuration(settings: StreamSettings) -> Config {
    Config {
        name: EVENT_STREAM.to_owned(),
        description: Some("Every consent that was given or taken back".to_owned()),
        subjects: EVENT_SUBJECTS.map(str::to_owned).to_vec(),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        num_replicas: settings.replicas,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        max_age: Duration::ZERO,
        duplicate_window: DUPLICATE_WINDOW,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        allow_atomic_publish: true,
        ..Config::default()
    }
}

/// Everything that matters in which the stream there differs from the one wanted. Description,
/// metadata, placement and compression are the operator's.
pub(crate) fn differences(wanted: &Config, found: &Config) -> Vec<String> {
    let mut subjects = (wanted.subjects.clone(), found.subjects.clone());
    subjects.0.sort_unstable();
    subjects.1.sort_unstable();
    let mirrored = |config: &Config| config.mirror.is_some();
    let sourced = |config: &Config| {
        config
            .sources
            .as_ref()
            .is_some_and(|sources| !sources.is_empty())
    };
    let transformed = |config: &Config| config.subject_transform.is_some();
    [
        differs("subjects", &subjects.0, &subjects.1),
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
        limit(
            "max_consumers",
            wanted.max_consumers.into(),
            found.max_consumers.into(),
        ),
        differs("max_age", &wanted.max_age, &found.max_age),
        differs(
            "duplicate_window",
            &wanted.duplicate_window,
            &found.duplicate_window,
        ),
        differs("no_ack", &wanted.no_ack, &found.no_ack),
        differs("sealed", &wanted.sealed, &found.sealed),
        differs(
            "allow_rollup_hdrs",
            &wanted.allow_rollup,
            &found.allow_rollup,
        ),
        differs("deny_delete", &wanted.deny_delete, &found.deny_delete),
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
        differs("mirror", &mirrored(wanted), &mirrored(found)),
        differs("sources", &sourced(wanted), &sourced(found)),
        differs(
            "subject_transform",
            &transformed(wanted),
            &transformed(found),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
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
