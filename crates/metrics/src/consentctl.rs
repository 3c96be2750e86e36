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

const OF_A_CHECK: &[Label; 2] = &[
    Label::words("check", "the check, as `consentctl errors` explains it"),
    Label::words("name", "what it looked at"),
];

pub(crate) static ALL: &[&Definition] = &[
    &gauge(
        "assent_check_ok",
        "Whether a check found nothing (1) or a problem (0)",
        OF_A_CHECK,
        Presence::Always,
    ),
    &gauge(
        "assent_check_events",
        "Events in the log",
        OF_A_CHECK,
        Presence::Once("there was something to measure"),
    ),
    &gauge(
        "assent_check_projection_lag_events",
        "Events that the projection has not applied yet",
        OF_A_CHECK,
        Presence::Once("there was something to measure"),
    ),
    &gauge(
        "assent_check_blocked",
        "Accounts and users that are blocked",
        OF_A_CHECK,
        Presence::Once("there was something to measure"),
    ),
    &gauge(
        "assent_check_store_bytes",
        "Bytes that a store holds",
        OF_A_CHECK,
        Presence::Once("there was something to measure"),
    ),
    &gauge(
        "assent_check_store_max_bytes",
        "Bytes that a store may hold",
        OF_A_CHECK,
        Presence::Once("there was something to measure"),
    ),
    &gauge(
        "assent_check_certificate_expires_in_seconds",
        "Seconds until a certificate expires",
        OF_A_CHECK,
        Presence::Once("there was something to measure"),
    ),
    &gauge(
        "assent_check_clock_skew_seconds",
        "Seconds that the clock of nats-server is ahead of this machine's",
        OF_A_CHECK,
        Presence::Once("there was something to measure"),
    ),
    &gauge(
        "assent_check_run_timestamp_seconds",
        "When the checks ran",
        &[],
        Presence::Always,
    ),
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
