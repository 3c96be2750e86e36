//! Garbage on every subject that a service listens on: each gets an answer that names the error, and nothing else happens.
//!
//! The subjects are those that the services themselves say they have, so a new one is among them.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use assent_contract::names;
use assent_dev_stack::actors::ANA;
use assent_dev_stack::{NatsUser, Program, Stack};
use assent_messaging::{Connection, RequestError};
use serde_json::{Value, json};

use crate::fixture::{connect, grant, last_sequence, log, readiness, start};
const DEADLINE: Duration = Duration::from_secs(10);
/// What the server takes at most.
const LARGEST: usize = 256 * 1024;
const SEED: u64 = 0x5eed_2026;

/// Steele's `SplitMix64`: the same garbage in each run.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    fn bytes(&mut self, longest: usize) -> Vec<u8> {
        let length = self.below(longest);
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// A request that means something on most subjects.
fn sound() -> Value {
    json!({
        "account_id": "acme", "user_id": "ana", "permission": "calendar", "permissions": ["calendar"], "at_least": 1,
        "minimum_seconds": 60, "sequence": 1, "limit": 10, "after": "acme",
        "tenant": {"cloud": "worldwide", "id": "c0000000-0000-4000-8000-000000000001"},
    })
}

/// What is no request of any endpoint.
fn nonsense(random: &mut Seeded) -> Vec<Vec<u8>> {
    let text = |text: &str| text.as_bytes().to_vec();
    let mut payloads = vec![
        text("{"),
        text("null"),
        text("7"),
        text("\"acme\""),
        text("{\"account_id\": NaN}"),
        text("\u{feff}{}"),
        text("{} {}"),
        text("{\"account_id\": \"\\ud800\"}"),
        text("{\"account_id\": \"acme\", \"account_id\": \"globex\"}"),
        b"{\"account_id\": \"\xff\xfe\"}".to_vec(),
        b"\x00".to_vec(),
        "[".repeat(20_000).into_bytes(),
        "{\"a\":".repeat(20_000).into_bytes(),
        format!("{{\"at_least\": {}}}", "9".repeat(5_000)).into_bytes(),
        vec![b'x'; LARGEST],
        json!({"account_id": "x".repeat(LARGEST - 100)})
            .to_string()
            .into_bytes(),
    ];
    let whole = sound().to_string().into_bytes();
    for _ in 0..6 {
        payloads.push(random.bytes(2_000));
        // Cut off, and with a byte that is another.
        let cut = random.below(whole.len());
        payloads.push(whole.iter().take(cut).copied().collect());
        let mut flipped = whole.clone();
        let place = random.below(flipped.len());
        if let Some(byte) = flipped.get_mut(place) {
            *byte ^= 0x80;
        }
        payloads.push(flipped);
    }
    payloads
}

/// Requests of which one field is of another type, or far from what it may be.
fn wrong_types() -> Vec<Vec<u8>> {
    let Value::Object(sound) = sound() else {
        return Vec::new();
    };
    let values = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!([]),
        json!({}),
        json!(""),
        json!("a b>*"),
        json!("x".repeat(5_000)),
    ];
    let mut payloads = Vec::new();
    for name in sound.keys() {
        for value in &values {
            let mut wrong = sound.clone();
            wrong.insert(name.clone(), value.clone());
            payloads.push(Value::Object(wrong).to_string().into_bytes());
        }
    }
    payloads
}

/// The subjects that a service of this name says it has.
async fn subjects(operator: &Connection, service: &str) -> anyhow::Result<Vec<String>> {
    let asked = format!("$SRV.INFO.{service}");
    let said = operator.request(&asked, Vec::new(), None, DEADLINE).await?;
    let said: Value = serde_json::from_slice(&said)?;
    let endpoints = said.get("endpoints").and_then(Value::as_array);
    let subjects = endpoints
        .context("no endpoints")?
        .iter()
        .map(|endpoint| endpoint.get("subject")?.as_str());
    let subjects: Option<Vec<&str>> = subjects.collect();
    let subjects = subjects.context("a subject is no text")?;
    Ok(subjects.into_iter().map(str::to_owned).collect())
}

/// Who may ask there.
fn asker(subject: &str) -> NatsUser {
    match subject {
        names::TOKEN_GET => NatsUser::SyncWorker,
        names::COMMAND_RECORD_WITHDRAWAL => NatsUser::TokenBroker,
        names::COMMAND_RECORD_AUTOMATIC_GRANT
        | names::COMMAND_BEGIN_USER_CONSENT
        | names::COMMAND_BEGIN_CONNECTION
        | names::CUSTODY_DEPOSIT => NatsUser::LoginHook,
        _ => NatsUser::Operator,
    }
}

/// An answer that says what is wrong, in a word that is fixed; or one that is whole. Whatever was asked, it is nobody's fault
/// here.
fn is_named(answer: Result<Vec<u8>, RequestError>) -> anyhow::Result<Option<String>> {
    match answer {
        Ok(body) => {
            serde_json::from_slice::<Value>(&body)?;
            Ok(None)
        }
        Err(RequestError::Service {
            status,
            description,
            body,
        }) => {
            let said: Value = serde_json::from_slice(&body)?;
            let word = |name: &str| said.get(name).and_then(Value::as_str);
            ensure!(word("code") == Some(&description), "{said}");
            ensure!(word("detail").is_some(), "{said}");
            let is_theirs = (400..500).contains(&status) || description == "not_yet_applied";
            ensure!(is_theirs, "{status} {said}");
            Ok(Some(description))
        }
        Err(other) => bail!("{other}"),
    }
}

fn programs(stack: &mut Stack) -> Vec<&mut Program> {
    let single = [&mut stack.gateway, &mut stack.login_hook];
    let replicas = stack.projections.iter_mut();
    let replicas = replicas.chain(stack.token_brokers.iter_mut());
    single.into_iter().chain(replicas).collect()
}

#[tokio::test]
async fn every_subject_answers_garbage_with_a_named_error() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let log = log(&stack).await?;
    let recorded = last_sequence(&log).await?;

    let operator = connect(&stack, NatsUser::Operator).await?;
    let mut all = Vec::new();
    for service in [
        names::GATEWAY_SERVICE,
        names::PROJECTION_SERVICE,
        names::REPLICA_SERVICE,
        names::TOKEN_BROKER_SERVICE,
    ] {
        all.extend(subjects(&operator, service).await?);
    }
    for known in [
        names::QUERY_PERMISSIONS,
        names::QUERY_CHANGES,
        names::COMMAND_VOID_MESSAGE,
        names::COMMAND_RECORD_WITHDRAWAL,
        names::REPLICA_STATUS,
        names::TOKEN_GET,
        names::CUSTODY_DEPOSIT,
    ] {
        ensure!(
            all.iter().any(|subject| subject == known),
            "{known}: {all:?}"
        );
    }

    let mut random = Seeded(SEED);
    let garbage = nonsense(&mut random);
    let wrong = wrong_types();
    for subject in &all {
        let connection = connect(&stack, asker(subject)).await?;
        let mut refused = 0;
        for payload in garbage.iter().chain(&wrong) {
            let asked = connection.request(subject, payload.clone(), None, DEADLINE);
            let shown = String::from_utf8_lossy(&payload[..payload.len().min(80)]).into_owned();
            let code = is_named(asked.await).with_context(|| format!("{subject} {shown:?}"))?;
            refused += u32::from(code.is_some());
        }
        // Some take no question at all: whatever stands in it is passed over.
        let is_asked_nothing = *subject == names::REPLICA_STATUS;
        ensure!(is_asked_nothing || refused > 0, "{subject} took everything");
        // More than the server takes is not sent at all, and said to be that.
        let large = connection.request(subject, vec![b'x'; 1 << 20], None, DEADLINE);
        let large = large.await;
        ensure!(
            matches!(large, Err(RequestError::TooLarge { .. })),
            "{subject}: {large:?}"
        );
        // Nobody waits for these.
        for payload in garbage.iter().take(16) {
            connection.publish(subject, &[], payload.clone()).await?;
        }
    }

    // What is told to those who only listen.
    let (gateway, projection) = (
        connect(&stack, NatsUser::Gateway).await?,
        connect(&stack, NatsUser::Projection).await?,
    );
    for payload in &garbage {
        gateway
            .publish(names::APPENDED, &[], payload.clone())
            .await?;
        for subject in [
            "consent.announce.v1.acme.user.ana",
            "consent.announce.v1.acme.company",
            "consent.announce.v1.%ff.user.%",
        ] {
            projection.publish(subject, &[], payload.clone()).await?;
        }
    }

    // All are as well as before, nothing was recorded, and what was told wrongly is told anew.
    let began = Instant::now();
    let decided = stack.login("acme").with_password("ana", 0).await?.ok()?;
    ensure!(
        decided.text.contains(r#""degraded":false"#),
        "{}",
        decided.text
    );
    ensure!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    ensure!(
        last_sequence(&log).await? == recorded,
        "something was recorded"
    );
    for program in programs(&mut stack) {
        ensure!(program.ended().is_none(), "{}", program.log_text());
        let said = program.log_text();
        ensure!(!said.contains("panicked"), "{said}");
        let (status, why) = readiness(program).await?;
        ensure!(status == 200, "{}: {why}", program.url());
    }
    Ok(())
}
