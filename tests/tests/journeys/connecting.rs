//! The passage through Microsoft that brings a refresh token: offered at each login until it was used, and to nobody of whom a
//! token is held.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, CONTOSO, OLGA, Reaction, Reply};
use serde_json::json;

use crate::custody::Custody;
use crate::fixture::{admin_consent, start_with};

/// Where the host application's own sign-in at Microsoft comes back to.
const RETURN: &str = "http://127.0.0.1:9/signed-in";

async fn login(stack: &Stack) -> anyhow::Result<Reply> {
    let account = stack.super_admin("acme", "sam").account().await?.ok()?;
    let after = format!("{}/after", stack.host.origin());
    let id_token = stack.microsoft().id_token(ANA, None).await?;
    let body = json!({
        "account_id": "acme", "user_id": "ana", "return_to": after, "at_least": account.number("/sequence"),
        "sign_in": {"provider": "microsoft", "id_token": id_token},
    });
    Ok(stack.login("acme").ask(&body).await?.ok()?)
}

fn offered(answer: &Reply) -> anyhow::Result<String> {
    let url = answer.word("/connect_url");
    Ok(url.with_context(|| answer.text.clone())?.to_owned())
}

#[tokio::test]
async fn a_passage_is_offered_until_it_was_used_and_to_nobody_of_whom_a_token_is_held()
-> anyhow::Result<()> {
    let stack = start_with(|options| {
        options.simulator_arguments = ["--redirect-uri", RETURN].map(str::to_owned).to_vec();
    })
    .await?;
    let custody = Custody::of(&stack).await?;
    let sam = stack.super_admin("acme", "sam");
    admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    let granted = login(&stack).await?.decided("auto_grant")?;
    let first = offered(&granted)?;
    // The grant is an event since, so the address is another one; then it stays.
    let second = offered(&login(&stack).await?)?;
    for _ in 0..3 {
        ensure!(offered(&login(&stack).await?)? == second);
    }
    for used in [&first, &second] {
        // Ana has no session at Microsoft, and no page is shown.
        let landing = stack.microsoft().walk(used, ANA, Reaction::Accept).await?;
        ensure!(landing.outcome == "undetermined", "{landing:?}");
        ensure!(
            landing.address.contains("reason=login_required"),
            "{landing:?}"
        );
        let again = offered(&login(&stack).await?)?;
        ensure!(again != *used, "what was used is offered");
    }
    // She signs in, and the next one passes.
    stack
        .microsoft()
        .sign_in(ANA, "openid profile", RETURN)
        .await?;
    let next = offered(&login(&stack).await?)?;
    let landing = stack.microsoft().walk(&next, ANA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    ensure!(custody.status("ana").await?.held.is_some());
    for _ in 0..2 {
        let answer = login(&stack).await?.decided("proceed")?;
        ensure!(answer.word("/connect_url").is_none(), "{}", answer.text);
    }
    Ok(())
}
