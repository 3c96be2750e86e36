//! deploy/monitoring/alerts.yaml: what each alert asks for exists, and each is made to fire and to keep still.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::promql::is_about_what_there_is;
use crate::promtool::{Promtool, promtool};

const ALERTS: &str = include_str!("../../../deploy/monitoring/alerts.yaml");
const TESTS: &str = include_str!("../../../deploy/monitoring/alerts.test.yaml");
const RUNBOOK: &str = include_str!("../../../deploy/runbook.md");
const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/monitoring");

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: String,
    expr: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct TestFile {
    tests: Vec<TestCase>,
}

#[derive(Deserialize)]
struct TestCase {
    alert_rule_test: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    alertname: String,
    exp_alerts: Vec<serde_json::Value>,
}

fn rules() -> anyhow::Result<Vec<Rule>> {
    let file: RuleFile = serde_saphyr::from_str(ALERTS)?;
    Ok(file
        .groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect())
}

/// A heading as the address of a chapter has it.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|letter| letter.is_alphanumeric() || [' ', '-'].contains(letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_alert_asks_for_metrics_and_labels_that_there_are() -> anyhow::Result<()> {
    for rule in rules()? {
        is_about_what_there_is(&rule.expr).with_context(|| rule.alert.clone())?;
    }
    Ok(())
}

#[test]
fn every_alert_says_what_is_wrong_and_where_to_read_on() -> anyhow::Result<()> {
    let chapters: BTreeSet<_> = RUNBOOK
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(anchor)
        .collect();
    let mut names = BTreeSet::new();
    for rule in rules()? {
        let name = &rule.alert;
        ensure!(names.insert(name.clone()), "{name} is there twice");
        let severity = rule.labels.get("severity").map(String::as_str);
        ensure!(
            matches!(severity, Some("critical" | "warning")),
            "{name}: {severity:?}"
        );
        for annotation in ["summary", "description"] {
            let text = rule.annotations.get(annotation).map(String::as_str);
            ensure!(
                !text.unwrap_or_default().is_empty(),
                "{name} has no {annotation}"
            );
        }
        let address = rule.annotations.get("runbook_url").map(String::as_str);
        let chapter = address.and_then(|address| address.strip_prefix("deploy/runbook.md#"));
        ensure!(
            chapter.is_some_and(|chapter| chapters.contains(chapter)),
            "{name} leads to {address:?}, and there is {chapters:?}"
        );
        let known = RUNBOOK.contains(&format!("`{name}`"));
        ensure!(known, "the runbook does not name {name}");
    }
    Ok(())
}

#[test]
fn every_alert_is_made_to_fire_and_to_keep_still() -> anyhow::Result<()> {
    let file: TestFile = serde_saphyr::from_str(TESTS)?;
    let expected: Vec<_> = file
        .tests
        .into_iter()
        .flat_map(|test| test.alert_rule_test)
        .collect();
    for rule in rules()? {
        let of_this = || expected.iter().filter(|test| test.alertname == rule.alert);
        ensure!(
            of_this().any(|test| !test.exp_alerts.is_empty()),
            "{} is never made to fire",
            rule.alert
        );
        ensure!(
            of_this().any(|test| test.exp_alerts.is_empty()),
            "{} never keeps still",
            rule.alert
        );
    }
    Ok(())
}

#[test]
fn prometheus_takes_the_alerts_and_their_tests_pass() -> anyhow::Result<()> {
    let Promtool::Installed(promtool) = promtool()? else {
        return Ok(());
    };
    promtool.run(DIRECTORY.as_ref(), &["check", "rules", "alerts.yaml"])?;
    promtool.run(DIRECTORY.as_ref(), &["test", "rules", "alerts.test.yaml"])
}
