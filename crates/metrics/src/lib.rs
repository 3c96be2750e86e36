//! Every metric that a service shows at `/metrics`, or `consentctl` writes, defined once: its name, what it means, its labels, and who has it.
//!
//! Nothing else in the workspace names the crate `metrics`: what is recorded is recorded through the statics here, so
//! that a metric without a definition does not compile. `deploy/metrics.md` is written from [`all`].
//!
//! Names follow Prometheus: base units, `_total` for counters, `_seconds` and `_bytes` last. Labels have few values: a
//! route's template, a code, a store. None holds an id, an account, a user or anything that a caller chose.

mod definition;

pub mod alarms;

mod consentctl;

pub mod gateway;

pub mod http;

pub mod login;

pub mod microsoft;

pub mod projection;

pub mod service;

pub mod tokens;

pub use definition::{
    CounterMetric, Definition, GaugeMetric, HistogramMetric, Kind, Label, Presence, Service,
    Values, number,
};
pub use metrics::Histogram;

/// Every metric there is, in the order in which they are described to operators.
pub fn all() -> impl Iterator<Item = &'static Definition> {
    [
        service::ALL,
        http::ALL,
        login::ALL,
        gateway::ALL,
        projection::ALL,
        tokens::ALL,
        microsoft::ALL,
        consentctl::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Tells the installed recorder what the metrics of a service mean, and begins those at zero of which all labels are
/// known: a counter that appears when it first counts hides that from whoever asks by how much it rose.
///
/// Call it once, after the recorder was installed. A program that is no service has no metrics.
pub fn begin(program: &str) {
    let Some(service) = Service::named(program) else {
        return;
    };
    for definition in all().filter(|definition| definition.services.contains(&service)) {
        definition.describe();
        definition.begin(service);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut names = BTreeSet::new();
        for Definition {
            name,
            kind,
            labels,
            help,
            ..
        } in all()
        {
            assert!(names.insert(*name), "{name} is defined twice");
            let plain = |text: &str| {
                text.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            };
            assert!(plain(name), "{name}");
            assert!(
                name.starts_with("assent_") || name.starts_with("http_"),
                "{name} does not say whose it is"
            );
            assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(
                *kind != Kind::Histogram || name.ends_with("_seconds"),
                "{name}"
            );
            for unit in ["_milliseconds", "_ms", "_minutes", "_kilobytes", "_percent"] {
                assert!(!name.contains(unit), "{name} is not in a base unit");
            }
            assert!(
                !help.is_empty() && !help.ends_with('.') && !help.contains('\n'),
                "{name}"
            );
            let of: BTreeSet<_> = labels.iter().map(|label| label.name).collect();
            assert_eq!(of.len(), labels.len(), "{name} has a label twice");
            for label in *labels {
                assert!(plain(label.name) && !["le", "job", "instance"].contains(&label.name));
                for id in [
                    "account", "user", "id", "email", "flow_id", "tenant", "path", "subject",
                ] {
                    assert!(label.name != id, "{name} has a label {id}");
                }
            }
        }
    }
}
