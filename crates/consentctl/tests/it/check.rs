//! `check`: what `doctor` checks, for programs; and each check that a real server can be made to fail, failing.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use assent_contract::names::{
    EVENT_STREAM, GATEWAY_SERVICE, PROJECTION_SERVICE, QUERY_ACCOUNT, QUERY_BLOCKED,
};
use assent_contract::problem::{ErrorCode, Problem};
use assent_contract::query::BlockedPage;
use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::permissions::PermissionSet;
use assent_messaging::{Endpoint, ServiceDefinition, ServiceError, listen};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::certificates::Certificates;
use crate::fake_service::FakeService;
use crate::fixture::{Fixture, PATIENCE, Ran, SENDING, connect, granted, program, run};
use crate::proxy::Proxy;

/// The checks by their words, as JSON says them; `doctor` says the same of each.
pub(crate) async fn checks(
    command: &[&str],
    prepare: impl Fn(&mut Command),
) -> BTreeMap<String, Vec<Value>> {
    let mut all = program(&[command, &["--json"]].concat());
    prepare(&mut all);
    let ran = run(all).await;
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for check in told["checks"].as_array().unwrap() {
        let word = check["check"].as_str().unwrap().to_owned();
        found.entry(word).or_default().push(check.clone());
    }
    found
}

/// The only check of its kind is a problem that says this, and says what to do.
fn is_found(found: &BTreeMap<String, Vec<Value>>, word: &str, severity: &str, says: &str) {
    let checks = found
        .get(word)
        .unwrap_or_else(|| panic!("{word}: {found:#?}"));
    let [check] = checks.as_slice() else {
        panic!("{checks:#?}");
    };
    assert_eq!(check["ok"], false, "{check}");
    assert_eq!(check["severity"], severity, "{check}");
    assert!(check["says"].as_str().unwrap().contains(says), "{check}");
    assert!(check["advice"].is_string(), "{check}");
}

async fn of_operator(server: &NatsServer, url: &str) -> BTreeMap<String, Vec<Value>> {
    checks(&["check"], |command| {
        command.envs(server.environment(NatsUser::Operator));
        command.env("ASSENT_NATS_URL", url);
    })
    .await
}

async fn well() -> (Fixture, FakeService, FakeService) {
    let fixture = Fixture::start().await;
    fixture.record([granted("globex", "ana", SENDING)]).await;
    let projection = FakeService::start(&fixture, PermissionSet::NOTHING).await;
    let gateway =
        FakeService::serve(&fixture, NatsUser::Gateway, GATEWAY_SERVICE, Vec::new()).await;
    (fixture, projection, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_can_read_the_metrics_whatever_is_found() {
    let (fixture, _projection, gateway) = well().await;
    let metrics = async |expected: &str| {
        let ran = fixture.run(&["check", "--format", "prometheus"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(expected), "{expected}: {}", ran.out);
        for line in ran.out.lines() {
            if let Some(about) = line.strip_prefix("# ") {
                assert!(
                    about.starts_with("HELP ") || about.starts_with("TYPE "),
                    "{line}"
                );
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("assent_check_"), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
        ran.out
    };
    let out = metrics("assent_check_ok{check=\"gateway\",name=\"gateway\"} 1\n").await;
    for line in [
        "assent_check_ok{check=\"event_log\",name=\"CONSENT_EVENTS\"} 1",
        "assent_check_events{check=\"sequences\",name=\"sequences\"} 1",
        "assent_check_projection_lag_events{check=\"projection_lag\",name=\"projection lag\"} 0",
        "assent_check_store_max_bytes{check=\"store\",name=\"CONSENT_FLOWS\"} 1048576",
        "assent_check_clock_skew_seconds{check=\"clock\",name=\"clock\"} 0",
        "# TYPE assent_check_run_timestamp_seconds gauge",
    ] {
        assert!(out.lines().any(|own| own == line), "{line}: {out}");
    }
    gateway.stop().await;
    metrics("assent_check_ok{check=\"gateway\",name=\"gateway\"} 0\n").await;

    let mut away = program(&["check", "--format", "prometheus"]);
    away.env("ASSENT_NATS_URL", "nats://127.0.0.1:1");
    let ran = run(away).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .contains("assent_check_ok{check=\"nats\",name=\"nats\"} 0"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nagios_is_told_in_one_line_and_by_its_own_exit_codes() {
    let (fixture, _projection, gateway) = well().await;
    let first = |ran: &Ran| ran.out.lines().next().unwrap().to_owned();

    let ran = fixture
        .run(&["check", "--format", "nagios", "--quick"])
        .await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    let line = first(&ran);
    assert!(line.starts_with("ASSENT OK - all "), "{line}");
    let (_, numbers) = line.split_once(" | ").unwrap();
    assert!(numbers.contains("'events sequences'=1 "), "{numbers}");
    assert!(
        numbers.contains("'store_max_bytes CONSENT_FLOWS'=1048576B"),
        "{numbers}"
    );

    let certificate = Certificates::new();
    let soon = certificate.write("soon.pem", 10);
    let warned = ["check", "--format", "nagios", "--certificate", &soon];
    let ran = fixture.run(&warned).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        first(&ran).starts_with("ASSENT WARNING - 1 problem found. certificate "),
        "{ran:?}"
    );

    gateway.stop().await;
    let ran = fixture.run(&["check", "--format", "nagios"]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        first(&ran).starts_with("ASSENT CRITICAL - 1 problem found. gateway: "),
        "{ran:?}"
    );
    assert!(
        ran.out
            .lines()
            .nth(1)
            .unwrap()
            .contains("start consent-gateway"),
        "{ran:?}"
    );

    let mut away = program(&["check", "--format", "nagios"]);
    away.env("ASSENT_NATS_URL", "nats://127.0.0.1:1");
    let ran = run(away).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");

    let mut unusable = program(&["check", "--format", "nagios"]);
    unusable.env("ASSENT_NATS_ULR", "misspelt");
    let ran = run(unusable).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(first(&ran).starts_with("ASSENT UNKNOWN - "), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_json_say_what_doctor_says() {
    let (fixture, _projection, _gateway) = well().await;
    let without_time = |ran: &Ran| ran.out.replace(" -0 s", " 0 s");
    let (doctor, check) = (
        fixture.run(&["doctor"]).await,
        fixture.run(&["check"]).await,
    );
    assert_eq!((doctor.code, check.code), (Some(0), Some(0)));
    assert_eq!(without_time(&doctor), without_time(&check));
    let (doctor, check) = (
        fixture.json(&["doctor"]).await,
        fixture.json(&["check"]).await,
    );
    assert_eq!(doctor, check);
    // Each check is a word that can be looked up.
    for check in check["checks"].as_array().unwrap() {
        let word = check["check"].as_str().unwrap();
        let ran = run(program(&["errors", word])).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let quick = fixture.json(&["check", "--quick"]).await;
    let is_left_out = |check: &Value| check["check"] == "every_event";
    assert!(check["checks"].as_array().unwrap().iter().any(is_left_out));
    assert!(!quick["checks"].as_array().unwrap().iter().any(is_left_out));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_wrong_and_an_old_server_are_found() {
    let fixture = Fixture::start().await;
    let found = of_operator(&fixture.server, &fixture.server.url()).await;
    assert_eq!(found["clock"][0]["ok"], true, "{found:#?}");
    assert_eq!(found["server_version"][0]["ok"], true, "{found:#?}");

    let ahead = Proxy::before(&fixture.server, Some(("\"ts\":\"2", "\"ts\":\"3"))).await;
    let found = of_operator(&fixture.server, &ahead.url()).await;
    is_found(&found, "clock", "warning", "s ahead");

    let old = Proxy::before(
        &fixture.server,
        Some(("\"version\":\"2.", "\"version\":\"1.")),
    )
    .await;
    let found = of_operator(&fixture.server, &old.url()).await;
    is_found(&found, "server_version", "critical", "1.");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_jetstream_or_permissions_each_check_says_so() {
    let fixture = Fixture::start().await;
    let as_user = async |user| {
        checks(&["check"], |command| {
            command.envs(fixture.server.environment(user));
        })
        .await
    };
    // The account of the system has no JetStream.
    let found = as_user(NatsUser::System).await;
    is_found(&found, "jetstream", "critical", "");
    // Whoever may not read the log is told so, and what to do.
    let found = as_user(NatsUser::SyncWorker).await;
    is_found(&found, "event_log", "critical", "may not");
    let advice = found["event_log"][0]["advice"].as_str().unwrap();
    assert!(advice.contains("permissions of deploy/nats"), "{advice}");
}

/// A server on which somebody else has made the stream of events.
async fn with_another_log(changes: Value) -> NatsServer {
    let usual = Fixture::start().await;
    let api = format!("$JS.API.STREAM.INFO.{EVENT_STREAM}");
    let info = usual
        .gateway
        .request(&api, Vec::new(), None, PATIENCE)
        .await;
    let mut info: Value = serde_json::from_slice(&info.unwrap()).unwrap();
    let stream = info["config"].as_object_mut().unwrap();
    stream.extend(changes.as_object().unwrap().clone());
    let stream = Value::from(stream.clone());

    let server = NatsServer::start().await.unwrap();
    let gateway = connect(&server, NatsUser::Gateway).await;
    let api = format!("$JS.API.STREAM.CREATE.{EVENT_STREAM}");
    let question = stream.to_string().into_bytes();
    let made = gateway
        .request(&api, question, None, PATIENCE)
        .await
        .unwrap();
    let made: Value = serde_json::from_slice(&made).unwrap();
    assert!(made.get("error").is_none(), "{made}");
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_made_otherwise_or_begins_late_is_found() {
    let server = with_another_log(json!({"deny_purge": false})).await;
    let found = of_operator(&server, &server.url()).await;
    is_found(&found, "event_log", "critical", "deny_purge");

    // Whoever restored a part of it.
    let server = with_another_log(json!({"first_seq": 5})).await;
    let found = of_operator(&server, &server.url()).await;
    is_found(&found, "sequences", "critical", "begins with event 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_lags_is_found_with_its_lag() {
    let fixture = Fixture::start().await;
    let grants = ["ana", "ben", "eve"].map(|user| granted("globex", user, SENDING));
    fixture.record(grants).await;
    let account = Endpoint::new("account", QUERY_ACCOUNT, |request| async move {
        let query: Value = serde_json::from_slice(&request.payload).unwrap();
        if query["at_least"].is_null() {
            let facts = json!({"account_id": query["account_id"], "method": "user_individual",
                "email_sync": "full", "epoch": 0, "consent": null, "last_sequence": 0,
                "blocked": false, "sequence": 1});
            return Ok(facts.to_string().into_bytes());
        }
        let code = ErrorCode::NotYetApplied;
        Err(ServiceError {
            status: code.status(),
            code: code.as_str().to_owned(),
            body: serde_json::to_vec(&Problem::new(code, "not yet")).unwrap(),
        })
    });
    let blocked = Endpoint::new("blocked", QUERY_BLOCKED, async |_| {
        let nobody = BlockedPage {
            blocked: Vec::new(),
            next: None,
            total: 0,
            orphans: 0,
            sequence: 1,
        };
        Ok(serde_json::to_vec(&nobody).unwrap())
    });
    let _projection = FakeService::serve(
        &fixture,
        NatsUser::Projection,
        PROJECTION_SERVICE,
        vec![account, blocked],
    )
    .await;
    let found = of_operator(&fixture.server, &fixture.server.url()).await;
    is_found(
        &found,
        "projection_lag",
        "critical",
        "2 events behind: at event 1 of 3",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_complains_of_is_told() {
    let fixture = Fixture::start().await;
    let connection = connect(&fixture.server, NatsUser::Gateway).await;
    let shutdown = CancellationToken::new();
    let definition = ServiceDefinition {
        name: GATEWAY_SERVICE,
        version: "1.2.3",
        description: "complains",
    };
    let endpoint = Endpoint::new("any", "consent.command.v1.any", async |_| Ok(Vec::new()));
    let complaints = [
        ("microsoft", "the certificate ends within a month"),
        ("CONSENT_FLOWS", "CONSENT_FLOWS takes nothing"),
    ]
    .map(|(name, why)| (name.to_owned(), why.to_owned()));
    let complaints = BTreeMap::from(complaints);
    let serving = {
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            let troubles = Arc::new(move || complaints.clone());
            let listening = listen(
                &connection,
                definition,
                vec![endpoint],
                1,
                shutdown,
                troubles,
            );
            listening.await.unwrap().run().await.unwrap();
        })
    };
    let _serving = AbortOnDropHandle::new(serving);
    let operator = connect(&fixture.server, NatsUser::Operator).await;
    let ping = format!("$SRV.PING.{GATEWAY_SERVICE}");
    let answers = assent_dev_stack::wait_for(PATIENCE, async || {
        operator
            .request(&ping, Vec::new(), None, PATIENCE)
            .await
            .ok()
    });
    answers.await.unwrap();
    let found = of_operator(&fixture.server, &fixture.server.url()).await;
    is_found(&found, "microsoft", "warning", "ends within a month");
    let says: Vec<_> = found["gateway"]
        .iter()
        .map(|check| check["says"].to_string())
        .collect();
    assert!(
        says.iter()
            .any(|says| says.contains("CONSENT_FLOWS takes nothing")),
        "{says:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_is_old_or_longer_than_the_log_is_found() {
    let fixture = Fixture::start().await;
    fixture.record([granted("globex", "ana", SENDING)]).await;
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("log.state");
    let state = state.to_str().unwrap();
    let checked = async || {
        let told = fixture
            .json(&["check", "--quick", "--checkpoint-state", state])
            .await;
        let checks = told["checks"].as_array().unwrap();
        let checks: Vec<_> = checks
            .iter()
            .filter(|check| check["check"] == "checkpoint")
            .collect();
        let [check] = checks[..] else {
            panic!("{told}");
        };
        (*check).clone()
    };
    let told = checked().await;
    assert_eq!(told["severity"], "critical", "{told}");
    // What watches the log is what keeps it.
    let key = directory.path().join("log.key");
    let (key, public) = (key.to_str().unwrap(), directory.path().join("log.key.pub"));
    let made = fixture
        .run(&["checkpoint", "keygen", "log.example", "--to", key])
        .await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let public = public.to_str().unwrap();
    let watch = ["checkpoint", "watch", "--state", state, "--key", public];
    let watched = fixture.run(&watch).await;
    assert_eq!(watched.code, Some(0), "{watched:?}");
    assert_eq!(checked().await["severity"], "ok");

    let now = jiff::Timestamp::now();
    let two_days = jiff::SignedDuration::from_hours(48);
    for (size, held_at, severity, says) in [
        (1, now, "ok", "of 1 message, found to hold"),
        (1, now - two_days, "warning", "more than a day ago"),
        (
            2,
            now,
            "critical",
            "the log ends with message 1, and held 2",
        ),
    ] {
        let kept = json!({"key": "k", "size": size, "root": "r", "held_at": held_at});
        std::fs::write(state, kept.to_string()).unwrap();
        let told = checked().await;
        assert_eq!(told["severity"], severity, "{told}");
        assert!(told["says"].as_str().unwrap().contains(says), "{told}");
    }
    std::fs::write(state, "junk").unwrap();
    assert_eq!(checked().await["severity"], "critical");

    let kept = json!({"key": "k", "size": 1, "root": "r", "held_at": now - two_days});
    std::fs::write(state, kept.to_string()).unwrap();
    let metrics = [
        "check",
        "--format",
        "prometheus",
        "--checkpoint-state",
        state,
    ];
    let ran = fixture.run(&metrics).await;
    let line = ran
        .out
        .lines()
        .find(|line| line.starts_with("assent_check_checkpoint_age_seconds{"));
    let (_, age) = line.unwrap().rsplit_once(' ').unwrap();
    assert!(48 * 60 * 60 <= age.parse::<u64>().unwrap(), "{line:?}");
}
