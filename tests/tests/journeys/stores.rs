//! Each of the stores fills up, takes nothing, or is deleted while everything runs: what is told of it names it, nobody's
//! no and nobody's login waits for it, and all goes on without a restart once it is mended.

use std::time::Duration;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, HostUser, Reply};
use assent_dev_stack::{Program, Stack, StackOptions};
use assent_messaging::{Connection, ConnectionSettings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{authorize_url, eventually, grant, last_sequence, log, readiness, start_with};
use crate::session_client::{self, open};

const DEADLINE: Duration = Duration::from_secs(5);

/// A user of the NATS server who may do anything to streams, as an administrator of it can.
const BREAKER: &str = r#"users: [
      { user: "breaker", password: "breaker", permissions: {
        publish: { allow: [ "$JS.API.>", "fill.>" ] }, subscribe: { allow: [ "_INBOX_breaker.>" ] } } }

      # consent-gateway: the only writer"#;

pub(crate) fn breakable(options: &mut StackOptions) {
    let before = "users: [\n\n      # consent-gateway: the only writer".to_owned();
    options
        .nats_configuration
        .push((before, BREAKER.to_owned()));
}

/// Breaks stores, and mends them.
pub(crate) struct Breaker(Connection);

impl Breaker {
    pub(crate) async fn of(stack: &Stack) -> anyhow::Result<Self> {
        let settings = ConnectionSettings::new(stack.nats().url(), "breaker");
        let settings = settings.with_user("breaker", "breaker");
        Ok(Self(Connection::connect(settings).await?))
    }

    pub(crate) async fn ask(&self, subject: &str, body: &Value) -> anyhow::Result<Value> {
        let body = body.to_string().into_bytes();
        let answer = self.0.request(subject, body, None, DEADLINE).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer)
    }

    async fn config(&self, stream: &str) -> anyhow::Result<Value> {
        let info = self
            .ask(&format!("$JS.API.STREAM.INFO.{stream}"), &json!({}))
            .await?;
        info.get("config").cloned().context("no such stream")
    }

    /// Changes one setting of a stream; what it was.
    async fn set(&self, stream: &str, setting: &str, value: Value) -> anyhow::Result<Value> {
        let mut config = self.config(stream).await?;
        let fields = config.as_object_mut().context("no settings")?;
        let before = fields.insert(setting.to_owned(), value);
        let updated = self
            .ask(&format!("$JS.API.STREAM.UPDATE.{stream}"), &config)
            .await?;
        ensure!(updated.get("error").is_none(), "{updated}");
        before.context("no such setting")
    }

    pub(crate) async fn delete(&self, stream: &str) -> anyhow::Result<()> {
        let deleted = self
            .ask(&format!("$JS.API.STREAM.DELETE.{stream}"), &json!({}))
            .await?;
        ensure!(deleted.get("error").is_none(), "{deleted}");
        Ok(())
    }
}

/// What readiness says of something, where that is not ready.
async fn reason(program: &Program, name: &str) -> anyhow::Result<Option<String>> {
    let (_, said) = readiness(program).await?;
    let reason = said.pointer(&format!("/dependencies/{name}/reason"));
    Ok(reason.and_then(Value::as_str).map(str::to_owned))
}

/// Everything is ready, and nothing is done without.
async fn is_whole(stack: &Stack) -> anyhow::Result<()> {
    eventually("everything is ready", async || {
        let (status, mut said) = readiness(&stack.gateway).await?;
        if stack.token_brokers.is_empty()
            && let Some(Value::Object(all)) = said.get_mut("dependencies")
        {
            all.remove("custody");
        }
        Ok(status == 200 && !said.to_string().contains("reason"))
    })
    .await
}

async fn doctor(stack: &Stack) -> anyhow::Result<(Option<i32>, String)> {
    let ran = stack.consentctl(&["doctor"]).await?;
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    Ok((ran.status.code(), told))
}

/// `doctor` names this in a problem.
async fn doctor_finds(stack: &Stack, name: &str) -> anyhow::Result<()> {
    let (code, told) = doctor(stack).await?;
    let is_named = told
        .lines()
        .any(|line| line.starts_with("PROBLEM") && line.contains(name));
    ensure!(code == Some(1) && is_named, "{code:?} {told}");
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Full,
    TakesNothing,
}

/// The calls of which each needs one of the buckets.
async fn what_needs(stack: &Stack, bucket: &str, user: &HostUser) -> anyhow::Result<Option<Reply>> {
    Ok(match bucket {
        "CONSENT_FLOWS" => Some(user.start_grant(&["email"], Some(ANA)).await?),
        "CONSENT_HAND_OFFS" => {
            let body = json!({
                "purpose": "approval",
                "permissions": {"calendar": true, "contacts": false, "email": "none"},
            });
            Some(user.make_hand_off(&body).await?)
        }
        "CONSENT_SESSIONS" => {
            let token = stack.host.token_for(user.user_id(), user.account_id());
            let nobody = stack.user("acme", "nobody").bearing("none");
            let token = token.sign();
            let form = [
                ("token", token.as_str()),
                ("return_to", "/settings/account"),
            ];
            let opened = nobody.send(Method::POST, "/session", |request| request.form(&form));
            Some(opened.await?)
        }
        // Nobody's consent rests on an observation.
        _ => None,
    })
}

fn is_about(reply: Reply, fault: Fault, bucket: &str) -> anyhow::Result<()> {
    let (code, title) = match fault {
        Fault::Full => ("store_full", "A store is full"),
        Fault::TakesNothing => ("store_unavailable", "A store cannot be used"),
    };
    let reply = reply.refused(503, code)?;
    ensure!(
        reply.word("/title") == Some(title)
            && reply.word("/store") == Some(bucket)
            && reply
                .word("/detail")
                .is_some_and(|said| said.contains(bucket))
            && reply.header("retry-after").is_some(),
        "{}",
        reply.text
    );
    Ok(())
}

const BUCKETS: [&str; 4] = [
    "CONSENT_FLOWS",
    "CONSENT_SESSIONS",
    "CONSENT_HAND_OFFS",
    "CONSENT_OBSERVATIONS",
];

#[tokio::test]
async fn a_full_bucket_is_named_and_stands_in_nobodys_way() -> anyhow::Result<()> {
    each_bucket_in_turn(Fault::Full).await
}

#[tokio::test]
async fn a_bucket_that_takes_nothing_is_named_and_stands_in_nobodys_way() -> anyhow::Result<()> {
    each_bucket_in_turn(Fault::TakesNothing).await
}

async fn each_bucket_in_turn(fault: Fault) -> anyhow::Result<()> {
    let stack = start_with(breakable).await?;
    let breaker = Breaker::of(&stack).await?;
    for bucket in BUCKETS {
        let broken = break_and_mend(&stack, &breaker, bucket, fault);
        broken
            .await
            .with_context(|| format!("{bucket}, {fault:?}"))?;
    }
    let (code, told) = doctor(&stack).await?;
    ensure!(code == Some(0), "{told}");
    Ok(())
}

async fn break_and_mend(
    stack: &Stack,
    breaker: &Breaker,
    bucket: &str,
    fault: Fault,
) -> anyhow::Result<()> {
    let (stream, name) = (format!("KV_{bucket}"), bucket.to_lowercase());
    let (user, login) = (stack.user("acme", &name), stack.login("acme"));
    grant(stack, &user, ANA, &["calendar"]).await?;
    let visitor = session_client::user(stack, "acme", &name).await?;
    let works = async || match what_needs(stack, bucket, &user).await? {
        Some(reply) => {
            ensure!(reply.status < 400, "{}", reply.text);
            Ok(())
        }
        None => Ok(()),
    };
    works().await?;

    let (setting, value) = match fault {
        Fault::Full => ("max_bytes", json!(1)),
        Fault::TakesNothing => ("max_msg_size", json!(1)),
    };
    let before = breaker.set(&stream, setting, value).await?;
    eventually("readiness names it", async || {
        let said = reason(&stack.gateway, bucket).await?;
        Ok(said.is_some_and(|said| said.contains(&format!("bucket {bucket}"))))
    })
    .await?;
    ensure!(readiness(&stack.gateway).await?.0 == 200, "out of service");
    doctor_finds(stack, bucket).await?;
    if let Some(reply) = what_needs(stack, bucket, &user).await? {
        is_about(reply, fault, bucket)?;
    }
    login
        .through_microsoft(&name, ANA, 1)
        .await?
        .ok()?
        .with_effective("calendar")?;
    let page = visitor.get("/settings/account").await?;
    ensure!(page.status == 200, "{}", page.status);
    user.revoke("calendar")
        .await?
        .ok()?
        .with_effective("nothing")?;
    eventually("an operator is alarmed once", async || {
        Ok(alarms(stack, "store_unusable", bucket) == 1)
    })
    .await?;

    breaker.set(&stream, setting, before).await?;
    is_whole(stack).await?;
    works().await
}

#[tokio::test]
async fn a_bucket_that_is_deleted_is_made_again_and_what_was_begun_is_over() -> anyhow::Result<()> {
    let stack = start_with(breakable).await?;
    let breaker = Breaker::of(&stack).await?;
    let login = stack.login("acme");
    for bucket in BUCKETS {
        let name = bucket.to_lowercase();
        let user = stack.user("acme", &name);
        grant(&stack, &user, ANA, &["calendar"]).await?;
        let token = stack.host.token_for(&name, "acme").sign();
        let visitor = session_client::with(&stack, &token).await?;
        let begun = user.start_grant(&["email"], Some(ANA)).await?.ok()?;
        let made_before = made_anew(&stack, bucket);

        breaker.delete(&format!("KV_{bucket}")).await?;
        // Whatever comes first, the request or the bucket.
        ensure!(
            login
                .through_microsoft(&name, ANA, 1)
                .await?
                .ok()?
                .effective()
                == "calendar"
        );
        user.revoke("calendar").await?.ok()?;
        eventually(&format!("{bucket} is made again"), async || {
            Ok(made_anew(&stack, bucket) == made_before + 1)
        })
        .await?;
        is_whole(&stack).await?;
        ensure!(
            doctor(&stack).await?.0 == Some(0),
            "{}",
            doctor(&stack).await?.1
        );

        // Nobody knows any more who was cut off, or which token was used.
        let (flow_goes_on, session_goes_on) = match bucket {
            "CONSENT_FLOWS" => (false, true),
            "CONSENT_SESSIONS" => (true, false),
            "CONSENT_HAND_OFFS" => (false, false),
            _ => (true, true),
        };
        let page = visitor.get("/settings/account").await?;
        ensure!(
            (page.status == 200) == session_goes_on,
            "{bucket}: {}",
            page.status
        );
        let replayed = open(&stack, &token, "/settings/account").await?;
        ensure!(
            replayed.status == 401,
            "{bucket}: the token opened another session"
        );
        let url = authorize_url(&begun)?;
        let landed = stack
            .microsoft()
            .walk(url, ANA, assent_dev_stack::actors::Reaction::Accept)
            .await;
        let completed = landed.is_ok_and(|landing| landing.outcome == "completed");
        ensure!(
            completed == flow_goes_on,
            "{bucket}: a flow that was under way"
        );

        eventually(&format!("a new session opens after {bucket}"), async || {
            let token = stack.host.token_for(&name, "acme").sign();
            Ok(open(&stack, &token, "/settings/account").await?.status == 303)
        })
        .await?;
        grant(&stack, &user, ANA, &["contacts"]).await?;
    }
    Ok(())
}

fn made_anew(stack: &Stack, store: &str) -> usize {
    alarms(stack, "store_made_anew", store)
}

/// How often an operator was alarmed of a store.
fn alarms(stack: &Stack, alarm: &str, store: &str) -> usize {
    let told = stack.gateway.log_text();
    let (alarm, store) = (
        format!(r#""operator_alarm":"{alarm}""#),
        format!(r#""store":"{store}""#),
    );
    told.lines()
        .filter(|line| line.contains(&alarm) && line.contains(&store))
        .count()
}

#[tokio::test]
async fn lost_streams_beside_the_log_are_made_again_and_changes_told_anew() -> anyhow::Result<()> {
    let stack = start_with(breakable).await?;
    let breaker = Breaker::of(&stack).await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let told = async || {
        let info = breaker
            .ask("$JS.API.STREAM.INFO.CONSENT_CHANGES", &json!({}))
            .await?;
        Ok::<_, anyhow::Error>(info.pointer("/state/messages").and_then(Value::as_u64))
    };
    eventually("Ana's grant is told", async || Ok(told().await? == Some(1))).await?;
    for stream in ["CONSENT_CHANGES", "CONSENT_OPERATIONS"] {
        breaker.delete(stream).await?;
        eventually(&format!("{stream} is made again"), async || {
            Ok(made_anew(&stack, stream) == 1)
        })
        .await?;
    }
    // Nothing was recorded meanwhile that would have to be told.
    eventually("Ana's grant is told anew", async || {
        Ok(told().await? == Some(1))
    })
    .await?;
    is_whole(&stack).await?;
    let projection = stack.projections.first().context("no projection")?;
    eventually("the projection is ready", async || {
        Ok(readiness(projection).await?.0 == 200)
    })
    .await?;
    ensure!(
        doctor(&stack).await?.0 == Some(0),
        "{}",
        doctor(&stack).await?.1
    );
    Ok(())
}

#[tokio::test]
async fn a_lost_bucket_lets_no_ended_session_go_on() -> anyhow::Result<()> {
    let stack = start_with(breakable).await?;
    let breaker = Breaker::of(&stack).await?;
    let ana = session_client::user(&stack, "acme", "ana").await?;
    let sam = stack.super_admin("acme", "sam");
    let path = "/v1/accounts/acme/users/ana/sessions";
    let ended = sam.send(Method::DELETE, path, |request| request).await?;
    ensure!(ended.status == 204, "{}", ended.text);
    ensure!(ana.get("/settings/account").await?.status != 200);

    breaker.delete("KV_CONSENT_HAND_OFFS").await?;
    eventually("the bucket is made again", async || {
        Ok(made_anew(&stack, "CONSENT_HAND_OFFS") == 1)
    })
    .await?;
    ensure!(
        ana.get("/settings/account").await?.status != 200,
        "it goes on"
    );
    Ok(())
}

#[tokio::test]
async fn a_log_without_room_is_told_by_name_and_goes_on_when_there_is_some() -> anyhow::Result<()> {
    let stack = start_with(|options| {
        breakable(options);
        // There is no room for its buckets, either.
        options.token_brokers = 0;
        let small = (
            "max_file_store: 64GB".to_owned(),
            "max_file_store: 24MB".to_owned(),
        );
        options.nats_configuration.push(small);
        let size = ("ASSENT_STORE_MEGABYTES".to_owned(), "8".to_owned());
        options.variables.push(size);
    })
    .await?;
    let breaker = Breaker::of(&stack).await?;
    let (ana, login) = (stack.user("acme", "ana"), stack.login("acme"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let last = last_sequence(&log(&stack).await?).await?;

    let filling =
        json!({"name": "FILL", "subjects": ["fill.>"], "storage": "file", "retention": "limits"});
    breaker.ask("$JS.API.STREAM.CREATE.FILL", &filling).await?;
    let kilobytes = json!("x".repeat(200_000));
    for number in 0.. {
        let stored = breaker.ask(&format!("fill.{number}"), &kilobytes).await?;
        if stored.get("error").is_some() {
            break;
        }
        ensure!(number < 1_000, "it never fills");
    }
    let refused = ana.revoke("calendar").await?.refused(503, "store_full")?;
    ensure!(
        refused.word("/store") == Some("CONSENT_EVENTS"),
        "{}",
        refused.text
    );
    eventually("the log is not ready, and why", async || {
        let said = reason(&stack.gateway, "CONSENT_EVENTS").await?;
        let is_told = said.is_some_and(|said| said.contains("max_file_store"));
        Ok(is_told && readiness(&stack.gateway).await?.0 == 503)
    })
    .await?;
    doctor_finds(&stack, "CONSENT_EVENTS").await?;
    // What is on the log stands, and logins go on.
    ensure!(
        login
            .through_microsoft("ana", ANA, last)
            .await?
            .ok()?
            .effective()
            == "calendar"
    );

    breaker.delete("FILL").await?;
    is_whole(&stack).await?;
    ensure!(ana.revoke("calendar").await?.ok()?.effective() == "nothing");
    Ok(())
}
