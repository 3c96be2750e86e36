//! A callback belongs to a person's visit: they hang up, reload, come ten at a time, and others come before them. The
//! work that was begun ends, once, and the person's own visit ends where it should.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{
    ANA, BEN, CONTOSO, HostUser, OLGA, Person, Reaction, Reply, Visit, forms,
};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::administrator_page::sent_to;
use crate::fixture::{
    authorize_url, calls, company_history, eventually, fault, flow_is, last_sequence, log,
    query_value, selection, sent_back, start, user_history,
};
use crate::session_client::{self, hidden};

/// Opens an address, and closes the connection once the gateway asks Microsoft, which holds its answer back.
async fn hang_up_at(stack: &Stack, endpoint: &str, address: &str) -> anyhow::Result<()> {
    fault(stack, &json!({"endpoint": endpoint, "delay_ms": 2_000})).await?;
    let before = calls(stack, endpoint).await?;
    let asked = eventually("Microsoft is asked", async || {
        Ok(calls(stack, endpoint).await? > before)
    });
    let microsoft = stack.microsoft();
    tokio::select! {
        answered = microsoft.open(address) => bail!("answered: {answered:?}"),
        asked = asked => asked,
    }
}

async fn state_of(by: &HostUser, flow: &str) -> anyhow::Result<Option<String>> {
    let flow = by.flow(flow).await?.ok()?;
    Ok(flow.word("/state").map(str::to_owned))
}

fn landed(reply: &Reply) -> anyhow::Result<(String, Option<String>, Option<String>)> {
    let address = sent_to(reply)?;
    Ok((
        query_value(address, "outcome")?,
        query_value(address, "reason").ok(),
        query_value(address, "confirm").ok(),
    ))
}

/// The callback that a flow of this user's own ends with.
async fn own_callback(
    stack: &Stack,
    user: &HostUser,
    known: Option<Person>,
    person: Person,
) -> anyhow::Result<(String, String)> {
    let started = user.start_grant(&["calendar"], known).await?.ok()?;
    let flow = started.word("/flow_id").context("no flow")?.to_owned();
    let back = sent_back(stack, authorize_url(&started)?, person).await?;
    Ok((flow, back))
}

#[tokio::test]
async fn a_code_that_was_spent_counts_though_the_person_hung_up() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));

    // Where nobody is asked, it is recorded.
    let (flow, callback) = own_callback(&stack, &ana, Some(ANA), ANA).await?;
    hang_up_at(&stack, "token", &callback).await?;
    // The next visit comes in the middle of it.
    let next = stack.microsoft().open(&callback).await?;
    ensure!(landed(&next)? == ("completed".to_owned(), None, None));
    flow_is(&ana, &flow, "completed", None).await?;
    ensure!(user_history(&log, "acme", "ana").await?.events().len() == 1);

    // Where somebody has to confirm, whoever comes again can.
    let (flow, callback) = own_callback(&stack, &ben, None, BEN).await?;
    hang_up_at(&stack, "token", &callback).await?;
    eventually("it goes on by itself", async || {
        Ok(state_of(&ben, &flow).await?.as_deref() == Some("awaiting_confirmation"))
    })
    .await?;
    let state = query_value(&callback, "state")?;
    let (gateway, microsoft) = (stack.gateway.url(), stack.microsoft());
    for alone in ["", "&code=another", "&error=access_denied"] {
        let alone = format!("{gateway}/callbacks/microsoft/authorize?state={state}{alone}");
        let landed = landed(&microsoft.open(&alone).await?)?;
        ensure!(landed == ("awaiting_confirmation".to_owned(), None, None));
    }
    let mut confirms = Vec::new();
    for _ in 0..3 {
        let (outcome, _, confirm) = landed(&microsoft.open(&callback).await?)?;
        ensure!(outcome == "awaiting_confirmation", "{outcome}");
        confirms.push(confirm.context("no confirm")?);
    }
    // The tab that was left open before the last reload is as good.
    let confirmed = ben.confirm(&flow, &confirms[1]).await?.ok()?;
    ensure!(confirmed.word("/state") == Some("completed"));
    let again = landed(&microsoft.open(&callback).await?)?;
    ensure!(again == ("completed".to_owned(), None, None));
    ensure!(user_history(&log, "acme", "ben").await?.events().len() == 1);
    ensure!(
        stack
            .gateway
            .log_text()
            .contains("whoever asked for it has gone"),
        "nobody hung up"
    );
    Ok(())
}

#[tokio::test]
async fn an_administrators_visit_that_was_cut_off_ends_as_it_should() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let sam = stack.super_admin("acme", "sam");
    let mut olga = stack.microsoft().new_browser();
    let started = sam.start_admin_consent(&selection(None)).await?.ok()?;
    let flow = started.word("/flow_id").context("no flow")?.to_owned();

    // The tenant is looked up for the first time at the first callback.
    let first = sent_back(&stack, authorize_url(&started)?, OLGA).await?;
    hang_up_at(&stack, "metadata", &first).await?;
    let on = olga.get(&first).await?;
    let second = sent_back(&stack, sent_to(&on)?, OLGA).await?;
    hang_up_at(&stack, "token", &second).await?;
    // The first one again, in the middle of the second and after it: nothing to confirm for whoever knows the link.
    for _ in 0..2 {
        let back = landed(&olga.get(&first).await?)?;
        ensure!(
            back == ("awaiting_confirmation".to_owned(), None, None),
            "{back:?}"
        );
    }
    let page = sent_to(&olga.get(&second).await?)?.to_owned();
    let reloaded = sent_to(&olga.get(&second).await?)?.to_owned();
    ensure!(page != reloaded, "one secret was given out twice");
    for address in [&page, &reloaded] {
        let shown = olga.get(address).await?;
        ensure!(
            shown.status == 200 && forms(&shown.text).len() == 2,
            "{}",
            shown.text
        );
    }
    let shown = olga.get(&page).await?;
    let form = forms(&shown.text).first().cloned().context("no form")?;
    let mut tabs = vec![olga.clone(); 10];
    let sent = join_all(tabs.iter_mut().map(|tab| tab.submit(&page, &form, &[]))).await;
    let mut ends = BTreeSet::new();
    for reply in sent {
        ends.insert(sent_to(&reply?)?.to_owned());
    }
    ensure!(ends.len() == 1, "{ends:?}");
    flow_is(&sam, &flow, "completed", None).await?;
    ensure!(company_history(&log, "acme").await?.events().len() == 2);
    for again in [&first, &second] {
        let back = landed(&olga.get(again).await?)?;
        ensure!(back == ("completed".to_owned(), None, None), "{back:?}");
    }
    ensure!(last_sequence(&log).await? == 2, "recorded more than once");
    Ok(())
}

#[tokio::test]
async fn whichever_copy_of_the_first_callback_is_the_persons_leads_through() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    for persons in [0, 4, 9] {
        let account = format!("acme{persons}");
        let sam = stack.super_admin(&account, "sam");
        let started = sam
            .start_admin_consent(&selection(Some(CONTOSO)))
            .await?
            .ok()?;
        let flow = started.word("/flow_id").context("no flow")?.to_owned();
        let first = sent_back(&stack, authorize_url(&started)?, OLGA).await?;
        let copies = join_all((0..10).map(|_| microsoft.open(&first))).await;
        let copies: Vec<Reply> = copies.into_iter().collect::<Result<_, _>>()?;
        // What ends a flow at first ends none that was led on.
        let state = query_value(&first, "state")?;
        let refused = format!(
            "{}/callbacks/microsoft/admin-consent?error=access_denied&state={state}",
            stack.gateway.url()
        );
        let (outcome, ..) = landed(&microsoft.open(&refused).await?)?;
        ensure!(outcome == "pending", "{outcome}");

        let on = sent_to(copies.get(persons).context("no copy")?)?;
        let second = sent_back(&stack, on, OLGA).await?;
        let page = sent_to(&microsoft.open(&second).await?)?.to_owned();
        let mut olga = microsoft.new_browser();
        let sent = microsoft.confirm(&mut olga, &page).await?;
        ensure!(landed(&sent)?.0 == "completed");
        flow_is(&sam, &flow, "completed", None).await?;
        // The other tabs, sent on before, come too late and are led to the same end.
        let other = sent_to(copies.get(5).context("no copy")?)?;
        let other = sent_back(&stack, other, OLGA).await?;
        ensure!(landed(&microsoft.open(&other).await?)?.0 == "completed");
    }
    Ok(())
}

#[tokio::test]
async fn a_no_that_comes_twice_goes_where_it_went_first() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let ana = stack.user("acme", "ana");
    let started = ana.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
    let flow = started.word("/flow_id").context("no flow")?.to_owned();
    let microsoft = stack.microsoft();
    let url = authorize_url(&started)?;
    let declined = match microsoft.visit(url, ANA, Reaction::Decline).await? {
        Visit::Redirect(address) => address,
        Visit::Page(code) => bail!("stopped at {code}"),
    };
    let copies = join_all((0..10).map(|_| microsoft.open(&declined))).await;
    for copy in copies {
        let end = landed(&copy?)?;
        let expected = ("declined".to_owned(), Some("declined".to_owned()), None);
        ensure!(end == expected, "{end:?}");
    }
    flow_is(&ana, &flow, "declined", Some("declined")).await?;
    ensure!(last_sequence(&log).await? == 1, "answered more than once");
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_was_killed_in_the_middle_leaves_no_flow_open() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let log = log(&stack).await?;
    let ana = stack.user("acme", "ana");
    let (flow, callback) = own_callback(&stack, &ana, Some(ANA), ANA).await?;
    hang_up_at(&stack, "token", &callback).await?;
    stack.gateway.kill();
    stack.gateway.restart().await?;
    ensure!(state_of(&ana, &flow).await?.as_deref() == Some("pending"));
    eventually("it is given up", async || {
        Ok(state_of(&ana, &flow).await?.as_deref() == Some("undetermined"))
    })
    .await?;
    flow_is(&ana, &flow, "undetermined", Some("interrupted")).await?;
    let end = landed(&stack.microsoft().open(&callback).await?)?;
    let reason = Some("interrupted".to_owned());
    ensure!(end == ("undetermined".to_owned(), reason, None), "{end:?}");
    let told = stack.gateway.log_text();
    ensure!(told.matches("did not say in time").count() == 1, "{told}");
    ensure!(last_sequence(&log).await? == 0, "something was recorded");
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_is_told_to_stop_ends_what_it_has_begun() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let log = log(&stack).await?;
    let ana = stack.user("acme", "ana");
    let (flow, callback) = own_callback(&stack, &ana, Some(ANA), ANA).await?;
    hang_up_at(&stack, "token", &callback).await?;
    let status = stack.gateway.terminate().await.context("killed")?;
    ensure!(status.success(), "{status}");
    ensure!(last_sequence(&log).await? == 1, "it was cut off");
    stack.gateway.restart().await?;
    flow_is(&ana, &flow, "completed", None).await
}

/// While NATS stands still, nothing is answered.
async fn hang_up_while_nats_stands<T, E: std::fmt::Debug>(
    stack: &Stack,
    request: impl Future<Output = Result<T, E>>,
) -> anyhow::Result<()> {
    let server = stack.nats().process_id().context("no NATS")?;
    let server = rustix::process::Pid::from_raw(i32::try_from(server)?).context("no process")?;
    rustix::process::kill_process(server, rustix::process::Signal::STOP)?;
    let answered = tokio::time::timeout(std::time::Duration::from_millis(500), request).await;
    rustix::process::kill_process(server, rustix::process::Signal::CONT)?;
    ensure!(answered.is_err(), "answered while NATS stood still");
    Ok(())
}

#[tokio::test]
async fn what_a_form_or_a_call_asks_for_is_done_though_nobody_listens_any_more()
-> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));

    // The host application confirms.
    let (flow, callback) = own_callback(&stack, &ana, None, ANA).await?;
    let (_, _, confirm) = landed(&stack.microsoft().open(&callback).await?)?;
    let confirm = confirm.context("no confirm")?;
    hang_up_while_nats_stands(&stack, ana.confirm(&flow, &confirm)).await?;
    eventually("it is confirmed", async || {
        Ok(state_of(&ana, &flow).await?.as_deref() == Some("completed"))
    })
    .await?;

    let written = async |events: u64| {
        let what = format!("{events} events are written");
        eventually(&what, async || Ok(last_sequence(&log).await? == events)).await
    };
    written(1).await?;
    hang_up_while_nats_stands(&stack, ana.revoke("calendar")).await?;
    written(2).await?;
    hang_up_while_nats_stands(&stack, sam.set_method("user_individual", "limited")).await?;
    written(3).await?;

    // A form of the settings.
    let page = session_client::super_admin(&stack, "acme", "sue").await?;
    let shown = page.get("/settings/company").await?;
    let value = |name| hidden(&shown.text, name).context(name).map(str::to_owned);
    let (proof, seen) = (value("proof")?, value("seen")?);
    let fields = [
        ("proof", proof.as_str()),
        ("seen", &seen),
        ("email_sync", "full"),
    ];
    let save = "/settings/company/email-sync";
    hang_up_while_nats_stands(&stack, page.post_bare(save, &fields)).await?;
    written(4).await?;
    // Sent again, by somebody who saw no answer: there is nothing to change any more, and nobody else is blamed.
    let again = page.post_bare(save, &fields).await?;
    ensure!(sent_to(&again)?.contains("done=full_sync"), "{again:?}");
    written(4).await
}

#[tokio::test]
async fn a_form_that_is_sent_twice_does_one_thing() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = session_client::super_admin(&stack, "acme", "sam").await?;
    let shown = sam.get("/settings/company").await?;
    let value = |name| hidden(&shown.text, name).context(name).map(str::to_owned);
    let (proof, seen, link) = (value("proof")?, value("seen")?, value("link")?);
    let page = [("proof", proof.as_str()), ("seen", &seen), ("link", &link)];
    let with = |fields: &[(&'static str, &'static str)]| [&page, fields].concat();

    // A link for an administrator: twice at once, and once more.
    let links_form = "/settings/company/administrator-links";
    let form = with(&[("calendar", "true"), ("email", "true")]);
    let (one, two) = tokio::join!(
        sam.post_bare(links_form, &form),
        sam.post_bare(links_form, &form)
    );
    let mut links = BTreeSet::new();
    for made in [one?, two?, sam.post_bare(links_form, &form).await?] {
        ensure!(made.status == 201, "{} {}", made.status, made.text);
        let at = made.text.find("/hand-off/").context("no link")?;
        let rest = made.text.get(at..).unwrap_or_default();
        links.insert(rest.split(['"', '<']).next().unwrap_or_default().to_owned());
    }
    ensure!(links.len() == 1, "{links:?}");
    let reply = stack.super_admin("acme", "sam").hand_offs().await?.ok()?;
    let listed = reply.value("/hand_offs").as_array().context("no list")?;
    ensure!(listed.len() == 1, "{listed:?}");

    // Taken back twice.
    let id = listed.first().and_then(|link| link["hand_off_id"].as_str());
    let cancel = format!("{links_form}/{}/cancellation", id.context("no id")?);
    for _ in 0..2 {
        let cancelled = sam.post_bare(&cancel, &page[..1]).await?;
        ensure!(sent_to(&cancelled)?.contains("done=link_cancelled"));
    }

    // The e-mail sync: nobody is told that somebody else was there.
    let save = "/settings/company/email-sync";
    let form = with(&[("email_sync", "limited"), ("confirmed", "true")]);
    let sent = join_all((0..5).map(|_| sam.post_bare(save, &form))).await;
    for saved in sent {
        ensure!(sent_to(&saved?)?.contains("done=limited_sync"));
    }
    ensure!(last_sequence(&log(&stack).await?).await? == 1);

    // And out.
    for _ in 0..2 {
        let left = sam.post_bare("/session/end", &page[..1]).await?;
        ensure!(
            left.status == 200 && left.text.contains("You have left"),
            "{}",
            left.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn only_a_persons_navigation_takes_a_callback() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    let (flow, callback) = own_callback(&stack, &ana, Some(ANA), ANA).await?;
    let mut browser = stack.microsoft().new_browser();
    for (mode, to) in [
        ("no-cors", "image"),
        ("cors", "empty"),
        ("no-cors", "script"),
    ] {
        let headers = [("sec-fetch-mode", mode), ("sec-fetch-dest", to)];
        let fetched = browser.send(Method::GET, &callback, &[], &headers).await?;
        ensure!(
            fetched.word("/code") == Some("fetched_ahead"),
            "{}",
            fetched.text
        );
    }
    ensure!(state_of(&ana, &flow).await?.as_deref() == Some("pending"));
    let navigates = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let taken = browser
        .send(Method::GET, &callback, &[], &navigates)
        .await?;
    ensure!(landed(&taken)?.0 == "completed");
    Ok(())
}

#[tokio::test]
async fn nobody_is_left_without_a_way_back() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    let return_to = format!("{}/back", stack.host.origin());
    let body = json!({"permissions": ["calendar"], "return_to": return_to});
    let started = ana
        .send(
            Method::POST,
            "/v1/accounts/acme/users/ana/grants",
            |request| request.json::<Value>(&body),
        )
        .await?
        .ok()?;
    let state = query_value(authorize_url(&started)?, "state")?;
    let (flow, _) = state.split_once('.').context("no flow")?;
    let mut browser = stack.microsoft().new_browser();
    let gateway = stack.gateway.url();
    for (query, way_back) in [
        (format!("state={flow}.guessed&code=c"), return_to.clone()),
        (
            format!("state={state}x&error=access_denied"),
            return_to.clone(),
        ),
        ("state=nonsense&code=c".to_owned(), stack.host.origin()),
        ("code=c".to_owned(), stack.host.origin()),
        (String::new(), stack.host.origin()),
    ] {
        for callback in ["authorize", "admin-consent"] {
            let address = format!("{gateway}/callbacks/microsoft/{callback}?{query}");
            let page = browser.get(&address).await?;
            let link = format!("class=\"button\" href=\"{way_back}");
            let way_back_is_there = page.text.contains(&link) && !page.text.contains("confirm=");
            ensure!(
                page.status == 400 && way_back_is_there,
                "{address}: {}",
                page.text
            );
        }
    }
    // Whoever knows the state and brings nothing else.
    let address = format!("{gateway}/callbacks/microsoft/authorize?state={state}");
    let back = browser.get(&address).await?;
    ensure!(landed(&back)? == ("pending".to_owned(), None, None));
    ensure!(sent_to(&back)?.starts_with(&return_to));
    Ok(())
}
