//! What a metric is, and the three kinds of handles on it.

use metrics::{Counter, Gauge, Histogram, Key, Level, Metadata, SharedString, Unit, with_recorder};

/// A program that shows metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The only writer.
    ConsentGateway,
    /// Decides at login.
    LoginHook,
    /// Holds the view.
    Projection,
    /// Keeps refresh tokens, hands out access tokens.
    TokenBroker,
    /// The operators' command line, which writes metrics where it is told to.
    Consentctl,
}

impl Service {
    /// All that answer at `/metrics`.
    pub const ALL: &'static [Self] = &[
        Self::ConsentGateway,
        Self::LoginHook,
        Self::Projection,
        Self::TokenBroker,
    ];

    /// The name of its program.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConsentGateway => "consent-gateway",
            Self::LoginHook => "login-hook",
            Self::Projection => "projection",
            Self::TokenBroker => "token-broker",
            Self::Consentctl => "consentctl",
        }
    }

    pub(crate) fn named(program: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|service| service.as_str() == program)
    }
}

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, until the program is started again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often each duration was seen.
    Histogram,
}

impl Kind {
    /// What `# TYPE` says.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Whether a metric is there from the start of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// From the start, or within seconds of it.
    Always,
    /// Once there was something to count or measure: in words, what.
    Once(&'static str),
}

/// What a label may say.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// One of these, for every service that has the metric.
    OneOf(&'static [&'static str]),
    /// One of those that this service has.
    By(fn(Service) -> Vec<&'static str>),
    /// One of few that the program does not list here: in words, which.
    Words(&'static str),
}

/// A label of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What it may say.
    pub values: Values,
}

impl Label {
    pub(crate) const fn one_of(name: &'static str, values: &'static [&'static str]) -> Self {
        let values = Values::OneOf(values);
        Self { name, values }
    }

    pub(crate) const fn by(name: &'static str, values: fn(Service) -> Vec<&'static str>) -> Self {
        let values = Values::By(values);
        Self { name, values }
    }

    pub(crate) const fn words(name: &'static str, words: &'static str) -> Self {
        let values = Values::Words(words);
        Self { name, values }
    }

    /// Every value that it has at this service, where these are listed.
    pub fn known(&self, service: Service) -> Option<Vec<&'static str>> {
        match self.values {
            Values::OneOf(values) => Some(values.to_vec()),
            Values::By(values) => Some(values(service)),
            Values::Words(_) => None,
        }
    }
}

/// A metric, as operators read of it.
#[derive(Debug)]
pub struct Definition {
    /// The name, with its unit last.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it means, in one line.
    pub help: &'static str,
    /// What it is told apart by.
    pub labels: &'static [Label],
    /// Who has it.
    pub services: &'static [Service],
    /// Since when it is there.
    pub presence: Presence,
}

impl Definition {
    /// The unit that the name tells: `seconds`, `bytes`, `events`; none for what is counted in itself.
    pub fn unit(&self) -> Option<&'static str> {
        self.measure().map(|(word, _)| word)
    }

    fn measure(&self) -> Option<(&'static str, Unit)> {
        match self.name.trim_end_matches("_total").rsplit_once('_')?.1 {
            "seconds" => Some(("seconds", Unit::Seconds)),
            "bytes" => Some(("bytes", Unit::Bytes)),
            "events" => Some(("events", Unit::Count)),
            _ => None,
        }
    }

    pub(crate) fn describe(&self) {
        let (name, help) = (self.name.into(), self.help.into());
        let unit = self.measure().map(|(_, unit)| unit);
        with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, unit, help),
            Kind::Gauge => recorder.describe_gauge(name, unit, help),
            Kind::Histogram => recorder.describe_histogram(name, unit, help),
        });
    }

    /// Shows a counter or histogram of which all labels are known before it has counted anything. A gauge that nobody has
    /// measured shows nothing, for zero would be an answer.
    pub(crate) fn begin(&self, service: Service) {
        let known: Option<Vec<_>> = self
            .labels
            .iter()
            .map(|label| label.known(service))
            .collect();
        let Some(known) = known else {
            return;
        };
        let mut combinations: Vec<Vec<&'static str>> = Vec::from([Vec::new()]);
        for values in known {
            combinations = combinations
                .iter()
                .flat_map(|chosen| {
                    values.iter().map(|value| {
                        let mut longer = chosen.clone();
                        longer.push(*value);
                        longer
                    })
                })
                .collect();
        }
        for values in combinations {
            let key = self.key(values);
            with_recorder(|recorder| match self.kind {
                Kind::Counter => recorder.register_counter(&key, &METADATA).increment(0),
                Kind::Histogram => drop(recorder.register_histogram(&key, &METADATA)),
                Kind::Gauge => {}
            });
        }
    }

    fn key<V: Into<SharedString>>(&self, values: impl IntoIterator<Item = V>) -> Key {
        let labels: Vec<_> = self
            .labels
            .iter()
            .zip(values)
            .map(|(label, value)| metrics::Label::new(label.name, value))
            .collect();
        Key::from_parts(self.name, labels)
    }
}

const METADATA: Metadata<'static> = Metadata::new("assent", Level::INFO, None);

/// A counter with so many labels.
#[derive(Debug)]
pub struct CounterMetric<const LABELS: usize>(pub(crate) Definition);

/// A gauge with so many labels.
#[derive(Debug)]
pub struct GaugeMetric<const LABELS: usize>(pub(crate) Definition);

/// A histogram of seconds with so many labels.
#[derive(Debug)]
pub struct HistogramMetric<const LABELS: usize>(pub(crate) Definition);

/// The parts of a definition in the order in which they are read; the number of labels is the compiler's to check.
macro_rules! constructor {
    ($kind:expr) => {
        pub(crate) const fn new(
            name: &'static str,
            help: &'static str,
            labels: &'static [Label; LABELS],
            services: &'static [Service],
            presence: Presence,
        ) -> Self {
            Self(Definition {
                name,
                kind: $kind,
                help,
                labels,
                services,
                presence,
            })
        }
    };
}

impl<const LABELS: usize> CounterMetric<LABELS> {
    constructor!(Kind::Counter);

    /// The counter for these values of its labels, in the order in which they are defined.
    pub fn with<V: Into<SharedString>>(&self, values: [V; LABELS]) -> Counter {
        let key = self.0.key(values);
        with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
    }
}

impl CounterMetric<0> {
    /// Counts so many.
    pub fn increment(&self, by: u64) {
        self.with::<&'static str>([]).increment(by);
    }
}

impl<const LABELS: usize> GaugeMetric<LABELS> {
    constructor!(Kind::Gauge);

    /// The gauge for these values of its labels, in the order in which they are defined.
    pub fn with<V: Into<SharedString>>(&self, values: [V; LABELS]) -> Gauge {
        let key = self.0.key(values);
        with_recorder(|recorder| recorder.register_gauge(&key, &METADATA))
    }
}

impl GaugeMetric<0> {
    /// Shows this value.
    pub fn set(&self, value: f64) {
        self.with::<&'static str>([]).set(value);
    }

    /// Shows this count.
    pub fn set_count(&self, count: u64) {
        self.set(number(count));
    }
}

impl<const LABELS: usize> HistogramMetric<LABELS> {
    constructor!(Kind::Histogram);

    /// The histogram for these values of its labels, in the order in which they are defined.
    pub fn with<V: Into<SharedString>>(&self, values: [V; LABELS]) -> Histogram {
        let key = self.0.key(values);
        with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
    }
}

/// A count as a gauge takes it. A float is exact up to nine petabytes.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a gauge is a float"
)]
pub const fn number(count: u64) -> f64 {
    count as f64
}
