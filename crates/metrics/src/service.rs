//! What every service shows of itself.

use crate::alarms::{alarms_of, security_events_of};
use crate::definition::Service::{ConsentGateway, Projection, TokenBroker};
use crate::definition::{CounterMetric, Definition, GaugeMetric, Label, Presence, Service};

/// Which program and version runs.
pub static BUILD_INFO: GaugeMetric<2> = GaugeMetric::new(
    "assent_build_info",
    "Always 1: which program this is, and of which version",
    &[
        Label::words("program", "the program's name"),
        Label::words("version", "its version"),
    ],
    Service::ALL,
    Presence::Always,
);

/// Whether the service takes traffic.
pub static READY: GaugeMetric<0> = GaugeMetric::new(
    "assent_ready",
    "1 while the service may take traffic, as /readyz says, else 0",
    &[],
    Service::ALL,
    Presence::Always,
);

/// Whether a dependency answers.
pub static DEPENDENCY_UP: GaugeMetric<1> = GaugeMetric::new(
    "assent_dependency_up",
    "1 while what the service stands on is as it should be, 0 while it is not, needed or done without; /readyz says why",
    &[Label::words(
        "dependency",
        "as in `/readyz`: `nats`, `microsoft`, `microsoft_keys`, `host_keys`, `view`, `queries`, `changes`, `log`, `projection`, `space`, `custody`, and the gateway's streams and buckets by name",
    )],
    Service::ALL,
    Presence::Always,
);

/// Errors told to whoever asked.
pub static ERRORS: CounterMetric<2> = CounterMetric::new(
    "assent_errors_total",
    "Requests answered with an error, a refusal as well as a fault",
    &[
        Label::one_of("transport", &["http", "nats"]),
        Label::words(
            "code",
            "the error's code, as `consentctl errors` lists them",
        ),
    ],
    Service::ALL,
    Presence::Once("a request was answered with an error"),
);

/// Log lines with `operator_alarm`.
pub static OPERATOR_ALARMS: CounterMetric<1> = CounterMetric::new(
    "assent_operator_alarms_total",
    "Alarms for operators: log lines with a field operator_alarm, whatever is logged",
    &[Label::by("kind", alarms_of)],
    &[ConsentGateway, Projection, TokenBroker],
    Presence::Always,
);

/// Log lines with `security_event`.
pub static SECURITY_EVENTS: CounterMetric<1> = CounterMetric::new(
    "assent_security_events_total",
    "Security events: log lines with a field security_event, whatever is logged",
    &[Label::by("kind", security_events_of)],
    Service::ALL,
    Presence::Always,
);

pub(crate) static ALL: &[&Definition] = &[
    &BUILD_INFO.0,
    &READY.0,
    &DEPENDENCY_UP.0,
    &ERRORS.0,
    &OPERATOR_ALARMS.0,
    &SECURITY_EVENTS.0,
];
