//! An administrator has accepted, and not all of Microsoft knows it yet: the browser is led through Microsoft's sign-in page
//! again, a few times and no more, and then the person is told to wait a minute.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{CONTOSO, HostUser, Landing, OLGA, Person, Reaction};
use assent_dev_stack::{SIMULATOR_CLIENT_ID, Stack};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{
    admin_consent, authorize_url, calls, company_history, ended, eventually, fault, last_sequence,
    log, query_value, selection, start,
};

const ASKED_AGAIN: &str = "Microsoft is asked again";

async fn control(stack: &Stack, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
    let answer = stack.microsoft().control(method, path, Some(body)).await?;
    Ok(answer.body)
}

async fn refuse(stack: &Stack, endpoint: &str, count: u32, refuse: &Value) -> anyhow::Result<()> {
    fault(
        stack,
        &json!({"endpoint": endpoint, "count": count, "refuse": refuse}),
    )
    .await
}

fn asked_again(stack: &Stack) -> usize {
    stack.gateway.log_text().matches(ASKED_AGAIN).count()
}

#[tokio::test]
async fn microsoft_is_asked_again_until_it_knows() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    for (number, (endpoint, count, words)) in [
        ("token", 1, json!({"code": 65001})),
        ("token", 2, json!({"code": 65001, "shape": "documented"})),
        ("token", 1, json!({"code": 90008, "error": "invalid_grant"})),
        (
            "token",
            1,
            json!({"code": 65001, "error": "interaction_required", "suberror": "consent_required"}),
        ),
        ("authorize", 2, json!({"code": 65001})),
        (
            "authorize",
            1,
            json!({"code": 65001, "error": "access_denied"}),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let account = format!("acme-{number}");
        let sam = stack.super_admin(&account, "sam");
        let before = asked_again(&stack);
        refuse(&stack, endpoint, count, &words).await?;
        let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
        ended(&sam, &landing, "completed", None)
            .await
            .with_context(|| format!("{endpoint} {count} {words}"))?;
        ensure!(asked_again(&stack) - before == usize::try_from(count)?);
        let history = company_history(&log, &account).await?;
        ensure!(history.events().len() == 2, "{:?}", history.events());
    }
    Ok(())
}

#[tokio::test]
async fn what_is_granted_a_moment_later_is_enough() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let tenant = format!("tenants/{CONTOSO}");
    let withheld = json!({"withheld_scopes": ["Mail.Send"]});
    control(&stack, Method::PATCH, &tenant, &withheld).await?;
    let spreading = async {
        eventually("Microsoft is asked again", async || {
            Ok(asked_again(&stack) == 1)
        })
        .await?;
        let arrived = json!({"withheld_scopes": []});
        control(&stack, Method::PATCH, &tenant, &arrived).await?;
        let grant = json!({"tenant": CONTOSO, "client_id": SIMULATOR_CLIENT_ID,
            "scopes": ["Calendars.ReadWrite", "Mail.Send", "User.Read"]});
        control(&stack, Method::POST, "grants", &grant).await
    };
    let consents = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept);
    let (landing, has_spread) = tokio::join!(consents, spreading);
    has_spread?;
    ended(&sam, &landing?, "completed", None).await?;
    ensure!(asked_again(&stack) == 1);
    Ok(())
}

/// Two further tries, and a sentence that says to wait. Nothing is recorded, nobody is alarmed.
async fn is_told_to_wait(
    stack: &Stack,
    sam: &HostUser,
    landing: &Landing,
    (state, code): (&str, &str),
) -> anyhow::Result<()> {
    ended(sam, landing, state, Some(code)).await?;
    let flow = sam.flow(&landing.flow).await?.ok()?;
    let detail = flow.word("/detail").unwrap_or_default();
    ensure!(detail.to_lowercase().contains("wait a minute"), "{detail}");
    ensure!(!stack.gateway.log_text().contains("operator_alarm"));
    Ok(())
}

#[tokio::test]
async fn after_two_further_tries_the_person_is_told_to_wait() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let sam = stack.super_admin("acme", "sam");
    for endpoint in ["token", "authorize"] {
        let before = calls(&stack, endpoint).await?;
        refuse(&stack, endpoint, 9, &json!({"code": 65001})).await?;
        let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
        is_told_to_wait(
            &stack,
            &sam,
            &landing,
            ("undetermined", "consent_not_yet_effective"),
        )
        .await?;
        ensure!(
            calls(&stack, endpoint).await? - before == 3,
            "not three tries"
        );
        control(&stack, Method::DELETE, "faults", &json!({})).await?;
    }
    let withheld = |scopes: &[&str]| json!({"withheld_scopes": scopes});
    let tenant = format!("tenants/{CONTOSO}");
    control(&stack, Method::PATCH, &tenant, &withheld(&["Mail.Send"])).await?;
    control(&stack, Method::DELETE, "grants", &json!({})).await?;
    let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    is_told_to_wait(&stack, &sam, &landing, ("refused", "scopes_missing")).await?;
    ensure!(last_sequence(&log).await? == 0, "something was recorded");

    control(&stack, Method::PATCH, &tenant, &withheld(&[])).await?;
    let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await
}

#[tokio::test]
async fn an_approval_behind_a_link_is_asked_about_again_as_well() -> anyhow::Result<()> {
    let stack = start().await?;
    let dana = stack.user("acme", "dana");
    let asked = json!({"purpose": "approval",
        "permissions": {"calendar": true, "contacts": false, "email": "limited"}});
    let link = dana.make_hand_off(&asked).await?.ok()?;
    let url = link.word("/url").context("no link")?;
    let id = link.word("/hand_off_id").context("no id")?;
    refuse(&stack, "token", 2, &json!({"code": 65001})).await?;
    let opened = stack.microsoft().follow_hand_off(url).await?;
    let on = opened
        .header("location")
        .context("the link leads nowhere")?;
    stack.microsoft().walk(on, OLGA, Reaction::Accept).await?;
    dana.hand_off(id)
        .await?
        .ok()?
        .with_text("/state", "completed")?;
    Ok(())
}

/// Up to the callback that brings a code.
async fn second_callback(stack: &Stack, sam: &HostUser, person: Person) -> anyhow::Result<String> {
    let started = sam
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    let mut browser = stack.microsoft().new_browser();
    let mut address = authorize_url(&started)?.to_owned();
    while !address.contains("/callbacks/microsoft/authorize") {
        address = if address.contains("/callbacks/microsoft/") {
            let sent_on = browser.get(&address).await?;
            sent_on
                .header("location")
                .context("not sent on")?
                .to_owned()
        } else {
            let visit = stack
                .microsoft()
                .visit(&address, person, Reaction::Accept)
                .await?;
            let assent_dev_stack::actors::Visit::Redirect(back) = visit else {
                anyhow::bail!("{visit:?}");
            };
            back
        };
    }
    Ok(address)
}

/// Each try is a new question: what answered an earlier one answers no later one.
#[tokio::test]
async fn each_try_has_a_state_a_nonce_and_a_challenge_of_its_own() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let callback = second_callback(&stack, &sam, OLGA).await?;
    refuse(&stack, "token", 1, &json!({"code": 65001})).await?;
    let sent_on = stack.microsoft().open(&callback).await?;
    let on = sent_on.header("location").context("not sent on")?;
    ensure!(
        on.contains(&format!("/{CONTOSO}/oauth2/v2.0/authorize")),
        "{on}"
    );
    ensure!(!on.contains("prompt="), "{on}");
    ensure!(query_value(on, "state")? != query_value(&callback, "state")?);
    let visit = stack.microsoft().visit(on, OLGA, Reaction::Accept).await?;
    let assent_dev_stack::actors::Visit::Redirect(back) = visit else {
        anyhow::bail!("{visit:?}");
    };
    // The new code with the old state, and the other way round.
    let gateway = stack.gateway.url();
    let mixed = |state: &str, code: &str| -> anyhow::Result<String> {
        let (state, code) = (query_value(state, "state")?, query_value(code, "code")?);
        Ok(format!(
            "{gateway}/callbacks/microsoft/authorize?code={code}&state={state}"
        ))
    };
    let stale = stack.microsoft().open(&mixed(&callback, &back)?).await?;
    let landed = stale.header("location").unwrap_or_default();
    ensure!(
        !landed.contains("completed") && !landed.contains("/administrator-confirmation/"),
        "{landed}"
    );
    // This one takes the flow, and the code was not asked for with its challenge.
    let spent = stack.microsoft().open(&mixed(&back, &callback)?).await?;
    let landed = spent.header("location").unwrap_or_default();
    ensure!(
        !landed.contains("completed") && !landed.contains("/administrator-confirmation/"),
        "{landed}"
    );
    ensure!(
        last_sequence(&log(&stack).await?).await? == 0,
        "something was recorded"
    );
    Ok(())
}
