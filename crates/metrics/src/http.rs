//! What every service shows of the HTTP that it serves.

use crate::definition::{
    CounterMetric, Definition, GaugeMetric, HistogramMetric, Label, Presence, Service,
};

const METHOD: Label = Label::words(
    "method",
    "`GET`, `POST`, `PUT`, `DELETE`, `PATCH`, `HEAD`, `OPTIONS`, or `OTHER`",
);
const ROUTE: Label = Label::words(
    "route",
    "the route's template, such as `/v1/accounts/{account}`; `unmatched` where there is none",
);

/// Requests answered.
pub static REQUESTS: CounterMetric<3> = CounterMetric::new(
    "http_requests_total",
    "HTTP requests answered",
    &[METHOD, ROUTE, Label::words("status", "the status code")],
    Service::ALL,
    Presence::Always,
);

/// How long answers took.
pub static REQUEST_DURATION: HistogramMetric<3> = HistogramMetric::new(
    "http_request_duration_seconds",
    "Time from a request's head to its answer's",
    &[
        METHOD,
        ROUTE,
        Label::one_of("status_class", &["1xx", "2xx", "3xx", "4xx", "5xx"]),
    ],
    Service::ALL,
    Presence::Always,
);

/// Connections that are open.
pub static CONNECTIONS_OPEN: GaugeMetric<0> = GaugeMetric::new(
    "http_connections_open",
    "Connections that are served",
    &[],
    Service::ALL,
    Presence::Always,
);

/// Connections that may be open.
pub static CONNECTIONS_LIMIT: GaugeMetric<0> = GaugeMetric::new(
    "http_connections_limit",
    "How many connections are served at once",
    &[],
    Service::ALL,
    Presence::Always,
);

/// Connections beyond the limit.
pub static CONNECTIONS_REFUSED: CounterMetric<0> = CounterMetric::new(
    "http_connections_refused_total",
    "Connections beyond the limit, on which only /livez, /readyz and /metrics were answered",
    &[],
    Service::ALL,
    Presence::Always,
);

/// Connections that failed.
pub static CONNECTIONS_FAILED: CounterMetric<1> = CounterMetric::new(
    "http_connections_failed_total",
    "Connections that ended otherwise than by agreement",
    &[Label::one_of("why", &["timeout", "broken"])],
    Service::ALL,
    Presence::Always,
);

/// Failures to accept.
pub static ACCEPT_ERRORS: CounterMetric<0> = CounterMetric::new(
    "http_accept_errors_total",
    "Times at which no connection could be accepted",
    &[],
    Service::ALL,
    Presence::Always,
);

pub(crate) static ALL: &[&Definition] = &[
    &REQUESTS.0,
    &REQUEST_DURATION.0,
    &CONNECTIONS_OPEN.0,
    &CONNECTIONS_LIMIT.0,
    &CONNECTIONS_REFUSED.0,
    &CONNECTIONS_FAILED.0,
    &ACCEPT_ERRORS.0,
];
