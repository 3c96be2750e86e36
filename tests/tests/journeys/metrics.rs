//! What the services show at `/metrics` is what the reference says, neither more nor less.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use assent_dev_stack::actors::ANA;
use assent_dev_stack::{Program, SIMULATOR_CLIENT_ID, Stack};
use assent_metrics::{Definition, Kind, Presence, Service, all};

use reqwest::Method;
use serde_json::json;

use crate::credentials::{certified, variables};
use crate::fixture::{PATIENCE, eventually, grant, start_with};

/// A line of an answer, without its name.
struct Sample {
    labels: BTreeMap<String, String>,
    value: f64,
}

/// An answer at `/metrics`, read: by name what `# HELP` and `# TYPE` say, and the samples.
#[derive(Default)]
struct Exposed {
    help: BTreeMap<String, String>,
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, Vec<Sample>>,
}

impl Exposed {
    fn read(text: &str) -> anyhow::Result<Self> {
        let mut exposed = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').context("no help")?;
                exposed.help.insert(name.to_owned(), help.to_owned());
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').context("no type")?;
                exposed.kinds.insert(name.to_owned(), kind.to_owned());
            } else {
                exposed.sample(line)?;
            }
        }
        Ok(exposed)
    }

    fn sample(&mut self, line: &str) -> anyhow::Result<()> {
        let (series, value) = line.rsplit_once(' ').context("no value")?;
        let value: f64 = value.parse()?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').context("open braces")?),
            None => (series, ""),
        };
        let is_histogram = |name: &str| self.kinds.get(name).is_some_and(|is| is == "histogram");
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|name| is_histogram(name))
            .unwrap_or(name);
        let labels = labels
            .split("\",")
            .filter(|label| !label.is_empty())
            .map(|label| {
                let (name, value) = label.split_once("=\"").context("no label")?;
                Ok((name.to_owned(), value.trim_end_matches('"').to_owned()))
            })
            .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        let samples = self.samples.entry(name.to_owned()).or_default();
        samples.push(Sample { labels, value });
        Ok(())
    }

    /// The sum over all samples with this label.
    fn sum(&self, name: &str, (label, value): (&str, &str)) -> f64 {
        let samples = self.samples.get(name).into_iter().flatten();
        samples
            .filter(|sample| sample.labels.get(label).is_some_and(|is| is == value))
            .map(|sample| sample.value)
            .sum()
    }
}

async fn scrape(program: &Program) -> anyhow::Result<Exposed> {
    let address = format!("{}/metrics", program.url());
    let answer = reqwest::Client::new()
        .get(address)
        .timeout(PATIENCE)
        .send()
        .await?
        .error_for_status()?;
    Exposed::read(&answer.text().await?)
}

fn defined(service: Service) -> BTreeMap<&'static str, &'static Definition> {
    all()
        .filter(|definition| definition.services.contains(&service))
        .map(|definition| (definition.name, definition))
        .collect()
}

/// Everything that is shown is defined, as it is defined.
fn is_as_defined(service: Service, exposed: &Exposed) -> anyhow::Result<()> {
    let defined = defined(service);
    let name_of = service.as_str();
    for (name, samples) in &exposed.samples {
        let Some(definition) = defined.get(name.as_str()) else {
            bail!("{name_of} shows {name}, which the reference does not know of it");
        };
        ensure!(
            exposed.kinds.get(name).map(String::as_str) == Some(definition.kind.as_str()),
            "{name} of {name_of} has the type {:?}",
            exposed.kinds.get(name)
        );
        ensure!(
            exposed
                .help
                .get(name)
                .map(|help| help.trim_end_matches('.'))
                == Some(definition.help),
            "{name} of {name_of} says {:?}",
            exposed.help.get(name)
        );
        for sample in samples {
            labels_are_as_defined(service, definition, sample)?;
        }
    }
    Ok(())
}

fn labels_are_as_defined(
    service: Service,
    definition: &Definition,
    sample: &Sample,
) -> anyhow::Result<()> {
    let name = definition.name;
    let mut shown: BTreeSet<_> = sample.labels.keys().map(String::as_str).collect();
    if definition.kind == Kind::Histogram {
        shown.remove("le");
    }
    let labels: BTreeSet<_> = definition.labels.iter().map(|label| label.name).collect();
    ensure!(shown == labels, "{name} has the labels {shown:?}");
    for label in definition.labels {
        let value = sample.labels.get(label.name).map(String::as_str);
        let value = value.unwrap_or_default();
        let known = label.known(service);
        ensure!(
            known.is_none_or(|known| known.contains(&value)),
            "{name} has a {} {value:?}, which the reference does not list",
            label.name
        );
        for id in IDS {
            ensure!(
                !value.contains(id),
                "{name} has a {} {value:?}, which holds an id",
                label.name
            );
        }
    }
    Ok(())
}

/// Ids in the story, and what an address or a UUID would hold.
const IDS: [&str; 5] = [ACCOUNT, USER, "@", "contoso", "-4000-8000-"];
const ACCOUNT: &str = "zebra-4711";
const USER: &str = "quokka-0815";

/// Everything that is defined is shown.
fn what_is_missing(service: Service, exposed: &Exposed) -> BTreeSet<&'static str> {
    let defined = defined(service);
    let is_missing = |name: &&'static str| !exposed.samples.contains_key(*name);
    defined.keys().copied().filter(is_missing).collect()
}

fn programs(stack: &Stack) -> anyhow::Result<[(Service, &Program); 4]> {
    Ok([
        (Service::ConsentGateway, &stack.gateway),
        (Service::LoginHook, &stack.login_hook),
        (
            Service::Projection,
            stack.projections.first().context("no projection")?,
        ),
        (
            Service::TokenBroker,
            stack.token_brokers.first().context("no token broker")?,
        ),
    ])
}

/// A login that prompts, a grant, a revocation, a refusal, and requests that are in error at each service.
async fn story(stack: &Stack) -> anyhow::Result<()> {
    let user = stack.user(ACCOUNT, USER);
    let login = stack.login(ACCOUNT);
    let decided = login.through_microsoft(USER, ANA, 0).await?;
    ensure!(decided.word("/decision") == Some("prompt"), "{decided:?}");
    grant(stack, &user, ANA, &["calendar"]).await?;
    let (workers, nothing_more) = (stack.token_service(0), json!({}));
    eventually("a token is handed out", async || {
        let asked = workers.token(ACCOUNT, USER, "calendar", &nothing_more);
        Ok(asked.await?.status == 200)
    })
    .await?;
    user.revoke("calendar").await?.ok()?;
    let refused = user.set_method("user_individual", "limited").await?;
    ensure!(refused.status == 403, "{refused:?}");
    let forged = "/callbacks/microsoft/authorize?code=made-up&state=made-up";
    let browser = user.clone().in_a_browser();
    let forged = browser.send(Method::GET, forged, |request| request).await?;
    ensure!(forged.status >= 400, "{forged:?}");
    let nobody = login.bearing("nobody").with_password(USER, 0).await?;
    ensure!(nobody.status == 401, "{nobody:?}");
    eventually("no token is handed out", async || {
        let asked = workers.token(ACCOUNT, USER, "calendar", &nothing_more);
        Ok(asked.await?.status == 403)
    })
    .await?;
    let service = stack.service(0).bearing("nobody");
    let nobody = service.permissions(ACCOUNT, USER, 0).await?;
    ensure!(nobody.status == 401, "{nobody:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_shown_is_what_is_defined() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let ours = certified(&directory, "metrics")?;
    let [key, certificate] = &ours.files;
    let stack = start_with(|options| {
        options.credential = variables(&[
            ("ASSENT_ENTRA_CLIENT_KEY_FILE", key),
            ("ASSENT_ENTRA_CLIENT_CERT_FILE", certificate),
        ]);
        // Nothing of the core is logged, and its alarms and security events count all the same.
        options.variables = variables(&[("RUST_LOG", "info,assent_consent_core=off")]);
    })
    .await?;
    let application = format!("applications/{SIMULATOR_CLIENT_ID}");
    let registered = json!({"certificates": [ours.certificate]});
    stack
        .microsoft()
        .control(Method::PATCH, &application, Some(&registered))
        .await?;

    for (service, program) in programs(&stack)? {
        let defined = defined(service);
        eventually(
            &format!("{} shows what is always there", service.as_str()),
            async || {
                let missing = what_is_missing(service, &scrape(program).await?);
                let mut missing = missing.iter().filter_map(|name| defined.get(name));
                Ok(missing.all(|definition| definition.presence != Presence::Always))
            },
        )
        .await?;
    }
    story(&stack).await?;
    for (service, program) in programs(&stack)? {
        let exposed = scrape(program).await?;
        is_as_defined(service, &exposed)?;
        let missing = what_is_missing(service, &exposed);
        ensure!(
            missing.is_empty(),
            "{} does not show {missing:?}",
            service.as_str()
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_happens_is_counted() -> anyhow::Result<()> {
    let stack = start_with(|options| {
        // Nothing of the core is logged, and its security events count all the same.
        options.variables = variables(&[("RUST_LOG", "info,assent_consent_core=off")]);
    })
    .await?;
    story(&stack).await?;
    let gateway = scrape(&stack.gateway).await?;
    ensure!(!stack.gateway.log_text().contains("security_event"));
    for (name, label, expected) in [
        (
            "assent_security_events_total",
            ("kind", "unknown_state"),
            1.0,
        ),
        ("assent_security_events_total", ("kind", "other"), 0.0),
        (
            "assent_events_recorded_total",
            ("type", "assent.consent.UserScopeGranted.v1"),
            1.0,
        ),
        (
            "assent_events_recorded_total",
            ("type", "assent.consent.UserScopeRevoked.v1"),
            1.0,
        ),
        // One by the login, which nobody came back from.
        ("assent_flows_begun_total", ("purpose", "own_consent"), 2.0),
        ("assent_flows_ended_total", ("outcome", "completed"), 1.0),
        ("assent_dependency_up", ("dependency", "nats"), 1.0),
    ] {
        let counted = gateway.sum(name, label);
        ensure!(
            (counted - expected).abs() < f64::EPSILON,
            "{name} {label:?}: {counted}"
        );
    }
    let offset = gateway.samples.get("assent_microsoft_clock_offset_seconds");
    let offset = offset
        .and_then(|samples| samples.first())
        .context("no offset")?;
    // The answer's time has no fractions.
    ensure!((-1.0..5.0).contains(&offset.value), "{}", offset.value);
    let login = scrape(&stack.login_hook).await?;
    ensure!(login.sum("assent_login_decisions_total", ("decision", "prompt")) > 0.0);
    ensure!(login.sum("assent_errors_total", ("code", "unauthenticated")) > 0.0);
    Ok(())
}

#[tokio::test]
async fn what_consentctl_writes_is_what_is_defined() -> anyhow::Result<()> {
    let stack = start_with(|_| ()).await?;
    let user = stack.user(ACCOUNT, USER);
    grant(&stack, &user, ANA, &["calendar"]).await?;
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (key, public, state) = (path("key"), path("key.pub"), path("state"));
    let keygen = ["checkpoint", "keygen", "consent.example", "--to", &key];
    let made = stack.consentctl(&keygen).await?;
    ensure!(made.status.success(), "{made:?}");
    let mut missing = Vec::new();
    for _ in 0..2 {
        let arguments = ["checkpoint", "watch", "--state", &state, "--key", &public];
        let arguments = [arguments.as_slice(), &["--format", "prometheus"]].concat();
        let written = stack.consentctl(&arguments).await?;
        ensure!(written.status.success(), "{written:?}");
        let exposed = Exposed::read(&String::from_utf8(written.stdout)?)?;
        is_as_defined(Service::Consentctl, &exposed)?;
        missing.push(missing_of("assent_checkpoint_", &exposed));
    }
    // The first time there is nothing yet that was kept.
    let kept = BTreeSet::from(["assent_checkpoint_kept_messages"]);
    ensure!(missing == [kept, BTreeSet::new()], "{missing:?}");

    let written = stack
        .consentctl(&["check", "--format", "prometheus"])
        .await?;
    let exposed = Exposed::read(&String::from_utf8(written.stdout)?)?;
    is_as_defined(Service::Consentctl, &exposed)?;
    // Nothing here speaks TLS.
    let certificate = BTreeSet::from(["assent_check_certificate_expires_in_seconds"]);
    let missing = missing_of("assent_check_", &exposed);
    ensure!(missing == certificate, "{missing:?}");
    Ok(())
}

/// What of a command's metrics is not there.
fn missing_of(prefix: &str, exposed: &Exposed) -> BTreeSet<&'static str> {
    let missing = what_is_missing(Service::Consentctl, exposed).into_iter();
    missing.filter(|name| name.starts_with(prefix)).collect()
}
