//! Microsoft signs in whom it likes: whoever has a session in the browser. So it is told whom we mean, or to ask.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN, CONTOSO, HostUser, OLGA, Person, Reply};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{authorize_url, last_sequence, log, query_value, selection, start};
use crate::session_client;

/// A browser in which people are signed in one after the other, as on a shared desk.
const DESK: &str = "the desk";

/// What came of a visit to Microsoft's pages.
struct Seen {
    back: String,
    screens: Vec<String>,
}

/// `person` walks Microsoft's pages at the desk, and accepts.
async fn at_the_desk(stack: &Stack, url: &str, person: Person) -> anyhow::Result<Seen> {
    let body = json!({"url": url, "as": person.object_id, "browser": DESK, "answer": "accept"});
    let reply = stack
        .microsoft()
        .control(Method::POST, "browse", Some(&body))
        .await?;
    let screens = reply.value("/steps").as_array().context("no steps")?;
    Ok(Seen {
        back: reply.word("/redirect").context("no way back")?.to_owned(),
        screens: screens
            .iter()
            .filter_map(|step| step.as_str().map(str::to_owned))
            .collect(),
    })
}

/// Ben is signed in at the desk, and has consented to everything.
async fn ben_was_here(stack: &Stack) -> anyhow::Result<()> {
    let ben = stack.user("acme", "ben");
    let all = ["calendar", "contacts", "email"];
    let started = ben.start_grant(&all, Some(BEN)).await?.ok()?;
    let seen = at_the_desk(stack, authorize_url(&started)?, BEN).await?;
    ensure!(lands(stack, &seen.back).await?.0 == "completed");
    Ok(())
}

/// Where our callback sends the browser: outcome, and the rest of the address.
async fn lands(stack: &Stack, back: &str) -> anyhow::Result<(String, String)> {
    let reply = stack.microsoft().open(back).await?;
    let to = reply.header("location").context("sent nowhere")?.to_owned();
    Ok((query_value(&to, "outcome")?, to))
}

/// What an address says of the account: `prompt` and `login_hint`.
fn asks(url: &str) -> (Option<String>, Option<String>) {
    (
        query_value(url, "prompt").ok(),
        query_value(url, "login_hint").ok(),
    )
}

const PICKS: (Option<&str>, Option<&str>) = (Some("select_account"), None);
const SILENT: (Option<&str>, Option<&str>) = (None, None);

fn expects(url: &str, tenant: &str, asked: (Option<&str>, Option<&str>)) -> anyhow::Result<()> {
    let found = asks(url);
    let found = (found.0.as_deref(), found.1.as_deref());
    ensure!(found == asked, "{found:?}, expected {asked:?}");
    ensure!(
        url.contains(&format!("/{tenant}/oauth2/v2.0/authorize?")),
        "{url}"
    );
    Ok(())
}

#[tokio::test]
async fn who_opens_the_settings_first_picks_an_account_and_sees_whose_mailbox_it_is()
-> anyhow::Result<()> {
    let stack = start().await?;
    ben_was_here(&stack).await?;
    let log = log(&stack).await?;
    let before = last_sequence(&log).await?;

    let gina = session_client::user(&stack, "acme", "gina").await?;
    let boxes = [
        ("calendar", "true"),
        ("contacts", "true"),
        ("email", "true"),
    ];
    let form = "/settings/account/permissions";
    let sent = gina.post("/settings/account", form, &boxes).await?;
    let url = sent.header("location").context("not sent on")?;
    expects(url, "organizations", PICKS)?;
    let seen = at_the_desk(&stack, url, ANA).await?;
    ensure!(seen.screens == ["sign_in", "consent"], "{:?}", seen.screens);
    let (outcome, to) = lands(&stack, &seen.back).await?;
    ensure!(outcome == "awaiting_confirmation", "{to}");
    let page = gina.get(&to).await?;
    ensure!(page.text.contains(ANA.object_id), "{}", page.text);
    ensure!(last_sequence(&log).await? == before, "it counted unseen");
    Ok(())
}

#[tokio::test]
async fn after_a_mismatch_microsoft_asks_and_only_then() -> anyhow::Result<()> {
    let stack = start().await?;
    ben_was_here(&stack).await?;
    let ana3 = stack.user("acme", "ana3");
    let begin = async || -> anyhow::Result<String> {
        let started = ana3.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
        Ok(authorize_url(&started)?.to_owned())
    };
    let first = begin().await?;
    expects(&first, CONTOSO, SILENT)?;
    let seen = at_the_desk(&stack, &first, ANA).await?;
    ensure!(seen.screens.is_empty(), "{:?}", seen.screens);
    let (outcome, to) = lands(&stack, &seen.back).await?;
    ensure!(
        outcome == "refused" && to.contains("identity_mismatch"),
        "{to}"
    );

    // However often it is begun, until the right one came.
    for url in [begin().await?, begin().await?] {
        expects(&url, CONTOSO, PICKS)?;
    }
    let second = begin().await?;
    let seen = at_the_desk(&stack, &second, ANA).await?;
    ensure!(seen.screens == ["sign_in", "consent"], "{:?}", seen.screens);
    let (outcome, to) = lands(&stack, &seen.back).await?;
    ensure!(outcome == "completed", "{to}");
    expects(&begin().await?, CONTOSO, SILENT)?;
    // It was no mistake of anybody else's.
    let ben = stack.user("acme", "ben");
    let started = ben.start_grant(&["email"], None).await?.ok()?;
    expects(authorize_url(&started)?, CONTOSO, SILENT)
}

#[tokio::test]
async fn whoever_signed_in_is_hinted_at_and_the_hint_stays_in_the_address() -> anyhow::Result<()> {
    const HINT: &str = "O.CiQ-of-ana";
    let stack = start().await?;
    let login = stack.login("acme");
    let decided = login.through_microsoft("ana", ANA, 0).await?.ok()?;
    let url = decided.word("/authorize_url").context("no address")?;
    expects(url, CONTOSO, (None, Some("ana@contoso.example")))?;
    // Another one's session at the desk does not stand in for her.
    ben_was_here(&stack).await?;
    let seen = at_the_desk(&stack, url, ANA).await?;
    ensure!(seen.screens == ["sign_in", "consent"], "{:?}", seen.screens);
    let (outcome, to) = lands(&stack, &seen.back).await?;
    ensure!(outcome == "completed", "{to}");

    // Where the token has the claim that Microsoft makes for it, that.
    let minted = json!({"tenant": ANA.tenant, "user": ANA.object_id, "nonce": "n",
        "client_id": assent_dev_stack::SIMULATOR_HOST_CLIENT_ID, "claims": {"login_hint": HINT}});
    let minted = stack
        .microsoft()
        .control(Method::POST, "id-token", Some(&minted))
        .await?;
    let id_token = minted.word("/id_token").context("no token")?;
    let body = json!({"account_id": "acme", "user_id": "anna",
        "sign_in": {"provider": "microsoft", "id_token": id_token}});
    let decided = login.ask(&body).await?.ok()?;
    let url = decided.word("/authorize_url").context("no address")?;
    expects(url, CONTOSO, (None, Some(HINT)))?;
    // Who did not sign in through Microsoft may be anybody there.
    let decided = login.with_password("gina", 0).await?.ok()?;
    let url = decided.word("/authorize_url").context("no address")?;
    expects(url, "organizations", PICKS)?;

    // The host application may say it where it begins a flow.
    let ana = stack.user("acme", "ana");
    let identity = json!({"tenant_id": ANA.tenant, "object_id": ANA.object_id});
    for (body, tenant) in [
        (
            json!({"permissions": ["email"], "login_hint": HINT}),
            CONTOSO,
        ),
        (
            json!({"permissions": ["email"], "login_hint": HINT, "microsoft_identity": identity}),
            CONTOSO,
        ),
    ] {
        let started = begin(&ana, &body).await?.ok()?;
        expects(authorize_url(&started)?, tenant, (None, Some(HINT)))?;
    }
    for bad in [
        json!(""),
        json!("x".repeat(1025)),
        json!("\u{fc}".repeat(1025)),
        json!("a\u{7}b"),
        json!(7),
    ] {
        let body = json!({"permissions": ["email"], "login_hint": bad});
        begin(&ana, &body).await?.refused(400, "invalid_request")?;
    }
    for written in [stack.gateway.log_text(), stack.login_hook.log_text()] {
        ensure!(!written.contains(HINT) && !written.contains("ana@contoso"));
    }
    Ok(())
}

async fn begin(user: &HostUser, body: &Value) -> anyhow::Result<Reply> {
    let path = format!(
        "/v1/accounts/{}/users/{}/grants",
        user.account_id(),
        user.user_id()
    );
    let begun = user.send(Method::POST, &path, |request| request.json(body));
    Ok(begun.await?)
}

/// Her organisation has consented before, so Microsoft shows nobody a page, and a colleague's session goes through.
#[tokio::test]
async fn after_the_wrong_administrator_microsoft_asks_which_one() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let other = stack.super_admin("other", "tess");
    let begin = async |who: &HostUser| -> anyhow::Result<String> {
        let started = who.start_admin_consent(&selection(Some(CONTOSO))).await?;
        Ok(authorize_url(&started.ok()?)?.to_owned())
    };
    let seen = at_the_desk(&stack, &begin(&other).await?, OLGA).await?;
    ensure!(seen.screens == ["sign_in", "consent"], "{:?}", seen.screens);
    ben_was_here(&stack).await?;

    let mut prompts = Vec::new();
    for person in [BEN, OLGA] {
        let mut browser = stack.microsoft().new_browser();
        let url = begin(&sam).await?;
        ensure!(asks(&url) == (None, None), "the first page takes neither");
        let state = query_value(&url, "state")?;
        // The first callback is what Microsoft sends where nothing is left to consent to.
        let callback = query_value(&url, "redirect_uri")?;
        let back = format!("{callback}?admin_consent=True&tenant={CONTOSO}&state={state}");
        let on = browser.get(&back).await?;
        let on = on.header("location").context("not sent on")?.to_owned();
        prompts.push(query_value(&on, "prompt").ok());
        let seen = at_the_desk(&stack, &on, person).await?;
        let rest = browser.get(&seen.back).await?;
        let rest = rest.header("location").context("not sent on")?.to_owned();
        match person {
            BEN => ensure!(rest.contains("not_an_administrator"), "{rest}"),
            _ => ensure!(rest.contains("/administrator-confirmation/"), "{rest}"),
        }
    }
    ensure!(
        prompts == [None, Some("select_account".to_owned())],
        "{prompts:?}"
    );
    Ok(())
}
