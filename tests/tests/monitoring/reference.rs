//! deploy/metrics.md is written from the definitions: `UPDATE_METRICS=1` writes it anew.

use std::fmt::Write as _;

use anyhow::ensure;
use assent_contract::meaning::Meaning;
use assent_contract::words::{OperatorAlarm, SecurityEvent};
use assent_metrics::alarms::{OTHER, raised_by, told_by};
use assent_metrics::{Definition, Label, Presence, Service, Values, all};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/metrics.md");

const INTRODUCTION: &str = "\
# Metrics

Each service answers `GET /metrics` in Prometheus' text format, on `ASSENT_METRICS_LISTEN` where that is set. Counters
begin at zero with the program. No label holds an id, an account, a user, or anything else that a caller chose.

[monitoring/alerts.yaml](monitoring/alerts.yaml) and [monitoring/dashboard.json](monitoring/dashboard.json) are made of these;
[runbook.md](runbook.md) says what to do when an alert fires.

This page is written from `crates/metrics` and, for the kinds of alarms, `crates/contract`; `UPDATE_METRICS=1 cargo nextest run -p assent-tests the_reference` writes it anew.
";

#[test]
fn the_reference_is_what_is_defined() -> anyhow::Result<()> {
    let written = page()?;
    if std::env::var_os("UPDATE_METRICS").is_some() {
        std::fs::write(PATH, &written)?;
    }
    ensure!(
        std::fs::read_to_string(PATH)? == written,
        "deploy/metrics.md is not what crates/metrics says: write it anew with UPDATE_METRICS=1"
    );
    Ok(())
}

fn page() -> anyhow::Result<String> {
    let mut page = INTRODUCTION.to_owned();
    for (title, of) in [
        ("Every service", Service::ALL),
        ("login-hook", &[Service::LoginHook]),
        ("consent-gateway", &[Service::ConsentGateway]),
        ("projection", &[Service::Projection]),
        ("token-broker", &[Service::TokenBroker]),
        (
            "consentctl check, checkpoint verify and checkpoint watch, with --format prometheus",
            &[Service::Consentctl],
        ),
    ] {
        write!(
            page,
            "\n## {title}\n\n| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n"
        )?;
        for definition in all().filter(|definition| is_listed(definition, of)) {
            row(&mut page, definition)?;
        }
    }
    let kinds = "\n| kind | of | meaning |\n|---|---|---|\n";
    write!(
        page,
        "\n## Kinds of `assent_operator_alarms_total`\n{kinds}"
    )?;
    let alarms = OperatorAlarm::ALL.iter();
    kinds_of(
        &mut page,
        alarms.map(|alarm| (alarm.meaning(), raised_by(*alarm))),
    )?;
    write!(
        page,
        "\n## Kinds of `assent_security_events_total`\n{kinds}"
    )?;
    let events = SecurityEvent::ALL.iter();
    kinds_of(
        &mut page,
        events.map(|event| (event.meaning(), told_by(*event))),
    )?;
    Ok(page)
}

/// What several services have is listed with what all have, and says who.
fn is_listed(definition: &Definition, of: &[Service]) -> bool {
    match of {
        [service] => definition.services == [*service],
        _ => definition.services.len() > 1,
    }
}

fn row(page: &mut String, definition: &Definition) -> anyhow::Result<()> {
    let Definition {
        name, kind, help, ..
    } = definition;
    let labels: Vec<_> = definition.labels.iter().map(label).collect();
    let labels = labels.join("<br>");
    let mut meaning = Vec::from([format!("{help}.")]);
    if definition.services.len() > 1 && definition.services.len() < Service::ALL.len() {
        meaning.push(format!("Of {}.", names(definition.services)));
    }
    if let Presence::Once(when) = definition.presence {
        meaning.push(format!("There once {when}."));
    }
    writeln!(
        page,
        "| `{name}` | {} | {} | {labels} | {} |",
        kind.as_str(),
        definition.unit().unwrap_or_default(),
        meaning.join(" ")
    )?;
    Ok(())
}

fn label(label: &Label) -> String {
    let values = match label.values {
        Values::OneOf(values) => values
            .iter()
            .map(|value| format!("`{value}`"))
            .collect::<Vec<_>>()
            .join(", "),
        Values::By(_) => "see below".to_owned(),
        Values::Words(words) => words.to_owned(),
    };
    format!("`{}`: {values}", label.name)
}

fn names(services: &[Service]) -> String {
    let names: Vec<_> = services.iter().map(|service| service.as_str()).collect();
    names.join(", ")
}

fn kinds_of<'a>(
    page: &mut String,
    kinds: impl Iterator<Item = (Meaning, &'a [Service])>,
) -> anyhow::Result<()> {
    for (meaning, services) in kinds {
        let (word, services) = (meaning.word, names(services));
        writeln!(page, "| `{word}` | {services} | {} |", meaning.means())?;
    }
    writeln!(
        page,
        "| `{OTHER}` | any of these | One that is not listed; its log line says which. |"
    )?;
    Ok(())
}
