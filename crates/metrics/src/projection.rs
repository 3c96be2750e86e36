//! What a projection shows of its view and of the changes that it tells.

use crate::definition::Service::{self, Projection};
use crate::definition::{CounterMetric, Definition, GaugeMetric, Presence};

const HERE: &[Service] = &[Projection];

const fn gauge(name: &'static str, help: &'static str) -> GaugeMetric<0> {
    GaugeMetric::new(name, help, &[], HERE, Presence::Always)
}

const fn counter(name: &'static str, help: &'static str) -> CounterMetric<0> {
    CounterMetric::new(name, help, &[], HERE, Presence::Always)
}

/// How far the view is.
pub static APPLIED_SEQUENCE: GaugeMetric<0> = gauge(
    "assent_projection_applied_sequence",
    "The sequence in the log of the last event that the view reflects",
);

/// How far behind it is.
pub static LAG: GaugeMetric<0> = gauge(
    "assent_projection_lag_events",
    "How many messages of the log the view does not reflect yet",
);

/// Companies.
pub static ACCOUNTS: GaugeMetric<0> = gauge(
    "assent_projection_accounts",
    "Accounts that the view knows of",
);

/// Users.
pub static USERS: GaugeMetric<0> = gauge("assent_projection_users", "Users that the view knows of");

/// Blocked accounts and users.
pub static BLOCKED: GaugeMetric<0> = gauge(
    "assent_projection_blocked",
    "Accounts and users of whom nothing is permitted, because a message about them can't be read",
);

/// Messages of nobody.
pub static ORPHANS: GaugeMetric<0> = gauge(
    "assent_projection_orphans",
    "Messages of the log that name neither an account nor a user",
);

/// Rebuilds.
pub static REBUILDS: CounterMetric<0> = counter(
    "assent_projection_rebuilds_total",
    "Times at which the view was built from the whole log, the first time as well",
);

/// Failures to follow.
pub static TROUBLES: CounterMetric<0> = counter(
    "assent_projection_troubles_total",
    "Times at which following the log ended, and was begun again",
);

/// Where the log has a gap.
pub static GAP_AT_SEQUENCE: GaugeMetric<0> = gauge(
    "assent_projection_gap_at_sequence",
    "The sequence of the event that is missing from the log, and that nothing goes on without; 0 where none is",
);

/// Users held back.
pub static HELD: GaugeMetric<0> = gauge(
    "assent_projection_held",
    "Users to whom nothing is permitted, because a log that lost events would permit them more",
);

/// Comparisons with the log.
pub static LOG_CHECKS: CounterMetric<0> = counter(
    "assent_projection_log_checks_total",
    "Times at which the log was compared with what the view was built from",
);

/// How far it was compared.
pub static LOG_CHECKED_THROUGH: GaugeMetric<0> = gauge(
    "assent_projection_log_checked_through",
    "The sequence up to which the log was last compared; 0 before",
);

/// Whether it differs.
pub static LOG_DIFFERS: GaugeMetric<0> = gauge(
    "assent_projection_log_differs",
    "1 while the log is known not to be what the view was built from, else 0",
);

/// Looks at all rows.
pub static ROWS_CHECKS: CounterMetric<0> = counter(
    "assent_projection_rows_checks_total",
    "Times at which all rows of the view were read, to see that they are what was written",
);

/// Changes told.
pub static CHANGES_PUBLISHED: CounterMetric<0> = counter(
    "assent_changes_published_total",
    "Change messages that this replica told",
);

/// Times that all was told anew.
pub static CHANGES_TOLD_ANEW: CounterMetric<0> = counter(
    "assent_changes_told_anew_total",
    "Times at which the change stream did not agree with the log, so that all that stands was told anew",
);

/// Messages of others in the change stream.
pub static CHANGES_FOREIGN: CounterMetric<0> = counter(
    "assent_changes_foreign_total",
    "Messages in the change stream that no projection wrote",
);

/// Whether all is being told anew.
pub static CHANGES_MENDING: GaugeMetric<0> = gauge(
    "assent_changes_mending",
    "1 while all that stands is told anew, else 0",
);

pub(crate) static ALL: &[&Definition] = &[
    &APPLIED_SEQUENCE.0,
    &LAG.0,
    &ACCOUNTS.0,
    &USERS.0,
    &BLOCKED.0,
    &ORPHANS.0,
    &REBUILDS.0,
    &TROUBLES.0,
    &GAP_AT_SEQUENCE.0,
    &HELD.0,
    &LOG_CHECKS.0,
    &LOG_CHECKED_THROUGH.0,
    &LOG_DIFFERS.0,
    &ROWS_CHECKS.0,
    &CHANGES_PUBLISHED.0,
    &CHANGES_TOLD_ANEW.0,
    &CHANGES_FOREIGN.0,
    &CHANGES_MENDING.0,
];
