//! What `consentctl` writes for a collector of text files. It writes that itself; here it is described.

use crate::definition::{Definition, Kind, Label, Presence, Service};

const HERE: &[Service] = &[Service::Consentctl];

const fn gauge(
    name: &'static str,
    help: &'static str,
    labels: &'static [Label],
    presence: Presence,
) -> Definition {
    Definition {
        name,
        kind: Kind::Gauge,
        help,
        labels,
        services: HERE,
        presence,
    }
}

pub(crate) static ALL: &[&Definition] = &[
    &gauge(
        "assent_checkpoint_holds",
        "Whether the log still holds what was kept of it",
        &[],
        Presence::Always,
    ),
    &gauge(
        "assent_checkpoint_finding",
        "What is wrong",
        &[Label::one_of(
            "kind",
            &[
                "gone",
                "cut_short",
                "incomplete",
                "forked",
                "other_key",
                "bad_signature",
            ],
        )],
        Presence::Always,
    ),
    &gauge(
        "assent_checkpoint_kept_messages",
        "How many messages the log had when it was kept",
        &[],
        Presence::Once("something was kept"),
    ),
    &gauge(
        "assent_checkpoint_log_messages",
        "How many messages the log has",
        &[],
        Presence::Once("the log could be read"),
    ),
    &gauge(
        "assent_checkpoint_held_timestamp_seconds",
        "When the log was last found to hold what was kept",
        &[],
        Presence::Once("it was found to hold something"),
    ),
];
