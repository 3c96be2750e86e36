//! What is shown of Microsoft, by whoever asks it.

use crate::definition::Service::{self, ConsentGateway, LoginHook, TokenBroker};
use crate::definition::{CounterMetric, Definition, GaugeMetric, HistogramMetric, Label, Presence};

const ASKERS: &[Service] = &[ConsentGateway, LoginHook, TokenBroker];
const WITH_CREDENTIALS: &[Service] = &[ConsentGateway, TokenBroker];

// Not `service`: Prometheus on Kubernetes sets a label of that name itself.
const API: Label = Label::words(
    "api",
    "`sign_in`, `sign_in:lookups`, `sign_in:claims`, `graph`, `autodiscover`, or the host of another cloud's sign-in service",
);
const PLACES: &[&str] = &["first", "second"];

/// Requests.
pub static REQUESTS: CounterMetric<2> = CounterMetric::new(
    "assent_microsoft_requests_total",
    "Requests to Microsoft, with those that were held back",
    &[
        API,
        Label::one_of(
            "outcome",
            &[
                "answered",
                "refused",
                "timed_out",
                "unreachable",
                "throttled",
                "unavailable",
                "circuit_open",
                "nonsense",
            ],
        ),
    ],
    ASKERS,
    Presence::Once("Microsoft was asked"),
);

/// How long they took.
pub static REQUEST_DURATION: HistogramMetric<1> = HistogramMetric::new(
    "assent_microsoft_request_duration_seconds",
    "Time from sending a request to Microsoft to the end of its answer",
    &[API],
    ASKERS,
    Presence::Once("Microsoft was asked"),
);

/// Repetitions.
pub static RETRIES: CounterMetric<1> = CounterMetric::new(
    "assent_microsoft_retries_total",
    "Requests to Microsoft that were repeated",
    &[API],
    ASKERS,
    Presence::Always,
);

/// Circuits.
pub static CIRCUIT_OPEN: GaugeMetric<1> = GaugeMetric::new(
    "assent_microsoft_circuit_open",
    "1 while a service of Microsoft's fails and is left alone, else 0",
    &[API],
    ASKERS,
    Presence::Always,
);

/// Refused credentials.
pub static CREDENTIAL_REFUSED: CounterMetric<1> = CounterMetric::new(
    "assent_microsoft_credential_refused_total",
    "Token requests for which Microsoft did not believe our credential",
    &[Label::one_of("credential", PLACES)],
    WITH_CREDENTIALS,
    Presence::Always,
);

/// When certificates end.
pub static CERTIFICATE_EXPIRES: GaugeMetric<1> = GaugeMetric::new(
    "assent_microsoft_certificate_expires_timestamp_seconds",
    "When our certificate ends, in seconds since 1970",
    &[Label::one_of("certificate", PLACES)],
    WITH_CREDENTIALS,
    Presence::Once("the gateway proves by a certificate who it is"),
);

/// How far our clock is from Microsoft's.
pub static CLOCK_OFFSET: GaugeMetric<0> = GaugeMetric::new(
    "assent_microsoft_clock_offset_seconds",
    "How far this machine's clock was ahead of Microsoft's at its last answer; negative if behind; exact to a second and the time of the answer",
    &[],
    ASKERS,
    Presence::Once("Microsoft has answered"),
);

pub(crate) static ALL: &[&Definition] = &[
    &REQUESTS.0,
    &REQUEST_DURATION.0,
    &RETRIES.0,
    &CIRCUIT_OPEN.0,
    &CREDENTIAL_REFUSED.0,
    &CERTIFICATE_EXPIRES.0,
    &CLOCK_OFFSET.0,
];
