//! Where we send browsers: never to a consent screen that has been answered already, and always with proofs of our own.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, OLGA, Reaction, Visit};
use serde_json::json;

use crate::fixture::{authorize_url, grant, selection, start};

/// The parameters of an address at Microsoft.
fn parameters(address: &str) -> anyhow::Result<(String, HashMap<String, String>)> {
    let url = reqwest::Url::parse(address)?;
    Ok((
        url.path().to_owned(),
        url.query_pairs().into_owned().collect(),
    ))
}

#[tokio::test]
async fn every_redirect_to_microsoft_is_ours_and_none_asks_again() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    let mut addresses = Vec::new();

    // A user's own consent: the first, one more, and the same again after a revocation.
    for permissions in [&["calendar"][..], &["contacts", "email"], &["calendar"]] {
        let started = ana.start_grant(permissions, Some(ANA)).await?.ok()?;
        addresses.push(authorize_url(&started)?.to_owned());
        grant(&stack, &ana, ANA, permissions).await?;
        ana.revoke("calendar").await?.ok()?;
    }
    // A login's prompt, with and without a sign-in through Microsoft.
    let login = stack.login("acme");
    for reply in [
        login.through_microsoft("new", ANA, 0).await?.ok()?,
        login.with_password("newer", 0).await?.ok()?,
    ] {
        addresses.push(authorize_url(&reply)?.to_owned());
    }
    // A link, and the administrator's two steps, twice: the second time everything has been consented to.
    let link = json!({"purpose": "administrator_consent",
        "permissions": {"calendar": true, "contacts": false, "email": "limited"}});
    for _ in 0..2 {
        let made = sam.make_hand_off(&link).await?.ok()?;
        let followed = microsoft
            .follow_hand_off(made.word("/url").context("no link")?)
            .await?;
        addresses.push(followed.header("location").context("no way on")?.to_owned());
        let started = sam.start_admin_consent(&selection(None)).await?.ok()?;
        let first = authorize_url(&started)?.to_owned();
        let Visit::Redirect(back) = microsoft.visit(&first, OLGA, Reaction::Accept).await? else {
            anyhow::bail!("stopped at {first}");
        };
        let on = microsoft.open(&back).await?;
        let second = on.header("location").context("no way on")?.to_owned();
        let landing = microsoft.walk(&second, OLGA, Reaction::Accept).await?;
        ensure!(landing.outcome == "completed", "{landing:?}");
        addresses.extend([first, second]);
    }

    let mut states = std::collections::HashSet::new();
    ensure!(addresses.len() == 11, "{addresses:?}");
    let mut asked_which_account = 0;
    for address in &addresses {
        let (path, query) = parameters(address)?;
        // Of all these only one could be anybody: a first login without Microsoft.
        if let Some(prompt) = query.get("prompt") {
            ensure!(prompt == "select_account", "{address}");
            ensure!(path.starts_with("/organizations/"), "{address}");
            asked_which_account += 1;
        }
        ensure!(address.starts_with(&stack.simulator.url()), "{address}");
        let state = query.get("state").context("no state")?;
        ensure!(
            state.len() > 40 && states.insert(state.clone()),
            "{address}"
        );
        let redirect = query.get("redirect_uri").context("no redirect_uri")?;
        ensure!(redirect.starts_with(&stack.gateway.url()), "{address}");
        if path.ends_with("/authorize") {
            ensure!(
                query
                    .get("code_challenge_method")
                    .is_some_and(|method| method == "S256")
                    && query.contains_key("nonce")
                    && query
                        .get("response_type")
                        .is_some_and(|kind| kind == "code"),
                "{address}"
            );
        } else {
            ensure!(
                path.ends_with("/v2.0/adminconsent") && !path.contains("/common/"),
                "{address}"
            );
        }
    }
    ensure!(asked_which_account == 1, "{addresses:?}");
    Ok(())
}
