//! "Need admin approval", back, sign in again: nobody is asked for the same again, however soon, from wherever.

use anyhow::ensure;
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, Person, Reaction, Reply, Visit};
use futures::future::try_join_all;
use serde_json::json;

use crate::fixture::{authorize_url, is_decided, query_value, start};
use crate::known_before_asked::{approvals, finn};

const ALL: &str = "calendar, contacts, email (full)";

fn needs(reply: &Reply, approval: &str) -> anyhow::Result<()> {
    ensure!(
        reply.permissions("/needs_approval") == approval,
        "{}, expected to need approval for {approval}",
        reply.text
    );
    Ok(())
}

/// The login of somebody who stands before Microsoft's page, or has just turned away from it.
async fn is_spared(stack: &Stack, user: &str, person: Person) -> anyhow::Result<Reply> {
    let login = stack.login("adatum");
    let reply = login.through_microsoft(user, person, 0).await?.ok()?;
    is_decided(&reply, "prompt", "consent_missing", "contacts")?;
    needs(&reply, "calendar, email (full)")?;
    Ok(reply)
}

#[tokio::test]
async fn whoever_signs_in_again_at_once_is_not_asked_for_the_same() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let person = finn(&stack).await?;
    let login = stack.login("adatum");
    let first = login.through_microsoft("finn", person, 0).await?.ok()?;
    is_decided(&first, "prompt", "consent_missing", ALL)?;

    // At once, without having seen the page; having seen it; from another browser or by another way of signing in;
    // and by another gateway than the one that knew.
    is_spared(&stack, "finn", person).await?;
    let page = stack.microsoft();
    let visit = page.visit(authorize_url(&first)?, person, Reaction::Accept);
    ensure!(visit.await? == Visit::Page("AADSTS90094".to_owned()));
    is_spared(&stack, "finn", person).await?;
    // The link on that page says no more than that somebody left.
    let landing = page.walk(authorize_url(&first)?, person, Reaction::Return);
    ensure!(landing.await?.outcome == "undetermined");
    let by_password = login.with_password("finn", 0).await?.ok()?;
    is_decided(&by_password, "prompt", "consent_missing", "contacts")?;
    needs(&by_password, "calendar, email (full)")?;
    stack.gateway.restart().await?;
    let last = is_spared(&stack, "finn", person).await?;

    // Nothing else is left: nobody is led to Microsoft.
    let microsoft = stack.microsoft();
    let landing = microsoft.walk(authorize_url(&last)?, person, Reaction::Accept);
    ensure!(landing.await?.outcome == "completed");
    let done = login.through_microsoft("finn", person, 0).await?.ok()?;
    is_decided(
        &done,
        "proceed",
        "administrator_approval_required",
        "calendar, email (full)",
    )?;
    needs(&done, "calendar, email (full)")?;
    ensure!(
        done.word("/authorize_url").is_none() && done.effective() == "contacts",
        "{}",
        done.text
    );
    Ok(())
}

#[tokio::test]
async fn of_logins_at_the_very_same_time_one_asks_for_what_is_doubtful() -> anyhow::Result<()> {
    let stack = start().await?;
    let (person, login) = (finn(&stack).await?, stack.login("adatum"));
    let at_once = (0..6).map(|_| login.through_microsoft("finn", person, 0));
    let mut asked = Vec::new();
    for reply in try_join_all(at_once).await? {
        asked.push(reply.ok()?.permissions("/missing"));
    }
    asked.sort();
    let [all, others @ ..] = &*asked else {
        anyhow::bail!("nobody was asked");
    };
    ensure!(
        all == ALL && others.iter().all(|asked| asked == "contacts"),
        "{asked:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_dead_end_met_by_way_of_the_settings_is_known_to_the_login() -> anyhow::Result<()> {
    let stack = start().await?;
    let (microsoft, person) = (stack.microsoft(), finn(&stack).await?);
    let finn = stack.user("adatum", "finn");
    let calendar = ["calendar"];
    let started = finn.start_grant(&calendar, Some(person)).await?.ok()?;
    let visit = microsoft.visit(authorize_url(&started)?, person, Reaction::Accept);
    ensure!(visit.await? == Visit::Page("AADSTS90094".to_owned()));
    let login = stack.login("adatum");
    let reply = login.through_microsoft("finn", person, 0).await?.ok()?;
    is_decided(
        &reply,
        "prompt",
        "consent_missing",
        "contacts, email (full)",
    )?;
    needs(&reply, "calendar")?;

    // A login that wants nothing else goes on; the settings go on offering it.
    let wants = json!({"calendar": true, "contacts": false, "email": "none"});
    let reply = login.wanting("finn", person, &wants).await?.ok()?;
    is_decided(
        &reply,
        "proceed",
        "administrator_approval_required",
        "calendar",
    )?;
    finn.start_grant(&calendar, Some(person)).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn who_signs_in_elsewhere_in_the_middle_of_consenting_still_finishes() -> anyhow::Result<()> {
    let stack = start().await?;
    let (microsoft, login) = (stack.microsoft(), stack.login("acme"));
    let first = login.through_microsoft("ana", ANA, 0).await?.ok()?;
    is_decided(&first, "prompt", "consent_missing", ALL)?;
    let second = login.through_microsoft("ana", ANA, 0).await?.ok()?;
    is_decided(&second, "prompt", "consent_missing", "contacts")?;

    let landing = microsoft
        .walk(authorize_url(&first)?, ANA, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    // The other tab has nothing left to ask, and takes nothing back.
    let landing = microsoft
        .walk(authorize_url(&second)?, ANA, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    let reply = login.through_microsoft("ana", ANA, 0).await?.ok()?;
    is_decided(&reply, "proceed", "all_effective", "nothing")?;
    ensure!(reply.effective() == ALL, "{}", reply.text);

    // By now the tenant is known to let its users consent: a colleague is asked for all, as often as need be.
    let seen = stack.user("acme", "ana").see("ana").await?.ok()?;
    ensure!(approvals(&seen) == [Some("not_needed"); 3], "{}", seen.text);
    let colleague = assent_dev_stack::actors::BEN;
    for _ in 0..2 {
        let reply = login.through_microsoft("ben", colleague, 0).await?.ok()?;
        is_decided(&reply, "prompt", "consent_missing", ALL)?;
    }
    Ok(())
}

#[tokio::test]
async fn an_attempt_that_ended_otherwise_was_no_dead_end() -> anyhow::Result<()> {
    let stack = start().await?;
    let (person, login) = (finn(&stack).await?, stack.login("adatum"));
    let first = login.through_microsoft("finn", person, 0).await?.ok()?;
    let state = query_value(authorize_url(&first)?, "state")?;
    let callback = format!(
        "{}/callbacks/microsoft/authorize?error=temporarily_unavailable&error_description=AADSTS90033%3A+x&state={state}",
        stack.gateway.url()
    );
    let microsoft = stack.microsoft();
    let landing = microsoft.walk(&callback, person, Reaction::Accept).await?;
    ensure!(landing.outcome == "undetermined", "{landing:?}");
    let again = login.through_microsoft("finn", person, 0).await?.ok()?;
    is_decided(&again, "prompt", "consent_missing", ALL)
}
