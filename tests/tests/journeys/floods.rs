//! Somebody asks for more than anybody needs. They are told so, in time and in words; everybody else is served.

use std::time::Duration;

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN, CONTOSO, HostUser, OLGA, Reaction, Reply};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::fixture::{authorize_url, calls, eventually, fault, selection, start};
use crate::session_client;

const EVERYTHING: [&str; 3] = ["calendar", "contacts", "email"];

/// A refusal says when to come back, and what there was too much of.
fn is_limited(reply: &Reply, because: &str) -> anyhow::Result<()> {
    let refused = reply.clone().refused(429, "too_many_requests")?;
    let seconds: u64 = refused
        .header("retry-after")
        .with_context(|| refused.text.clone())?
        .parse()?;
    ensure!(seconds >= 1, "{seconds}");
    let detail = refused.word("/detail").unwrap_or_default();
    ensure!(detail.contains(because), "{detail}");
    Ok(())
}

/// Asks again and again until it is too much; what was answered before, and the refusal.
async fn until_limited(
    most: usize,
    mut ask: impl AsyncFnMut(usize) -> anyhow::Result<Reply>,
) -> anyhow::Result<(Vec<Reply>, Reply)> {
    let mut answers = Vec::new();
    for number in 0..most {
        let reply = ask(number).await?;
        if reply.status == 429 {
            return Ok((answers, reply));
        }
        answers.push(reply);
    }
    anyhow::bail!("{most} times, and no limit")
}

/// What somebody of another company does on an ordinary day.
async fn another_company_is_served(stack: &Stack) -> anyhow::Result<()> {
    let (eva, rita) = (
        stack.user("other", "eva"),
        stack.super_admin("other", "rita"),
    );
    let started = eva.start_grant(&["calendar"], Some(BEN)).await?.ok()?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&started)?, BEN, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    eva.revoke("calendar").await?.ok()?;
    rita.start_admin_consent(&selection(Some("contoso.example")))
        .await?
        .ok()?;
    rita.set_method("user_individual", "full").await?.ok()?;
    let page = session_client::user(stack, "other", "eva")
        .await?
        .get("/settings/account")
        .await?;
    ensure!(page.status == 200, "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn flows_without_end() -> anyhow::Result<()> {
    let stack = start().await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    let (begun, limited) = until_limited(200, async |_| {
        Ok(ana.start_grant(&["calendar"], Some(ANA)).await?)
    })
    .await?;
    is_limited(&limited, "more than 60 requests at Microsoft")?;
    ensure!((60..120).contains(&begun.len()), "{}", begun.len());

    // Ten are open; the oldest gave way.
    let mut open = 0;
    for begun in &begun {
        let id = begun.word("/flow_id").context("no flow")?;
        let flow = ana.flow(id).await?.ok()?;
        match flow.word("/state") {
            Some("pending") => open += 1,
            Some("expired") => {
                ensure!(flow.word("/code") == Some("flow_expired"), "{}", flow.text);
            }
            _ => anyhow::bail!("{}", flow.text),
        }
    }
    ensure!(open == 10, "{open}");
    let (first, last) = begun.first().zip(begun.last()).context("none")?;
    let late = stack
        .microsoft()
        .walk(authorize_url(first)?, ANA, Reaction::Accept)
        .await?;
    ensure!(
        late.outcome == "expired",
        "a flow that gave way went on: {late:?}"
    );
    let landing = stack
        .microsoft()
        .walk(authorize_url(last)?, ANA, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");

    // Somebody goes on pressing, for her allowance comes back second by second.
    let mut pressing = JoinSet::new();
    for _ in 0..4 {
        let ana = ana.clone();
        pressing.spawn(async move {
            loop {
                let _limited = ana.start_grant(&["calendar"], Some(ANA)).await;
            }
        });
    }
    // Her login is not refused because of it: it only can't send her to Microsoft just now.
    let login = stack.login("acme");
    let wants = json!({"calendar": true, "contacts": true, "email": "full"});
    eventually("a login meets the limit", async || {
        let decided = login.wanting("ana", ANA, &wants).await?.ok()?;
        ensure!(
            decided.word("/decision") == Some("prompt") && decided.effective() == "calendar",
            "{}",
            decided.text
        );
        let is_limited = decided.word("/authorize_url").is_none();
        ensure!(decided.value("/degraded") == &json!(is_limited));
        Ok(is_limited)
    })
    .await?;
    // And what she wants to take back, she can.
    ana.revoke("calendar").await?.ok()?;

    let page = session_client::user(&stack, "acme", "ana").await?;
    let (here, save) = ("/settings/account", "/settings/account/permissions");
    eventually("a form meets the limit", async || {
        let refused = page.post(here, save, &[("contacts", "true")]).await?;
        if refused.status == 303 {
            return Ok(false);
        }
        ensure!(refused.status == 429, "{}", refused.text);
        ensure!(refused.header("retry-after").is_some());
        // The page is there, with what happened and its form.
        ensure!(
            refused.text.contains("You began more than 60 requests") && refused.text.contains(save),
            "{}",
            refused.text
        );
        Ok(true)
    })
    .await?;

    ben.start_grant(&EVERYTHING, Some(BEN)).await?.ok()?;
    another_company_is_served(&stack).await?;
    pressing.abort_all();
    Ok(())
}

async fn names(user: &HostUser, tenant: Uuid) -> anyhow::Result<Reply> {
    let path = format!(
        "/v1/accounts/{}/users/{}/grants",
        user.account_id(),
        user.user_id()
    );
    let identity = json!({"tenant_id": tenant, "object_id": tenant});
    let body = json!({"permissions": ["calendar"], "microsoft_identity": identity});
    Ok(user
        .send(Method::POST, &path, |request| request.json(&body))
        .await?)
}

#[tokio::test]
async fn invented_tenants() -> anyhow::Result<()> {
    let stack = start().await?;
    let (mallory, ana) = (stack.user("acme", "mallory"), stack.user("acme", "ana"));
    // What is known to be unknown is not asked about again.
    let nowhere = Uuid::new_v4();
    let before = calls(&stack, "metadata").await?;
    for _ in 0..5 {
        names(&mallory, nowhere)
            .await?
            .refused(400, "invalid_request")?;
    }
    ensure!(calls(&stack, "metadata").await? == before + 1);

    let (_, limited) = until_limited(100, async |_| names(&mallory, Uuid::new_v4()).await).await?;
    is_limited(&limited, "organisations at Microsoft were looked up")?;
    let asked = calls(&stack, "metadata").await? - before;
    ensure!(asked <= 40, "{asked} questions to Microsoft");
    // A name in the Super Admin's dialog is one of them.
    let sam = stack.super_admin("acme", "sam");
    let typed = format!("n{}.example", Uuid::new_v4().simple());
    is_limited(
        &sam.start_admin_consent(&selection(Some(&typed))).await?,
        "organisations",
    )?;

    // Whoever needs no question is served, and so is a login: nobody typed its tenant.
    ana.start_grant(&["calendar"], None).await?.ok()?;
    let login = stack.login("acme");
    let wants = json!({"calendar": false, "contacts": true, "email": "none"});
    let decided = login.wanting("ana", ANA, &wants).await?.ok()?;
    ensure!(decided.word("/authorize_url").is_some(), "{}", decided.text);
    another_company_is_served(&stack).await
}

#[tokio::test]
async fn microsoft_is_tired_of_invented_tenants() -> anyhow::Result<()> {
    let stack = start().await?;
    let (mallory, ben) = (stack.user("acme", "mallory"), stack.user("other", "ben"));
    let begun = ben.start_grant(&["calendar"], None).await?.ok()?;
    let tired = json!({"endpoint": "metadata", "count": 1, "status": 429, "body": {}, "headers": {"Retry-After": "300"}});
    fault(&stack, &tired).await?;
    let refused = names(&mallory, Uuid::new_v4()).await?;
    ensure!(refused.status == 503, "{}", refused.text);
    let again = names(&mallory, Uuid::new_v4()).await?;
    ensure!(again.status == 503, "{}", again.text);

    // Ben, of another company, comes back from Microsoft with a code, and begins another flow.
    let landing = stack
        .microsoft()
        .walk(authorize_url(&begun)?, BEN, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "awaiting_confirmation", "{landing:?}");
    let login = stack.login("other");
    let wants = json!({"calendar": false, "contacts": true, "email": "none"});
    let decided = login.wanting("eva", BEN, &wants).await?.ok()?;
    ensure!(decided.word("/authorize_url").is_some(), "{}", decided.text);
    Ok(())
}

#[tokio::test]
async fn writes_without_end_and_somebodys_no() -> anyhow::Result<()> {
    let stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    let started = ana.start_grant(&EVERYTHING, Some(ANA)).await?.ok()?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&started)?, ANA, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");

    // Many at once, changing nothing: it is the asking that is counted.
    let mut flood = JoinSet::new();
    for _ in 0..16 {
        let sam = sam.clone();
        flood.spawn(async move {
            loop {
                let reply = sam.set_method("user_individual", "full").await?;
                if reply.status != 200 {
                    return anyhow::Ok(reply);
                }
            }
        });
    }
    let limited = flood.join_next().await.context("no flood")???;
    is_limited(&limited, "changed too many times")?;
    // The flood goes on while she says no, and it is heard.
    let pressing = {
        let sam = sam.clone();
        tokio::spawn(async move {
            loop {
                let _limited = sam.set_method("user_individual", "full").await;
            }
        })
    };
    for permission in EVERYTHING {
        let told = ana.revoke(permission).await?.ok()?;
        ensure!(told.sequence() > 0, "{}", told.text);
    }
    ensure!(ana.see("ana").await?.ok()?.effective() == "nothing");
    another_company_is_served(&stack).await?;
    pressing.abort();

    let page = session_client::super_admin(&stack, "acme", "sam").await?;
    let shown = page.get("/settings/company").await?;
    ensure!(shown.status == 200, "{}", shown.text);
    Ok(())
}

#[tokio::test]
async fn links_without_end() -> anyhow::Result<()> {
    let stack = start().await?;
    let (mallory, sam) = (
        stack.user("acme", "mallory"),
        stack.super_admin("acme", "sam"),
    );
    let approval = json!({"purpose": "approval", "permissions": {"calendar": true, "contacts": false, "email": "none"}});
    let (made, limited) = until_limited(60, async |_| {
        let made = mallory.make_hand_off(&approval).await?;
        if let Some(id) = made.word("/hand_off_id") {
            mallory.cancel_hand_off(id).await?.ok()?;
        }
        Ok(made)
    })
    .await?;
    ensure!(made.len() == 20, "{}", made.len());
    is_limited(&limited, "20 links for an administrator within a day")?;
    let seconds: u64 = limited.header("retry-after").unwrap_or_default().parse()?;
    ensure!(seconds > 23 * 60 * 60, "{seconds}");
    // Another gateway, or this one after a restart, has not forgotten it.
    let mut stack = stack;
    stack.gateway.restart().await?;
    is_limited(&mallory.make_hand_off(&approval).await?, "within a day")?;

    let deciding = json!({"purpose": "administrator_consent", "permissions": {"calendar": true, "contacts": false, "email": "none"}});
    let link = sam.make_hand_off(&deciding).await?.ok()?;
    let url = link.word("/url").context("no link")?;
    // Whoever was forwarded it begins and begins, and proves nothing.
    let microsoft = stack.microsoft();
    for _ in 0..80 {
        let followed = microsoft.follow_hand_off(url).await?;
        ensure!(followed.status == 303, "{}", followed.text);
    }
    let page = microsoft.open(url).await?;
    ensure!(page.status == 200, "{}", page.text);
    let followed = microsoft.follow_hand_off(url).await?;
    let to = followed.header("location").context("not sent on")?;
    microsoft.walk(to, OLGA, Reaction::Accept).await?;
    let id = link.word("/hand_off_id").context("no id")?;
    sam.hand_off(id)
        .await?
        .ok()?
        .with_text("/state", "completed")?;

    // Making one costs what it did, however many there have been.
    ensure!(limited.took < Duration::from_secs(1), "{:?}", limited.took);
    another_company_is_served(&stack).await
}

#[tokio::test]
async fn one_employee_with_a_server_of_her_own_stops_no_company() -> anyhow::Result<()> {
    let stack = start().await?;
    let (eve, sam) = (stack.user("acme", "eve"), stack.super_admin("acme", "sam"));
    // She consents with an account of another tenant, whose mailboxes are on premises.
    let dana = assent_dev_stack::actors::DANA;
    let started = eve.start_grant(&["contacts"], Some(dana)).await?.ok()?;
    stack
        .microsoft()
        .walk(authorize_url(&started)?, dana, Reaction::Accept)
        .await?;
    for tenant in [None, Some(CONTOSO)] {
        sam.start_admin_consent(&selection(tenant)).await?.ok()?;
    }
    // Of her own tenant it is true, until a Super Admin says that it is not.
    let hers = sam
        .start_admin_consent(&selection(Some(dana.tenant)))
        .await?;
    hers.refused(422, "on_premises_exchange")?;
    let mut vouched: Value = selection(Some(dana.tenant));
    if let Some(fields) = vouched.as_object_mut() {
        fields.insert("mailboxes_in_exchange_online".to_owned(), json!(true));
    }
    sam.start_admin_consent(&vouched).await?.ok()?;
    ensure!(
        stack
            .gateway
            .log_text()
            .contains("a Super Admin vouched for where the company's mailboxes are")
    );
    let link = json!({
        "purpose": "approval", "tenant": dana.tenant, "mailboxes_in_exchange_online": true,
        "permissions": {"calendar": true, "contacts": false, "email": "none"},
    });
    eve.make_hand_off(&link).await?.refused(403, "forbidden")?;
    sam.make_hand_off(&link).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn reads_that_wait_for_what_never_comes() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let never = format!("/v1/accounts/acme?at_least={}", u64::MAX);
    let mut waiting = JoinSet::new();
    for _ in 0..40 {
        let (sam, never) = (sam.clone(), never.clone());
        waiting.spawn(async move { sam.send(Method::GET, &never, |request| request).await });
    }
    let (mut late, mut limited) = (0, 0);
    while let Some(reply) = waiting.join_next().await {
        let reply = reply??;
        if reply.status == 504 {
            late += 1;
        } else {
            is_limited(&reply, "waiting for a write")?;
            limited += 1;
        }
    }
    ensure!(late >= 1 && late + limited == 40, "{late} {limited}");
    sam.account().await?.ok()?;
    another_company_is_served(&stack).await
}
