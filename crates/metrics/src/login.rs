//! What the login hook shows of logins.

use crate::definition::Service::LoginHook;
use crate::definition::{CounterMetric, Definition, HistogramMetric, Label, Presence};

/// Decisions.
pub static DECISIONS: CounterMetric<2> = CounterMetric::new(
    "assent_login_decisions_total",
    "Login decisions",
    &[
        Label::words(
            "decision",
            "`proceed`, `prompt`, `auto_grant`, `reauthenticate` or `unavailable`",
        ),
        Label::words(
            "reason",
            "the answer's `reason`, as `/openapi.json` lists them",
        ),
    ],
    &[LoginHook],
    Presence::Once("a login was decided"),
);

/// Decisions with less known than could have been.
pub static DEGRADED: CounterMetric<0> = CounterMetric::new(
    "assent_login_degraded_total",
    "Login decisions made while something was away: the login went on, and nothing was permitted",
    &[],
    &[LoginHook],
    Presence::Always,
);

/// How long the projection took.
pub static QUERY_DURATION: HistogramMetric<0> = HistogramMetric::new(
    "assent_login_query_duration_seconds",
    "Time until the projection answered a login's query, or did not",
    &[],
    &[LoginHook],
    Presence::Always,
);

/// How long the gateway took.
pub static COMMAND_DURATION: HistogramMetric<1> = HistogramMetric::new(
    "assent_login_command_duration_seconds",
    "Time until the gateway answered a login's command, or did not",
    &[Label::one_of(
        "command",
        &[
            "record-automatic-grant",
            "begin-user-consent",
            "begin-connection",
        ],
    )],
    &[LoginHook],
    Presence::Always,
);

pub(crate) static ALL: &[&Definition] = &[
    &DECISIONS.0,
    &DEGRADED.0,
    &QUERY_DURATION.0,
    &COMMAND_DURATION.0,
];
