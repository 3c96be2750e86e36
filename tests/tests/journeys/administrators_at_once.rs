//! Administrators who decide while somebody else does: each page counts only for what its reader saw.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{CONTOSO, OLGA, Reaction};
use futures::future::join_all;
use serde_json::json;

use crate::administrator_page::{Waiting, is_a_page, sent_to, waiting};
use crate::fixture::{
    admin_consent, authorize_url, company_history, ended, flow_is, last_sequence, log, query_value,
    selection, start,
};

/// Two administrators, each at a page of their own, and both at once.
#[tokio::test]
async fn of_two_administrators_at_once_one_decides_and_the_other_is_told() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let (sam, sue) = (
        stack.super_admin("acme", "sam"),
        stack.super_admin("acme", "sue"),
    );
    let mut pages = [waiting(&stack, &sam).await?, waiting(&stack, &sue).await?];
    let flows = pages.each_ref().map(|page| page.flow.clone());

    let sent = join_all(pages.iter_mut().map(Waiting::confirm)).await;

    let mut completed = 0;
    for (sent, (by, flow)) in sent.into_iter().zip([&sam, &sue].into_iter().zip(&flows)) {
        let sent = sent?;
        let outcome = if sent.status == 303 {
            query_value(sent_to(&sent)?, "outcome")?
        } else {
            is_a_page(&sent, 410, "has expired")?;
            "expired".to_owned()
        };
        if outcome == "completed" {
            completed += 1;
            flow_is(by, flow, "completed", None).await?;
        } else {
            ensure!(outcome == "expired", "{outcome}");
            flow_is(by, flow, "expired", Some("flow_expired")).await?;
        }
    }
    ensure!(completed == 1, "{completed} of two were recorded");
    ensure!(company_history(&log, "acme").await?.events().len() == 2);
    Ok(())
}

/// What the flow stood on is gone while the page lies open: by an administrator's other decision, or there and back.
#[tokio::test]
async fn a_company_that_moved_on_meanwhile_is_decided_for_by_nobody_who_did_not_see_it()
-> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let (sam, kim) = (
        stack.super_admin("acme", "sam"),
        stack.super_admin("acme", "kim"),
    );
    // One at the page, one at Microsoft, one before the second callback, and a link.
    let mut at_the_page = waiting(&stack, &sam).await?;
    let at_microsoft = sam
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    let link = |purpose: &str| {
        json!({"purpose": purpose,
            "permissions": {"calendar": true, "contacts": false, "email": "limited"}})
    };
    let mut links = Vec::new();
    for purpose in ["administrator_consent", "approval"] {
        links.push(sam.make_hand_off(&link(purpose)).await?.ok()?);
    }
    let followed = links.first().and_then(|made| made.word("/url"));
    let followed = stack
        .microsoft()
        .follow_hand_off(followed.context("no link")?)
        .await?;
    let mut by_the_link = Waiting::at(&stack, sent_to(&followed)?).await?;

    let landing = admin_consent(&stack, &kim, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    ended(&kim, &landing, "completed", None).await?;
    kim.set_method("user_individual", "full").await?.ok()?;
    let before = last_sequence(&log).await?;

    for waiting in [&mut at_the_page, &mut by_the_link] {
        flow_is(&sam, &waiting.flow, "expired", Some("flow_expired")).await?;
        is_a_page(&waiting.confirm().await?, 410, "has expired")?;
        let looked = waiting.browser.get(&waiting.address).await?;
        is_a_page(&looked, 410, "settings were changed meanwhile")?;
        ensure!(looked.text.contains("outcome=expired"), "{}", looked.text);
    }
    let mut browser = stack.microsoft().new_browser();
    let walked = stack
        .microsoft()
        .walk_up_to_us(
            &mut browser,
            authorize_url(&at_microsoft)?,
            OLGA,
            Reaction::Accept,
        )
        .await?;
    ensure!(query_value(&walked, "outcome")? == "expired", "{walked}");
    let flow = at_microsoft.word("/flow_id").context("no flow")?;
    flow_is(&sam, flow, "expired", Some("flow_expired")).await?;
    for made in &links {
        let (url, id) = made
            .word("/url")
            .zip(made.word("/hand_off_id"))
            .context("no link")?;
        let mut browser = stack.microsoft().new_browser();
        is_a_page(&browser.get(url).await?, 410, "changed its settings since")?;
        let shown = sam.hand_off(id).await?.ok()?;
        ensure!(
            shown.word("/state") == Some("expired") && shown.word("/code") == Some("flow_expired"),
            "{}",
            shown.text
        );
        let followed = stack.microsoft().follow_hand_off(url).await?;
        is_a_page(&followed, 410, "changed its settings since")?;
    }
    ensure!(
        last_sequence(&log).await? == before,
        "something was recorded"
    );

    // E-mail sync is no epoch.
    kim.set_method("user_individual", "limited").await?.ok()?;
    kim.set_method("user_individual", "full").await?.ok()?;
    let mut still_good = waiting(&stack, &sam).await?;
    kim.set_method("user_individual", "limited").await?.ok()?;
    let refused = still_good.confirm().await?;
    let landed = sent_to(&refused)?;
    ensure!(
        query_value(landed, "reason")? == "full_sync_required",
        "{landed}"
    );
    Ok(())
}

#[tokio::test]
async fn a_link_that_is_cancelled_while_the_page_lies_open_records_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let sam = stack.super_admin("acme", "sam");
    for purpose in ["administrator_consent", "approval"] {
        let asked = json!({"purpose": purpose,
            "permissions": {"calendar": true, "contacts": false, "email": "limited"}});
        let made = sam.make_hand_off(&asked).await?.ok()?;
        let (url, id) = made
            .word("/url")
            .zip(made.word("/hand_off_id"))
            .context("no link")?;
        let followed = stack.microsoft().follow_hand_off(url).await?;
        let mut waiting = Waiting::at(&stack, sent_to(&followed)?).await?;
        let says = if purpose == "approval" {
            "each user still\n      decides"
        } else {
            "authorization method changes for everybody"
        };
        is_a_page(&waiting.page, 200, says)?;
        flow_is(&sam, &waiting.flow, "awaiting_confirmation", None).await?;
        sam.cancel_hand_off(id).await?.ok()?;

        let sent = waiting.confirm().await?;

        let landed = sent_to(&sent)?;
        ensure!(
            query_value(landed, "reason")? == "hand_off_closed"
                && landed.contains("/hand-off-outcome"),
            "{landed}"
        );
        sam.hand_off(id)
            .await?
            .ok()?
            .with_text("/state", "cancelled")?;
    }
    ensure!(last_sequence(&log).await? == 0, "something was recorded");
    Ok(())
}
