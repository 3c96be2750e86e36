//! What the gateway shows of consents, of the log, and of its stores.

use crate::definition::Service::{self, ConsentGateway};
use crate::definition::{CounterMetric, Definition, GaugeMetric, Label, Presence};

const HERE: &[Service] = &[ConsentGateway];

const fn counter(name: &'static str, help: &'static str) -> CounterMetric<0> {
    CounterMetric::new(name, help, &[], HERE, Presence::Always)
}

const BUCKETS: &[&str] = &[
    "CONSENT_FLOWS",
    "CONSENT_SESSIONS",
    "CONSENT_HAND_OFFS",
    "CONSENT_OBSERVATIONS",
];
const STORES: &[&str] = &[
    "CONSENT_EVENTS",
    "CONSENT_OPERATIONS",
    "CONSENT_CHANGES",
    "CONSENT_FLOWS",
    "CONSENT_SESSIONS",
    "CONSENT_HAND_OFFS",
    "CONSENT_OBSERVATIONS",
];

/// Events appended.
pub static EVENTS_RECORDED: CounterMetric<1> = CounterMetric::new(
    "assent_events_recorded_total",
    "Events appended to the log",
    &[Label::one_of(
        "type",
        &[
            "assent.consent.ModeChanged.v1",
            "assent.consent.AdminConsentGranted.v1",
            "assent.consent.UserScopeGranted.v1",
            "assent.consent.UserScopeRevoked.v1",
        ],
    )],
    HERE,
    Presence::Always,
);

/// Appends that did not succeed.
pub static APPENDS_FAILED: CounterMetric<1> = CounterMetric::new(
    "assent_appends_failed_total",
    "Appends to the log that did not succeed: there is no room (full), NATS did not say whether it took it (unknown), or anything else (unavailable)",
    &[Label::one_of("why", &["full", "unknown", "unavailable"])],
    HERE,
    Presence::Always,
);

/// Flows begun.
pub static FLOWS_BEGUN: CounterMetric<1> = CounterMetric::new(
    "assent_flows_begun_total",
    "Flows through Microsoft that were begun",
    &[Label::one_of("purpose", PURPOSES)],
    HERE,
    Presence::Always,
);

/// Flows ended.
pub static FLOWS_ENDED: CounterMetric<3> = CounterMetric::new(
    "assent_flows_ended_total",
    "Flows that ended with an answer; one that nobody comes back from expires without being counted",
    &[
        Label::one_of("purpose", PURPOSES),
        Label::words(
            "outcome",
            "`completed`, `declined`, `undetermined`, `expired` or `refused`",
        ),
        Label::words(
            "code",
            "why, as the API says it; `none` where there is no more to say",
        ),
    ],
    HERE,
    Presence::Once("a flow ended"),
);

const PURPOSES: &[&str] = &["own_consent", "administrator_consent", "connection"];

/// Refresh tokens.
pub static REFRESH_TOKENS: CounterMetric<1> = CounterMetric::new(
    "assent_refresh_tokens_total",
    "Refresh tokens that were due with a user's consent: sealed and put where the token broker finds them (kept), not sealed or not put, so that the user has to pass Microsoft again (lost), dropped as there is no key to seal them with (no_key), not given by Microsoft (none_given)",
    &[Label::one_of(
        "outcome",
        &["kept", "lost", "no_key", "none_given"],
    )],
    HERE,
    Presence::Always,
);

/// Refusals.
pub static REFUSALS: CounterMetric<1> = CounterMetric::new(
    "assent_refusals_total",
    "Requests that the rules were against, over HTTP and NATS",
    &[Label::words("code", "the refusal's code")],
    HERE,
    Presence::Once("something was refused"),
);

/// Requests beyond a limit.
pub static LIMITED: CounterMetric<1> = CounterMetric::new(
    "assent_limited_total",
    "Requests refused because there were too many",
    &[Label::one_of(
        "limit",
        &[
            "starts",
            "link_starts",
            "lookups",
            "writes",
            "revocations",
            "links_a_day",
            "open_links",
            "waits",
            "voids",
        ],
    )],
    HERE,
    Presence::Always,
);

/// Keys beyond the table.
pub static LIMITS_NOT_COUNTED: CounterMetric<0> = counter(
    "assent_limits_not_counted_total",
    "Requests let through uncounted, because more users are active than are counted at once",
);

/// Histories that can't be read.
pub static UNREADABLE_AGGREGATES: CounterMetric<0> = counter(
    "assent_unreadable_aggregates_total",
    "Times at which the history of an account or user could not be read",
);

/// Histories with events lost.
pub static DAMAGED_HISTORIES: CounterMetric<0> = counter(
    "assent_damaged_histories_total",
    "Times at which a history had fewer events than the server counts",
);

/// A log that is not the one that was written.
pub static EVENT_LOG_CUT_SHORT: CounterMetric<0> = counter(
    "assent_event_log_cut_short_total",
    "Times at which the log turned out to be shorter than, or another one than, it was",
);

/// Messages declared void.
pub static MESSAGES_VOIDED: CounterMetric<0> = counter(
    "assent_messages_voided_total",
    "Messages of the log that an operator had declared void",
);

/// Observations lost.
pub static OBSERVATIONS_LOST: CounterMetric<0> = counter(
    "assent_observations_lost_total",
    "Observations of Microsoft that were not read or kept; they spare dead ends and prove nothing",
);

/// Mailboxes not looked for.
pub static MAILBOX_PROBES_SKIPPED: CounterMetric<0> = counter(
    "assent_mailbox_probes_skipped_total",
    "Automatic grants after which the mailbox was not looked for, because too many others were being",
);

/// What Microsoft faults us for.
pub static MICROSOFT_OUR_FAULT: CounterMetric<0> = counter(
    "assent_microsoft_our_fault_total",
    "Flows that Microsoft's token endpoint ended because of our registration, credential or request",
);

/// Stores made again.
pub static STORES_MADE_ANEW: CounterMetric<1> = CounterMetric::new(
    "assent_stores_made_anew_total",
    "Streams and buckets that were lost and made again, empty",
    &[Label::one_of("store", STORES)],
    HERE,
    Presence::Always,
);

/// Whether a store can be used.
pub static STORE_USABLE: GaugeMetric<1> = GaugeMetric::new(
    "assent_store_usable",
    "1 while a stream or bucket is there and takes what is written to it, else 0",
    &[Label::one_of("store", STORES)],
    HERE,
    Presence::Always,
);

/// What a bucket holds.
pub static STORE_BYTES: GaugeMetric<1> = GaugeMetric::new(
    "assent_store_bytes",
    "Bytes that a bucket holds",
    &[Label::one_of("store", BUCKETS)],
    HERE,
    Presence::Always,
);

/// What a bucket may hold.
pub static STORE_MAX_BYTES: GaugeMetric<1> = GaugeMetric::new(
    "assent_store_max_bytes",
    "Bytes that a bucket may hold",
    &[Label::one_of("store", BUCKETS)],
    HERE,
    Presence::Always,
);

pub(crate) static ALL: &[&Definition] = &[
    &EVENTS_RECORDED.0,
    &APPENDS_FAILED.0,
    &FLOWS_BEGUN.0,
    &FLOWS_ENDED.0,
    &REFRESH_TOKENS.0,
    &REFUSALS.0,
    &LIMITED.0,
    &LIMITS_NOT_COUNTED.0,
    &UNREADABLE_AGGREGATES.0,
    &DAMAGED_HISTORIES.0,
    &EVENT_LOG_CUT_SHORT.0,
    &MESSAGES_VOIDED.0,
    &OBSERVATIONS_LOST.0,
    &MAILBOX_PROBES_SKIPPED.0,
    &MICROSOFT_OUR_FAULT.0,
    &STORES_MADE_ANEW.0,
    &STORE_USABLE.0,
    &STORE_BYTES.0,
    &STORE_MAX_BYTES.0,
];
