//! The chart, rendered with each file of values in its `ci` and with some that are wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::tools::{accepts, of_environment, root, run};

const CHART: &str = "deploy/helm/assent";
const SCRIPT: &str = "tests/tests/deployment/render.py";
const VALUES: [&str; 3] = ["minimal", "everything", "other-nats"];
/// What the chart carries of elsewhere, as it can't read what is outside of it.
const COPIES: [(&str, &str); 4] = [
    (
        "deploy/nats/nats-server.conf",
        "files/nats/nats-server.conf",
    ),
    ("deploy/nats/production.conf", "files/nats/production.conf"),
    ("deploy/monitoring/alerts.yaml", "files/alerts.yaml"),
    ("deploy/monitoring/dashboard.json", "files/dashboard.json"),
];

struct Chart(PathBuf);

impl Chart {
    fn find() -> anyhow::Result<Option<Self>> {
        Ok(of_environment("python")?.map(Self))
    }

    fn render(&self, values: &str) -> anyhow::Result<Vec<Value>> {
        let values = format!("{CHART}/ci/{values}.yaml");
        let rendered = accepts(&self.0, &[SCRIPT, CHART, &values])?;
        Ok(serde_json::from_str(&rendered)?)
    }

    /// What Helm says to values that it does not take.
    fn refuses(&self, assignment: &str) -> anyhow::Result<String> {
        let values = format!("{CHART}/ci/minimal.yaml");
        let output = run(&self.0, &[SCRIPT, CHART, &values, assignment])?;
        ensure!(!output.status.success(), "{assignment} is taken");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    documents
        .iter()
        .filter(move |document| *at(document, "/kind") == *kind)
}

fn workloads(documents: &[Value]) -> impl Iterator<Item = &Value> {
    of_kind(documents, "Deployment").chain(of_kind(documents, "StatefulSet"))
}

fn at<'a>(document: &'a Value, pointer: &str) -> &'a Value {
    document.pointer(pointer).unwrap_or(&Value::Null)
}

fn component(document: &Value) -> &str {
    at(document, "/metadata/labels/app.kubernetes.io~1component")
        .as_str()
        .unwrap_or_default()
}

fn list<'a>(document: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    at(document, pointer).as_array().into_iter().flatten()
}

#[test]
fn kubernetes_takes_it_with_each_file_of_values_and_it_may_do_little() -> anyhow::Result<()> {
    let Some(chart) = Chart::find()? else {
        return Ok(());
    };
    for values in VALUES {
        let documents = chart.render(values)?;
        let disrupted: BTreeSet<_> = of_kind(&documents, "PodDisruptionBudget")
            .map(component)
            .collect();
        let isolated: BTreeSet<_> = of_kind(&documents, "NetworkPolicy")
            .map(component)
            .collect();
        ensure!(3 <= workloads(&documents).count(), "{values}: too little");
        for workload in workloads(&documents) {
            let name = component(workload);
            ensure!(
                disrupted.contains(name) && isolated.contains(name),
                "{values}: {name} stands alone"
            );
            let pod = at(workload, "/spec/template/spec");
            ensure!(
                *at(pod, "/securityContext/runAsNonRoot") == true
                    && *at(pod, "/securityContext/seccompProfile/type") == "RuntimeDefault"
                    && *at(pod, "/automountServiceAccountToken") == false
                    && list(pod, "/topologySpreadConstraints").count() == 2,
                "{values}: {pod}"
            );
            for container in list(pod, "/containers") {
                ensure!(
                    *at(container, "/securityContext/readOnlyRootFilesystem") == true
                        && *at(container, "/securityContext/allowPrivilegeEscalation") == false
                        && *at(container, "/securityContext/capabilities/drop/0") == "ALL"
                        && at(container, "/resources/requests/cpu").is_string()
                        && at(container, "/resources/limits/memory").is_string(),
                    "{values}: {container}"
                );
                // Whether it lives is never a question of what others do.
                let lives = at(container, "/livenessProbe/httpGet/path")
                    .as_str()
                    .unwrap_or_default();
                let ready = at(container, "/readinessProbe/httpGet/path")
                    .as_str()
                    .unwrap_or_default();
                let expected = if name == "nats" {
                    ("/healthz?js-enabled-only=true", "/healthz")
                } else {
                    ("/livez", "/readyz")
                };
                ensure!(
                    (lives, ready) == expected,
                    "{values}: {name}: {lives} {ready}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn secrets_are_named_and_each_program_is_given_its_own() -> anyhow::Result<()> {
    let Some(chart) = Chart::find()? else {
        return Ok(());
    };
    for values in VALUES {
        let documents = chart.render(values)?;
        ensure!(
            of_kind(&documents, "Secret").count() == 0,
            "{values} makes a secret"
        );
        for workload in workloads(&documents).filter(|workload| component(workload) != "nats") {
            let pod = at(workload, "/spec/template/spec");
            for variable in list(pod, "/containers/0/env") {
                let name = at(variable, "/name").as_str().unwrap_or_default();
                ensure!(
                    !name.ends_with("PASSWORD") && !name.ends_with("SECRET"),
                    "{values}: {name}"
                );
                ensure!(
                    !name.starts_with("ASSENT_")
                        || assent_contract::variables::VARIABLES.contains(&name),
                    "{values}: {name} is no variable"
                );
            }
            let passwords = list(pod, "/volumes").filter(|volume| *at(volume, "/name") == "nats");
            let keys: Vec<_> = passwords
                .flat_map(|volume| list(volume, "/secret/items"))
                .collect();
            ensure!(
                keys.len() == 1,
                "{values}: {} is given {keys:?}",
                component(workload)
            );
        }
    }
    Ok(())
}

#[test]
fn each_program_is_a_user_of_nats() -> anyhow::Result<()> {
    let read = |name: &str| std::fs::read_to_string(root().join(name));
    let programs: Value = serde_saphyr::from_str(&read("deploy/helm/assent/files/programs.yaml")?)?;
    let users = read("deploy/nats/nats-server.conf")?;
    for (name, program) in programs.as_object().into_iter().flatten() {
        let user = at(program, "/natsUser").as_str().unwrap_or_default();
        ensure!(
            users.contains(&format!("user: \"{user}\"")),
            "{name}: {user}"
        );
    }
    Ok(())
}

/// A line of the table: from whom, to whom, on which port.
type Connection = (String, String, u64);

fn table() -> anyhow::Result<Vec<Connection>> {
    let text = std::fs::read_to_string(root().join(CHART).join("files/connections.yaml"))?;
    let rows: Vec<Value> = serde_saphyr::from_str(&text)?;
    rows.iter()
        .map(|row| {
            let word = |name| at(row, name).as_str().map(str::to_owned);
            let row = (word("/from"), word("/to"), at(row, "/port").as_u64());
            match row {
                (Some(from), Some(to), Some(port)) => Ok((from, to, port)),
                _ => anyhow::bail!("{row:?}"),
            }
        })
        .collect()
}

#[test]
fn what_the_network_lets_through_is_the_table() -> anyhow::Result<()> {
    let Some(chart) = Chart::find()? else {
        return Ok(());
    };
    let documents = chart.render("everything")?;
    let policies: Vec<_> = of_kind(&documents, "NetworkPolicy").collect();
    let named: BTreeSet<_> = policies.iter().map(|policy| component(policy)).collect();
    let table = table()?;
    for policy in &policies {
        let name = component(policy);
        let ports = |direction: &str| -> Vec<u64> {
            let rules = list(policy, direction).filter(|rule| *at(rule, "/ports/0/port") != 53);
            let mut ports: Vec<_> = rules
                .filter_map(|rule| at(rule, "/ports/0/port").as_u64())
                .collect();
            ports.sort_unstable();
            ports
        };
        let rows = |is: &dyn Fn(&Connection) -> bool| -> Vec<u64> {
            let mut ports: Vec<_> = table
                .iter()
                .filter(|row| is(row))
                .map(|(_, _, port)| *port)
                .collect();
            ports.sort_unstable();
            ports
        };
        ensure!(
            ports("/spec/ingress") == rows(&|(_, to, _)| to == name),
            "{name}: {policy}"
        );
        ensure!(
            ports("/spec/egress") == rows(&|(from, _, _)| from == name),
            "{name}: {policy}"
        );
        // No rule is for everybody: an empty list of peers would be.
        for rule in list(policy, "/spec/ingress") {
            ensure!(list(rule, "/from").next().is_some(), "{name}: {rule}");
        }
        for rule in list(policy, "/spec/egress") {
            ensure!(list(rule, "/to").next().is_some(), "{name}: {rule}");
        }
    }
    let programs = table.iter().flat_map(|(from, to, _)| [from, to]);
    let of_ours = [
        "consent-gateway",
        "projection",
        "login-hook",
        "token-broker",
        "nats",
    ];
    for program in programs.filter(|name| of_ours.contains(&name.as_str())) {
        ensure!(named.contains(program.as_str()), "{program} has no policy");
    }
    Ok(())
}

#[test]
fn the_table_is_in_the_readme() -> anyhow::Result<()> {
    let readme = std::fs::read_to_string(root().join("deploy/README.md"))?;
    for (from, to, port) in table()? {
        let row = format!("| `{from}` | `{to}` | {port} |");
        ensure!(readme.contains(&row), "deploy/README.md lacks {row}");
    }
    Ok(())
}

#[test]
fn values_that_mean_nothing_are_refused_by_name() -> anyhow::Result<()> {
    let Some(chart) = Chart::find()? else {
        return Ok(());
    };
    for (assignment, named) in [
        ("services.projection.replica=3", "replica"),
        ("config.publicUrl=consent.example.com", "publicUrl"),
        ("config.entra.clientId=ours", "clientId"),
        (
            "services.login-hook.env.ASSENT_NATS_PASSWORD=hunter2",
            "ASSENT_NATS_PASSWORD",
        ),
        ("secrets.entraCredential.kind=certificates", "kind"),
        ("services.projection.storage.size=8", "size"),
    ] {
        let said = chart.refuses(assignment)?;
        ensure!(said.contains(named), "{assignment}: {said}");
    }
    Ok(())
}

/// The chart carries copies; `UPDATE_CHART=1` takes them anew.
#[test]
fn what_the_chart_carries_is_what_is_tested() -> anyhow::Result<()> {
    let chart = root().join(CHART);
    for (original, copy) in COPIES {
        let (original, copy) = (root().join(original), chart.join(copy));
        if std::env::var_os("UPDATE_CHART").is_some() {
            std::fs::copy(&original, &copy)?;
        }
        let read =
            |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
        ensure!(
            read(&original)? == read(&copy)?,
            "{} is out of date: UPDATE_CHART=1 cargo nextest run -p assent-tests what_the_chart",
            copy.display()
        );
    }
    Ok(())
}
