//! What proves who somebody is, and that they are an administrator; and what does not.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, CONTOSO, OLGA, Person, Reaction};
use assent_dev_stack::{SIMULATOR_CLIENT_ID, Stack};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{
    FORGERIES, admin_consent, authorize_url, ended, grant, last_sequence, log, start, start_with,
};

async fn control(stack: &Stack, method: Method, path: &str, body: Value) -> anyhow::Result<()> {
    stack.microsoft().control(method, path, Some(&body)).await?;
    Ok(())
}

#[tokio::test]
async fn a_forged_token_ends_a_flow_and_proves_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    for forge in FORGERIES {
        let fault = || json!({"endpoint": "token", "forge": forge});
        control(&stack, Method::POST, "faults", fault()).await?;
        let started = ana.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
        let landing = stack
            .microsoft()
            .walk(authorize_url(&started)?, ANA, Reaction::Accept)
            .await?;
        ended(&ana, &landing, "refused", Some("invalid_id_token"))
            .await
            .with_context(|| forge.to_owned())?;

        control(&stack, Method::POST, "faults", fault()).await?;
        let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
        ended(&sam, &landing, "refused", Some("invalid_id_token"))
            .await
            .with_context(|| forge.to_owned())?;
    }
    ensure!(
        last_sequence(&log).await? == 0,
        "a forged token recorded something"
    );
    let security_events = stack.gateway.log_text();
    ensure!(
        security_events.contains("\"security_event\":\"invalid_id_token\""),
        "nobody was told"
    );
    grant(&stack, &ana, ANA, &["calendar"]).await
}

/// What proves an administrator, by what is configured and by what Microsoft tells.
#[tokio::test]
async fn an_administrator_is_proved_by_role_and_a_grant_only_adds_to_it() -> anyhow::Result<()> {
    for (configured, proofs) in [
        ("role", [Some(vec!["role"]), Some(vec!["role"]), None, None]),
        ("grant", [Some(vec!["role", "grant"]), None, None, None]),
        (
            "either",
            [Some(vec!["role", "grant"]), Some(vec!["role"]), None, None],
        ),
    ] {
        let variable = ("ASSENT_ADMIN_PROOF".to_owned(), configured.to_owned());
        let stack = start_with(|options| options.variables = vec![variable]).await?;
        let told = [(true, true), (true, false), (false, true), (false, false)];
        for ((role, grant), proof) in told.into_iter().zip(proofs) {
            let account = format!("role-{role}-grant-{grant}");
            microsoft_tells(&stack, role, grant).await?;
            let sam = stack.super_admin(&account, "sam");
            let landing =
                admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
            let Some(proof) = proof else {
                ended(&sam, &landing, "refused", Some("not_an_administrator")).await?;
                continue;
            };
            ended(&sam, &landing, "completed", None)
                .await
                .with_context(|| format!("{configured} {account}"))?;
            let account = sam.account().await?.ok()?;
            ensure!(
                account.value("/consent/verification/proof") == &json!(proof),
                "{configured}: {}",
                account.text
            );
        }
    }
    Ok(())
}

/// Whether ID tokens name roles, and whether we may read the grants of a tenant.
async fn microsoft_tells(stack: &Stack, role: bool, grant: bool) -> anyhow::Result<()> {
    let application = format!("applications/{SIMULATOR_CLIENT_ID}");
    control(
        stack,
        Method::PATCH,
        &application,
        json!({"emit_wids": role}),
    )
    .await?;
    let tenant = format!("tenants/{CONTOSO}");
    control(
        stack,
        Method::PATCH,
        &tenant,
        json!({"tenant_consent": "merge"}),
    )
    .await?;
    let grants = format!("grants?tenant={CONTOSO}");
    stack
        .microsoft()
        .control(Method::DELETE, &grants, None)
        .await?;
    if grant {
        let readable = json!({"tenant": CONTOSO, "client_id": SIMULATOR_CLIENT_ID, "scopes": ["Directory.Read.All"]});
        control(stack, Method::POST, "grants", readable).await?;
    }
    Ok(())
}

/// Tokens of whatever key is the newest, verified while keys are exchanged.
#[tokio::test]
async fn keys_are_rotated_under_load_without_one_failed_login() -> anyhow::Result<()> {
    const ROTATIONS: usize = 4;
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar", "contacts", "email"]).await?;
    let login = stack.login("acme");
    let done = std::sync::atomic::AtomicBool::new(false);
    // A token whose key Microsoft has forgotten since is refused, and rightly: keys are forgotten between logins only.
    let under_way = tokio::sync::RwLock::new(());
    let logins = async |person: Person| {
        let mut counted = 0_u32;
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            let _one = under_way.read().await;
            let reply = login.through_microsoft("ana", person, 1).await?.ok()?;
            ensure!(
                reply.word("/decision") == Some("proceed")
                    && reply.value("/degraded") == &json!(false),
                "{}",
                reply.text
            );
            counted += 1;
        }
        Ok(counted)
    };
    let rotations = async {
        for number in 0..ROTATIONS {
            let forget_old = number % 2 == 1;
            let none = if forget_old {
                Some(under_way.write().await)
            } else {
                None
            };
            let rotation = json!({"forget_old": forget_old});
            control(&stack, Method::POST, "keys/rotate", rotation).await?;
            drop(none);
            // Each key is met by some logins before the next one.
            for _ in 0..5 {
                login.through_microsoft("ana", ANA, 1).await?.ok()?;
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, anyhow::Error>(())
    };
    let (counted, ()) = tokio::try_join!(try_join_all((0..8).map(|_| logins(ANA))), rotations)?;
    ensure!(
        counted.iter().sum::<u32>() > 50,
        "too little load: {counted:?}"
    );
    Ok(())
}
