//! A sync worker has a token while the permission is effective, and none after; what Microsoft took back is noticed.

use std::time::Duration;

use anyhow::{Context, ensure};
use assent_contract::values::Permission;
use assent_dev_stack::actors::{ANA, BEN, HostService, Reply};
use assent_dev_stack::{NatsUser, SIMULATOR_CLIENT_ID, SIMULATOR_HOST_CLIENT_ID, Stack};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::custody::{Custody, code_of, connected, refresh_token, refresh_token_for, stored};
use crate::fixture::{connect, eventually, grant, start, start_with, user_history};

fn nothing_more() -> Value {
    json!({})
}

/// How often Microsoft was asked for tokens with a refresh token of this person's.
async fn refreshes(stack: &Stack, person: assent_dev_stack::actors::Person) -> anyhow::Result<u64> {
    let path = format!("refreshes?user={}", person.object_id);
    let all = stack.microsoft().control(Method::GET, &path, None).await?;
    all.number("/total").context("no total")
}

/// What Graph says to the token: the status.
async fn graph(stack: &Stack, token: &str, path: &str) -> anyhow::Result<u16> {
    let request = reqwest::Client::new().get(format!("{}/v1.0{path}", stack.simulator.url()));
    Ok(request.bearer_auth(token).send().await?.status().as_u16())
}

async fn ask(workers: &HostService, user: &str, permission: &str) -> anyhow::Result<Reply> {
    Ok(workers
        .token("acme", user, permission, &nothing_more())
        .await?)
}

#[tokio::test]
async fn a_worker_has_a_token_while_the_permission_is_effective() -> anyhow::Result<()> {
    let stack = start().await?;
    let (custody, workers) = (Custody::of(&stack).await?, stack.token_service(0));
    let ana = stack.user("acme", "ana");
    ask(&workers, "ana", "calendar")
        .await?
        .refused(403, "not_permitted")?;
    grant(&stack, &ana, ANA, &["calendar", "contacts"]).await?;
    let granted = ana.see("ana").await?.ok()?.number("/sequence");
    let at_least = json!({"at_least": granted});
    let early = workers.token("acme", "ana", "calendar", &at_least).await?;
    if early.status != 200 {
        // Unless the consent itself has brought one.
        early.refused(409, "no_refresh_token")?;
        let token = refresh_token(&stack, ANA).await?;
        ensure!(custody.deposit("ana", ANA, &token, granted).await?);
    }

    let calendar = ask(&workers, "ana", "calendar").await?.ok()?;
    ensure!(calendar.header("cache-control") == Some("no-store"));
    let token = calendar.word("/access_token").context("no token")?;
    ensure!(graph(&stack, token, "/me/calendar").await? == 200);
    ensure!(calendar.word("/object_id") == Some(ANA.object_id));
    ensure!(calendar.word("/token_type") == Some("Bearer"));
    ensure!(calendar.permissions("/effective") == "calendar, contacts");
    ensure!(calendar.value("/allowed") == &json!(["calendar", "contacts"]));
    ensure!(calendar.number("/sequence") >= granted);

    // The same one, without a question to Microsoft; over NATS too.
    let asked = refreshes(&stack, ANA).await?;
    let again = ask(&workers, "ana", "calendar").await?.ok()?;
    ensure!(again.word("/access_token") == Some(token));
    let over_nats = custody.token("ana", Permission::Calendar, granted).await?;
    ensure!(over_nats.access_token.0 == token);
    ensure!(refreshes(&stack, ANA).await? == asked);
    ask(&workers, "ana", "email")
        .await?
        .refused(403, "not_permitted")?;

    // What is revoked is refused at once, whatever is remembered; the other permission goes on.
    let revoked = ana.revoke("calendar").await?.ok()?.sequence();
    let at_least = json!({"at_least": revoked});
    workers
        .token("acme", "ana", "calendar", &at_least)
        .await?
        .refused(403, "not_permitted")?;
    let refused = custody.token("ana", Permission::Calendar, Some(revoked));
    ensure!(code_of(&refused.await.unwrap_err()) == "not_permitted");
    ask(&workers, "ana", "contacts").await?.ok()?;
    ensure!(custody.status("ana").await?.held.is_some());

    // Nothing effective, nothing kept. Until when the tokens last that are out is known all the same.
    ana.revoke("contacts").await?.ok()?;
    eventually("the token is destroyed", async || {
        Ok(stored(&stack, "ana").await?.is_none())
    })
    .await?;
    let status = custody.status("ana").await?;
    let out: Vec<_> = status.handed_out.iter().map(|out| out.permission).collect();
    ensure!(
        out.contains(&Permission::Calendar) && out.contains(&Permission::Contacts),
        "{status:?}"
    );
    Ok(())
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() -> anyhow::Result<()> {
    let stack = start().await?;
    let workers = stack.token_service(0);
    let path = "/v1/accounts/acme/users/ana/tokens";
    let send = async |body: &Value| {
        let reply = workers
            .send(Method::POST, path, |request| request.json(body))
            .await?;
        anyhow::Ok(reply)
    };
    for (body, named) in [
        (json!({"permission": "files"}), "permission"),
        (json!({}), "permission"),
        (
            json!({"permission": "calendar", "minimum_seconds": 3001}),
            "minimum_seconds",
        ),
        (
            json!({"permission": "calendar", "minimum_seconds": -1}),
            "minimum_seconds",
        ),
        (
            json!({"permission": "calendar", "scope": "Mail.Read"}),
            "scope",
        ),
    ] {
        let refused = send(&body).await?.refused(400, "invalid_request")?;
        let detail = refused.word("/detail").unwrap_or_default();
        ensure!(detail.contains(named), "{body}: {detail}");
    }
    for (path, named) in [
        ("/v1/accounts/acme/users/a@b/tokens", "user"),
        ("/v1/accounts/a%20b/users/ana/tokens", "account"),
    ] {
        let reply = workers.send(Method::POST, path, |request| {
            request.json(&json!({"permission": "calendar"}))
        });
        let refused = reply.await?.refused(400, "invalid_request")?;
        ensure!(refused.word("/detail").unwrap_or_default().contains(named));
    }
    let token = |scope: &str, account: Option<&str>| {
        let token = stack.host.service(&[scope]);
        match account {
            Some(account) => token.claim("account", account).sign(),
            None => token.sign(),
        }
    };
    let calls = [
        ("tokens:issue", "withdrawals:report"),
        ("withdrawals:report", "tokens:issue"),
    ];
    for (scope, other) in calls {
        for token in [token(other, None), token(scope, Some("globex"))] {
            let caller = workers.clone().bearing(&token);
            let reply = if scope == "tokens:issue" {
                ask(&caller, "ana", "calendar").await?
            } else {
                let error = json!({"error": "invalid_grant", "suberror": "consent_required"});
                caller.report("acme", "ana", &error).await?
            };
            reply.refused(403, "forbidden")?;
        }
    }
    for (error, named) in [
        (
            json!({"error": "invalid_grant", "code": 50173}),
            "session_ended",
        ),
        (
            json!({"error": "invalid_client", "code": 7_000_222}),
            "our_fault",
        ),
        (
            json!({"error": "interaction_required", "suberror": "basic_action"}),
            "interaction_required",
        ),
        (json!({"error": "invalid grant"}), "error"),
        (json!({"suberror": "consent_required"}), "error"),
    ] {
        let refused = workers.report("acme", "ana", &error).await?;
        let refused = refused.refused(400, "invalid_request")?;
        ensure!(
            refused.word("/detail").unwrap_or_default().contains(named),
            "{error}: {}",
            refused.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn only_a_token_of_that_mailbox_and_this_application_is_taken() -> anyhow::Result<()> {
    let stack = start().await?;
    let custody = Custody::of(&stack).await?;
    let of_ana = refresh_token(&stack, ANA).await?;
    ensure!(
        !custody.deposit("ana", ANA, &of_ana, None).await?,
        "nothing is effective"
    );
    grant(&stack, &stack.user("acme", "ana"), ANA, &["calendar"]).await?;
    let sequence = stack
        .user("acme", "ana")
        .see("ana")
        .await?
        .ok()?
        .number("/sequence");
    let held_already = custody.status("ana").await?.held.is_some();
    let of_ben = refresh_token(&stack, BEN).await?;
    let of_host = refresh_token_for(&stack, ANA, SIMULATOR_HOST_CLIENT_ID).await?;
    if !held_already {
        for (what, person, token) in [
            ("another mailbox than the grants'", BEN, &of_ben),
            ("somebody else's token", ANA, &of_ben),
            ("another application's", ANA, &of_host),
            ("nobody's", ANA, &"made-up".to_owned()),
        ] {
            let kept = custody.deposit("ana", person, token, sequence).await?;
            ensure!(!kept, "{what} is held");
        }
    }
    ensure!(custody.deposit("ana", ANA, &of_ana, sequence).await?);
    let held = custody.status("ana").await?.held.context("nothing held")?;
    ensure!(held.microsoft_identity.object_id.to_string() == ANA.object_id);
    Ok(())
}

#[tokio::test]
async fn a_session_that_ended_is_no_withdrawal() -> anyhow::Result<()> {
    let stack = start().await?;
    let (custody, workers) = (Custody::of(&stack).await?, stack.token_service(0));
    let ana = stack.user("acme", "ana");
    connected(&stack, &custody, &ana, ANA, &["calendar"]).await?;
    let path = format!("tenants/{}/users/{}", ANA.tenant, ANA.object_id);
    let revoked = json!({"revoke_sessions": true});
    stack
        .microsoft()
        .control(Method::PATCH, &path, Some(&revoked))
        .await?;
    for _ in 0..2 {
        ask(&workers, "ana", "calendar")
            .await?
            .refused(409, "reauthentication_required")?;
    }
    let held = custody.status("ana").await?.held.context("nothing held")?;
    ensure!(held.reauthentication_required);
    ensure!(ana.see("ana").await?.ok()?.effective() == "calendar");
    // The user signs in again.
    let token = refresh_token(&stack, ANA).await?;
    ensure!(custody.deposit("ana", ANA, &token, None).await?);
    ask(&workers, "ana", "calendar").await?.ok()?;
    Ok(())
}

/// Takes the consent of a person back at Microsoft, behind everybody's back.
pub(crate) async fn withdraw(
    stack: &Stack,
    person: assent_dev_stack::actors::Person,
) -> anyhow::Result<()> {
    let filter = format!(
        "grants?tenant={}&client_id={SIMULATOR_CLIENT_ID}&user={}",
        person.tenant, person.object_id
    );
    let removed = stack
        .microsoft()
        .control(Method::DELETE, &filter, None)
        .await?;
    ensure!(removed.number("/removed") > Some(0), "{}", removed.text);
    Ok(())
}

#[tokio::test]
async fn who_asks_after_a_withdrawal_finds_it_and_it_is_on_the_log() -> anyhow::Result<()> {
    let stack = start().await?;
    let (custody, workers) = (Custody::of(&stack).await?, stack.token_service(0));
    let ana = stack.user("acme", "ana");
    connected(&stack, &custody, &ana, ANA, &["contacts"]).await?;
    withdraw(&stack, ANA).await?;
    ask(&workers, "ana", "contacts")
        .await?
        .refused(409, "consent_withdrawn")?;
    eventually("the withdrawal counts", async || {
        Ok(ask(&workers, "ana", "contacts").await?.status == 403)
    })
    .await?;
    ensure!(ana.see("ana").await?.ok()?.effective() == "nothing");
    let log = crate::fixture::log(&stack).await?;
    let history = user_history(&log, "acme", "ana").await?;
    let last = history.events().last().context("no event")?;
    ensure!(format!("{:?}", last.decoded.event).contains("MicrosoftWithdrawn"));
    eventually("the token is destroyed", async || {
        Ok(stored(&stack, "ana").await?.is_none())
    })
    .await
}

#[tokio::test]
async fn the_clock_finds_what_nobody_asks_for() -> anyhow::Result<()> {
    let stack = start_with(|options| {
        // Every three seconds.
        let every = ("ASSENT_VERIFY_EVERY_MINUTES", "0.05");
        options
            .variables
            .push((every.0.to_owned(), every.1.to_owned()));
        options.token_brokers = 2;
    })
    .await?;
    let custody = Custody::of(&stack).await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    connected(&stack, &custody, &ana, ANA, &["calendar", "contacts"]).await?;
    connected(&stack, &custody, &ben, BEN, &["contacts"]).await?;
    let tried_at = async |user: &str| {
        let held = custody.status(user).await?.held;
        anyhow::Ok(held.map(|held| held.verified_at))
    };
    let before = tried_at("ben").await?;
    eventually("Ben's token is tried", async || {
        Ok(tried_at("ben").await? > before)
    })
    .await?;
    withdraw(&stack, ANA).await?;
    eventually("the withdrawal is found", async || {
        Ok(ana.see("ana").await?.ok()?.effective() == "nothing")
    })
    .await?;
    ensure!(ben.see("ben").await?.ok()?.effective() == "contacts");
    eventually("Ana's token is destroyed", async || {
        Ok(stored(&stack, "ana").await?.is_none())
    })
    .await
}

#[tokio::test]
async fn a_worker_reports_what_it_met_itself() -> anyhow::Result<()> {
    let stack = start().await?;
    let (custody, workers) = (Custody::of(&stack).await?, stack.token_service(0));
    let said = json!({"error": "invalid_grant", "suberror": "consent_required", "code": 65001});
    let report = async |user: &str| {
        let reply = workers.report("acme", user, &said).await?;
        ensure!(reply.status == 202, "{}", reply.text);
        Ok((
            reply.value("/checked").clone(),
            reply.value("/recorded").clone(),
        ))
    };
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    // Nobody has anything.
    ensure!(report("ana").await? == (json!(false), json!([])));
    // Held, and Microsoft says otherwise.
    connected(&stack, &custody, &ana, ANA, &["contacts"]).await?;
    ensure!(report("ana").await? == (json!(true), json!([])));
    // Held, and it is so.
    withdraw(&stack, ANA).await?;
    ensure!(report("ana").await? == (json!(true), json!(["contacts"])));
    // Not held: the worker is believed about a user, and not about a tenant.
    grant(&stack, &ben, BEN, &["contacts"]).await?;
    if custody.status("ben").await?.held.is_none() {
        let gone = json!({"error": "unauthorized_client", "code": 700_016});
        let reply = workers.report("acme", "ben", &gone).await?;
        ensure!(reply.value("/recorded") == &json!([]), "{}", reply.text);
        ensure!(report("ben").await? == (json!(false), json!(["contacts"])));
        ensure!(ben.see("ben").await?.ok()?.effective() == "nothing");
    }
    Ok(())
}

/// A record that was moved, cut or sealed to a key of nobody's is as none: with an alarm, and mended by the next sign-in.
#[tokio::test]
async fn a_record_that_does_not_open_is_as_none() -> anyhow::Result<()> {
    let stack = start().await?;
    let (custody, workers) = (Custody::of(&stack).await?, stack.token_service(0));
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    connected(&stack, &custody, &ana, ANA, &["calendar"]).await?;
    connected(&stack, &custody, &ben, ANA, &["calendar"]).await?;
    let broker = connect(&stack, NatsUser::TokenBroker).await?;
    let ask_bucket = json!({"last_by_subj": "$KV.CONSENT_TOKENS.acme.ana"}).to_string();
    let stored = broker
        .request(
            "$JS.API.STREAM.MSG.GET.KV_CONSENT_TOKENS",
            ask_bucket.into_bytes(),
            None,
            Duration::from_secs(5),
        )
        .await?;
    let stored: Value = serde_json::from_slice(&stored)?;
    let data = stored.pointer("/message/data").and_then(Value::as_str);
    let record = BASE64_STANDARD.decode(data.context("no record")?)?;
    let mut of_another_key: Value = serde_json::from_slice(&record)?;
    let key = of_another_key.pointer_mut("/key_id").context("no key id")?;
    let other: String = key.as_str().context("no text")?.chars().rev().collect();
    *key = json!(other);
    let truncated = record
        .get(..record.len() / 2)
        .context("too short")?
        .to_vec();
    let gateway = connect(&stack, NatsUser::Gateway).await?;
    let mut asked = 0;
    for (what, bytes) in [
        ("moved", record),
        ("of another key", of_another_key.to_string().into_bytes()),
        ("cut", truncated),
        ("empty", Vec::new()),
    ] {
        gateway
            .publish("$KV.CONSENT_TOKENS.acme.ben", &[], bytes)
            .await?;
        eventually("it is not held", async || {
            Ok(custody.status("ben").await?.held.is_none())
        })
        .await?;
        let reply = ask(&workers, "ben", "calendar").await?;
        ensure!(
            reply.word("/code") == Some("no_refresh_token"),
            "{what}: {}",
            reply.text
        );
        asked += 1;
    }
    let text = stack.token_brokers.first().context("no broker")?.log_text();
    ensure!(
        text.matches("token_does_not_open").count() >= asked,
        "no alarm"
    );
    let token = refresh_token(&stack, ANA).await?;
    ensure!(custody.deposit("ben", ANA, &token, None).await?);
    ask(&workers, "ben", "calendar").await?.ok()?;
    Ok(())
}
