//! deploy/monitoring/dashboard.json: Grafana can load it, and what it asks for exists.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::promql::is_about_what_there_is;
use crate::promtool::{Promtool, promtool};

const DASHBOARD: &str = include_str!("../../../deploy/monitoring/dashboard.json");
const COLUMNS: u32 = 24;

/// What Grafana needs of a dashboard.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dashboard {
    uid: String,
    title: String,
    schema_version: u32,
    templating: Templating,
    panels: Vec<Panel>,
}

#[derive(Deserialize)]
struct Templating {
    list: Vec<Variable>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    query: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Panel {
    id: u32,
    #[serde(rename = "type")]
    kind: String,
    title: String,
    #[serde(default)]
    description: String,
    grid_pos: Place,
    datasource: Option<Datasource>,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Place {
    h: u32,
    w: u32,
    x: u32,
    y: u32,
}

#[derive(Deserialize)]
struct Datasource {
    #[serde(rename = "type")]
    kind: String,
    uid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    ref_id: String,
    expr: String,
    datasource: Datasource,
}

impl Target {
    /// The question, as Prometheus gets it.
    fn question(&self) -> String {
        self.expr.replace("$__rate_interval", "5m")
    }
}

fn dashboard() -> anyhow::Result<Dashboard> {
    Ok(serde_json::from_str(DASHBOARD)?)
}

fn is_ours(datasource: &Datasource) -> bool {
    (datasource.kind.as_str(), datasource.uid.as_str()) == ("prometheus", "${datasource}")
}

#[test]
fn grafana_can_load_it() -> anyhow::Result<()> {
    let dashboard = dashboard()?;
    ensure!(!dashboard.uid.is_empty() && !dashboard.title.is_empty());
    ensure!(dashboard.schema_version >= 36);
    let variables = &dashboard.templating.list;
    ensure!(
        variables
            .iter()
            .any(|variable| variable.name == "datasource"
                && variable.kind == "datasource"
                && variable.query == "prometheus")
    );
    let (mut ids, mut titles, mut cells) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in &dashboard.panels {
        let (id, title) = (panel.id, panel.title.as_str());
        ensure!(
            ids.insert(id) && titles.insert(title),
            "{title} is there twice"
        );
        let Place { h, w, x, y } = panel.grid_pos;
        ensure!(h > 0 && w > 0 && x + w <= COLUMNS, "{title} does not fit");
        for cell in (y..y + h).flat_map(|line| (x..x + w).map(move |column| (line, column))) {
            ensure!(cells.insert(cell), "{title} lies on another panel");
        }
        if panel.kind == "row" {
            continue;
        }
        ensure!(
            ["timeseries", "stat"].contains(&panel.kind.as_str()),
            "{title}: {}",
            panel.kind
        );
        ensure!(
            !panel.description.is_empty(),
            "{title} does not say what it shows"
        );
        ensure!(
            panel.datasource.as_ref().is_some_and(is_ours),
            "{title} asks somewhere else"
        );
        ensure!(!panel.targets.is_empty(), "{title} asks nothing");
        let mut questions = BTreeSet::new();
        for target in &panel.targets {
            ensure!(is_ours(&target.datasource), "{title} asks somewhere else");
            ensure!(
                questions.insert(&target.ref_id),
                "{title} has {} twice",
                target.ref_id
            );
        }
    }
    Ok(())
}

#[test]
fn it_asks_for_metrics_and_labels_that_there_are() -> anyhow::Result<()> {
    for panel in dashboard()?.panels {
        for target in &panel.targets {
            is_about_what_there_is(&target.question()).with_context(|| panel.title.clone())?;
        }
    }
    Ok(())
}

#[test]
fn prometheus_takes_every_question() -> anyhow::Result<()> {
    let Promtool::Installed(promtool) = promtool()? else {
        return Ok(());
    };
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    let panels = dashboard()?.panels;
    for (number, target) in panels.iter().flat_map(|panel| &panel.targets).enumerate() {
        let question = serde_json::to_string(&target.question())?;
        writeln!(
            rules,
            "      - record: \"question:{number}\"\n        expr: {question}"
        )?;
    }
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("dashboard.yml"), rules)?;
    promtool.run(directory.path(), &["check", "rules", "dashboard.yml"])
}
