//! Microsoft is down, slow, or answers nonsense: bounded waits, a named error, and nobody's consent changes.

use std::time::{Duration, Instant};

use anyhow::ensure;
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, CONTOSO, HostUser, OLGA, Reaction};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{
    admin_consent, authorize_url, calls, ended, eventually, fault, grant, last_sequence, log,
    metrics, selection, start,
};

/// What one operation against Microsoft may take, and what a slow machine may: still less than the trouble lasts.
const BOUND: Duration = Duration::from_secs(15);
/// At once, on a slow machine: less than the deadline of an operation.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Ana comes back from Microsoft, and we ask whether that is so.
async fn ana_comes_back(stack: &Stack, ana: &HostUser) -> anyhow::Result<()> {
    let started = ana.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
    let begun = Instant::now();
    let landing = stack
        .microsoft()
        .walk(authorize_url(&started)?, ANA, Reaction::Accept)
        .await?;
    ensure!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    ended(ana, &landing, "undetermined", Some("microsoft_unavailable")).await
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_ends_a_flow_and_is_asked_once() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let ana = stack.user("acme", "ana");
    for trouble in [
        json!({"endpoint": "token", "status": 503, "body": "<html>Service Unavailable</html>"}),
        json!({"endpoint": "token", "status": 500, "body": {"error": "server_error"}}),
        json!({"endpoint": "token", "status": 200, "body": "{\"access_token\":"}),
        json!({"endpoint": "token", "status": 200, "body": {"token_type": "Bearer", "access_token": "x"}}),
        json!({"endpoint": "token", "status": 302, "headers": {"location": "https://elsewhere.example/"}}),
        json!({"endpoint": "token", "delay_ms": 20_000}),
    ] {
        let before = calls(&stack, "token").await?;
        fault(&stack, &trouble).await?;
        ana_comes_back(&stack, &ana).await?;
        ensure!(
            calls(&stack, "token").await? == before + 1,
            "a code was sent twice"
        );
    }
    ensure!(last_sequence(&log).await? == 0, "something was recorded");
    grant(&stack, &ana, ANA, &["calendar"]).await
}

#[tokio::test]
async fn a_tenant_that_can_not_be_looked_up_is_told_with_when_to_try_again() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let start_for = async |tenant: &str| sam.start_admin_consent(&selection(Some(tenant))).await;

    // A moment's trouble is not even noticed.
    fault(&stack, &json!({"endpoint": "metadata", "status": 502})).await?;
    start_for("contoso.example").await?.ok()?;
    // Asked to wait a second, it waits.
    fault(
        &stack,
        &json!({"endpoint": "metadata", "status": 429, "headers": {"Retry-After": "1"}}),
    )
    .await?;
    let begun = Instant::now();
    start_for("fabrikam.example").await?.ok()?;
    ensure!(
        begun.elapsed() >= Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    // Asked to wait longer than anybody would, it says so.
    fault(
        &stack,
        &json!({"endpoint": "metadata", "status": 429, "headers": {"Retry-After": "30"}}),
    )
    .await?;
    let before = calls(&stack, "metadata").await?;
    for _ in 0..3 {
        let begun = Instant::now();
        let refused = start_for("adatum.example")
            .await?
            .refused(503, "microsoft_unavailable")?;
        ensure!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        let wait: Option<u64> = refused
            .header("retry-after")
            .and_then(|text| text.parse().ok());
        ensure!(
            wait.is_some_and(|seconds| (20..=30).contains(&seconds)),
            "{:?}",
            refused.headers
        );
    }
    ensure!(
        calls(&stack, "metadata").await? <= before + 1,
        "Microsoft was asked while it asked to be left alone"
    );
    Ok(())
}

#[tokio::test]
async fn nonsense_is_told_from_an_outage() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    for (tenant, body) in [
        ("contoso.example", json!("<html>")),
        (
            "fabrikam.example",
            json!({"issuer": "https://login.example/common/v2.0"}),
        ),
        ("adatum.example", json!({"issuer": 7})),
    ] {
        fault(
            &stack,
            &json!({"endpoint": "metadata", "status": 200, "body": body}),
        )
        .await?;
        let refused = sam.start_admin_consent(&selection(Some(tenant))).await?;
        refused.refused(502, "microsoft_unavailable")?;
    }
    Ok(())
}

#[tokio::test]
async fn while_microsoft_is_down_we_answer_at_once_and_recover_by_ourselves() -> anyhow::Result<()>
{
    let mut stack = start().await?;
    let log = log(&stack).await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    stack
        .login("acme")
        .through_microsoft("ana", ANA, 1)
        .await?
        .ok()?;
    let id_token = stack.microsoft().id_token(ANA, None).await?;

    stack.simulator.kill();
    let open = "assent_microsoft_circuit_open{api=\"sign_in:lookups\"} 1";
    for number in 0..4 {
        let begun = Instant::now();
        let refused = sam
            .start_admin_consent(&selection(Some(&format!("company{number}.example"))))
            .await?;
        refused.refused(503, "microsoft_unavailable")?;
        ensure!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    }
    ensure!(
        metrics(&stack).await?.contains(open),
        "the circuit is not open"
    );
    let begun = Instant::now();
    let refused = sam
        .start_admin_consent(&selection(Some("another.example")))
        .await?;
    refused.refused(503, "microsoft_unavailable")?;
    ensure!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());

    // What needs no Microsoft goes on: a login with the keys at hand, a revocation, the settings.
    let body = json!({"account_id": "acme", "user_id": "ana", "at_least": 1,
        "sign_in": {"provider": "microsoft", "id_token": id_token},
        "wants": {"calendar": true, "contacts": false, "email": "none"}});
    let reply = stack.login("acme").ask(&body).await?.ok()?;
    ensure!(
        reply.word("/decision") == Some("proceed") && reply.value("/degraded") == &json!(false),
        "{}",
        reply.text
    );
    ana.see("ana").await?.ok()?;
    let ready = ana
        .send(Method::GET, "/readyz", |request| request)
        .await?
        .ok()?;
    ensure!(
        ready
            .word("/dependencies/microsoft/reason")
            .is_some_and(|said| said.contains("sign-in")),
        "{}",
        ready.text
    );
    let revoked = ana.revoke("calendar").await?.ok()?;
    ensure!(
        last_sequence(&log).await? == revoked.sequence(),
        "more than the revocation was recorded"
    );

    stack.simulator.restart_unready().await?;
    // Nobody may ask as often as this waits.
    eventually("the circuit closes", async || {
        let another = stack.super_admin("acme", &Uuid::now_v7().to_string());
        let started = another
            .start_admin_consent(&selection(Some(CONTOSO)))
            .await?;
        Ok(started.status == 201)
    })
    .await?;
    ensure!(
        !metrics(&stack).await?.contains(open),
        "the circuit is still open"
    );
    let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await
}
