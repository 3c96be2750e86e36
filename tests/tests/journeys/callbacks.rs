//! Callbacks that come twice, ten at a time, or with the state of something else.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{BEN, CONTOSO, HostUser, OLGA, Reply, forms};
use futures::future::join_all;

use crate::administrator_page::sent_to;
use crate::fixture::{
    authorize_url, company_history, last_sequence, log, query_value, selection, sent_back, start,
};

/// Both callbacks of an administrator consent, the first one taken.
async fn to_the_second_callback(stack: &Stack, sam: &HostUser) -> anyhow::Result<(String, String)> {
    let microsoft = stack.microsoft();
    let started = sam
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    let first = sent_back(stack, authorize_url(&started)?, OLGA).await?;
    let on = microsoft.open(&first).await?;
    let on = on
        .header("location")
        .context("the first callback leads nowhere")?;
    let second = sent_back(stack, on, OLGA).await?;
    Ok((first, second))
}

#[tokio::test]
async fn ten_at_a_time_record_once() -> anyhow::Result<()> {
    let stack = start().await?;
    let (log, microsoft) = (log(&stack).await?, stack.microsoft());
    let sam = stack.super_admin("acme", "sam");
    let (first, second) = to_the_second_callback(&stack, &sam).await?;

    let replies = join_all((0..10).map(|_| microsoft.open(&second))).await;

    let mut page = String::new();
    for reply in replies {
        let reply = reply?;
        sent_to(&reply)?.clone_into(&mut page);
        ensure!(page.contains("/administrator-confirmation/"), "{page}");
    }
    // The state alone leads back, and to nothing that could be confirmed.
    let back = microsoft.open(&first).await?;
    let back = sent_to(&back)?;
    ensure!(
        query_value(back, "outcome")? == "awaiting_confirmation" && !back.contains("confirm="),
        "{back}"
    );
    ensure!(
        last_sequence(&log).await? == 0,
        "recorded before it was confirmed"
    );

    let mut browser = microsoft.new_browser();
    let shown = browser.get(&page).await?;
    let form = forms(&shown.text).first().cloned().context("no form")?;
    let mut tabs = vec![browser; 10];
    let sent = join_all(tabs.iter_mut().map(|tab| tab.submit(&page, &form, &[]))).await;
    for reply in sent {
        ensure!(query_value(sent_to(&reply?)?, "outcome")? == "completed");
    }
    ensure!(last_sequence(&log).await? == 2, "recorded more than once");
    let history = company_history(&log, "acme").await?;
    ensure!(history.events().len() == 2, "{:?}", history.events());
    sam.account()
        .await?
        .ok()?
        .with_text("/method", "admin_configured")?;
    Ok(())
}

#[tokio::test]
async fn a_first_callback_ten_at_a_time_leads_each_browser_on() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    let sam = stack.super_admin("acme", "sam");
    let started = sam
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    let first = sent_back(&stack, authorize_url(&started)?, OLGA).await?;

    let replies = join_all((0..10).map(|_| microsoft.open(&first))).await;

    let mut ways = BTreeSet::new();
    for reply in replies {
        ways.insert(query_value(sent_to(&reply?)?, "state")?);
    }
    ensure!(ways.len() == 10, "{ways:?}");
    Ok(())
}

#[tokio::test]
async fn a_state_is_good_for_its_own_flow_and_callback_only() -> anyhow::Result<()> {
    let stack = start().await?;
    let (log, microsoft) = (log(&stack).await?, stack.microsoft());
    let sam = stack.super_admin("acme", "sam");
    let eve = stack.super_admin("evil", "eve");
    let gateway = stack.gateway.url();
    let callback =
        |name: &str, query: &str| format!("{gateway}/callbacks/microsoft/{name}?{query}");

    let (first, second) = to_the_second_callback(&stack, &sam).await?;
    let (_, of_eve) = to_the_second_callback(&stack, &eve).await?;
    let state = |address: &str| query_value(address, "state");
    let code = |address: &str| query_value(address, "code");

    // Unknown, malformed, missing, or of the other callback.
    let flow = state(&second)?;
    let (flow_id, _) = flow.split_once('.').context("a state names its flow")?;
    for query in [
        format!(
            "state=019ab000000070008000000000000000.x&code={}",
            code(&second)?
        ),
        format!("state={flow_id}.guessed&code={}", code(&second)?),
        format!("state=nonsense&code={}", code(&second)?),
        format!("code={}", code(&second)?),
        format!("state={}&code={}", state(&first)?, code(&second)?),
        String::new(),
    ] {
        let reply = microsoft.open(&callback("authorize", &query)).await?;
        reply.refused(400, "invalid_request")?;
    }
    let query = format!(
        "admin_consent=True&tenant={CONTOSO}&state={}",
        state(&second)?
    );
    let reply = microsoft.open(&callback("admin-consent", &query)).await?;
    reply.refused(400, "invalid_request")?;

    // Eve's own state with somebody else's code: the code was not asked for with her verifier.
    let query = format!("state={}&code={}", state(&of_eve)?, code(&second)?);
    let reply = microsoft.open(&callback("authorize", &query)).await?;
    ensure!(reply.status == 303, "{}", reply.text);
    let landed = reply.header("location").unwrap_or_default();
    ensure!(query_value(landed, "outcome")? != "completed", "{landed}");

    ensure!(last_sequence(&log).await? == 0, "something was recorded");
    Ok(())
}

fn state_of(started: Reply) -> anyhow::Result<String> {
    query_value(authorize_url(&started.ok()?)?, "state")
}

#[tokio::test]
async fn what_a_browser_brings_alarms_no_operator() -> anyhow::Result<()> {
    let stack = start().await?;
    let ben = stack.user("acme", "ben");
    let sam = stack.super_admin("acme", "sam");
    let codes = [
        7_000_215, 7_000_222, 700_027, 50011, 65005, 650_056, 501_481, 90_094, 700_016, 90090,
    ];
    for error in [
        "unauthorized_client",
        "invalid_client",
        "invalid_request",
        "temporarily_unavailable",
    ] {
        for code in codes {
            let made_up = |state: &str, callback: &str| {
                format!(
                    "{}/callbacks/microsoft/{callback}?error={error}&error_description=AADSTS{code}:+x&state={state}",
                    stack.gateway.url()
                )
            };
            let own = state_of(ben.start_grant(&["calendar"], Some(BEN)).await?)?;
            let taken = stack.microsoft().open(&made_up(&own, "authorize")).await?;
            ensure!(taken.status == 303, "{}", taken.text);
            let admins = state_of(sam.start_admin_consent(&selection(Some(CONTOSO))).await?)?;
            let taken = stack
                .microsoft()
                .open(&made_up(&admins, "admin-consent"))
                .await?;
            ensure!(taken.status == 303, "{}", taken.text);
        }
    }
    // A code that is none, is of another flow, or of the other callback: the token endpoint itself complains.
    let back = async |by: Reply| -> anyhow::Result<(String, String)> {
        let by = by.ok()?;
        let back = sent_back(&stack, authorize_url(&by)?, OLGA).await?;
        Ok((query_value(&back, "state")?, query_value(&back, "code")?))
    };
    let grant = async || ben.start_grant(&["calendar"], None).await;
    let ((one, of_one), (two, of_two)) = (back(grant().await?).await?, back(grant().await?).await?);
    let third = back(grant().await?).await?.0;
    for (state, code) in [
        (&one, of_two.as_str()),
        (&two, of_one.as_str()),
        (&third, "made-up"),
    ] {
        let callback = format!(
            "{}/callbacks/microsoft/authorize?code={code}&state={state}",
            stack.gateway.url()
        );
        let taken = stack.microsoft().open(&callback).await?;
        ensure!(taken.status == 303, "{}", taken.text);
        let outcome = query_value(taken.header("location").context("no way on")?, "outcome")?;
        ensure!(
            outcome != "completed" && outcome != "awaiting_confirmation",
            "{outcome}"
        );
    }

    let log = stack.gateway.log_text();
    ensure!(log.contains("a flow went on"), "nothing happened");
    ensure!(!log.contains("operator_alarm"), "{log}");
    ensure!(!log.contains("\"level\":\"ERROR\""), "{log}");
    let get = async |path: &str| -> anyhow::Result<String> {
        let url = format!("{}{path}", stack.gateway.url());
        Ok(reqwest::get(url).await?.text().await?)
    };
    let shown = get("/metrics").await?;
    ensure!(
        shown.contains("assent_microsoft_our_fault_total 0"),
        "{shown}"
    );
    let ready = get("/readyz").await?;
    ensure!(ready.contains(r#""microsoft":{"ready":true}"#), "{ready}");
    Ok(())
}
