//! What is held is judged by the log, and what Microsoft says of it by its words: nothing of an earlier epoch is of use, whatever
//! a broker missed, and only a consent that is gone is a withdrawal.

use anyhow::{Context, ensure};
use assent_contract::custody::NotKept;
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, CONTOSO, HostService, OLGA, Reaction, Reply};
use serde_json::{Value, json};

use crate::custody::{Custody, connected, put_as_gateway, refresh_token, stored};
use crate::fixture::{admin_consent, eventually, fault, grant, start};

async fn ask(workers: &HostService, user: &str, permission: &str) -> anyhow::Result<Reply> {
    Ok(workers.token("acme", user, permission, &json!({})).await?)
}

/// Microsoft refuses the next refreshes with this number.
async fn refuse(stack: &Stack, number: u32, count: u32) -> anyhow::Result<()> {
    let refusal = json!({"endpoint": "token", "count": count, "refuse": {"code": number}});
    fault(stack, &refusal).await
}

/// A record as a release wrote it that noted no epoch.
fn without_epoch(record: &Value) -> Value {
    let mut older = record.clone();
    if let Some(fields) = older.as_object_mut() {
        fields.remove("epoch");
        fields.remove("confirmed");
    }
    older
}

#[tokio::test]
async fn what_is_of_an_earlier_epoch_is_destroyed_though_no_broker_heard_of_the_change()
-> anyhow::Result<()> {
    let mut stack = start().await?;
    let (custody, workers) = (Custody::of(&stack).await?, stack.token_service(0));
    let ana = stack.user("acme", "ana");
    connected(&stack, &custody, &ana, ANA, &["calendar"]).await?;
    let record = stored(&stack, "ana").await?.context("no record")?;
    ensure!(record.get("epoch") == Some(&json!(0)), "{record}");
    // What an earlier release wrote counts in the first epoch, and is noted as that once it is used.
    let older = without_epoch(&record);
    put_as_gateway(&stack, "ana", &older).await?;
    ask(&workers, "ana", "calendar").await?.ok()?;
    let record = stored(&stack, "ana").await?.context("no record")?;
    ensure!(record.get("epoch") == Some(&json!(0)), "{record}");

    for (what, record) in [("with its epoch", record), ("without", older)] {
        // While no broker runs the method changes, and the same mailbox is granted the same again.
        put_as_gateway(&stack, "ana", &record).await?;
        stack.token_brokers.first_mut().context("no broker")?.kill();
        let sam = stack.super_admin("acme", "sam");
        admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
        let login = stack.login("acme").through_microsoft("ana", ANA, 0).await?;
        let granted = login.ok()?.number("/sequence");
        ensure!(granted.is_some());
        let broker = stack.token_brokers.first_mut().context("no broker")?;
        broker.restart().await?;
        let at_least = json!({"at_least": granted});
        workers
            .token("acme", "ana", "calendar", &at_least)
            .await?
            .refused(409, "no_refresh_token")
            .with_context(|| what.to_owned())?;
        ensure!(stored(&stack, "ana").await?.is_none(), "{what}: it is kept");
        ensure!(custody.status("ana").await?.held.is_none(), "{what}");
        // One that comes with this epoch's grant is taken, and used.
        let token = refresh_token(&stack, ANA).await?;
        ensure!(
            custody.deposit("ana", ANA, &token, granted).await?,
            "{what}"
        );
        workers
            .token("acme", "ana", "calendar", &at_least)
            .await?
            .ok()?;
        let record = stored(&stack, "ana").await?.context("no record")?;
        ensure!(record.get("epoch") != Some(&json!(0)), "{what}: {record}");
    }
    Ok(())
}

/// A consent that Microsoft does not know everywhere yet is no withdrawal; once Microsoft has said yes, its no is one.
#[tokio::test]
async fn a_fresh_consent_is_asked_about_again_before_it_is_believed_to_be_gone()
-> anyhow::Result<()> {
    let stack = start().await?;
    let (custody, workers) = (Custody::of(&stack).await?, stack.token_service(0));
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar", "contacts"]).await?;
    eventually("the consent's token is held", async || {
        Ok(custody.status("ana").await?.held.is_some())
    })
    .await?;
    refuse(&stack, 65001, 2).await?;
    ask(&workers, "ana", "contacts").await?.ok()?;
    ensure!(ana.see("ana").await?.ok()?.effective() == "calendar, contacts");

    refuse(&stack, 65001, 1).await?;
    ask(&workers, "ana", "calendar")
        .await?
        .refused(409, "consent_withdrawn")?;
    ana.see("ana").await?.ok()?.with_effective("contacts")?;

    // What is gone from the start is found to be gone by whoever asks first.
    let ben = stack.user("acme", "ben");
    grant(&stack, &ben, ANA, &["contacts"]).await?;
    eventually("the consent's token is held", async || {
        Ok(custody.status("ben").await?.held.is_some())
    })
    .await?;
    refuse(&stack, 65001, 3).await?;
    ask(&workers, "ben", "contacts")
        .await?
        .refused(409, "consent_withdrawn")?;
    ben.see("ben").await?.ok()?.with_effective("nothing")?;
    Ok(())
}

#[tokio::test]
async fn each_number_of_microsofts_ends_what_it_is_said_of() -> anyhow::Result<()> {
    let stack = start().await?;
    let (custody, workers) = (Custody::of(&stack).await?, stack.token_service(0));
    let both = "calendar, contacts";
    for (number, code, left) in [
        (65001, "consent_withdrawn", "calendar"),
        (700_016, "consent_withdrawn", "nothing"),
        (7_000_112, "consent_withdrawn", "nothing"),
        (500_011, "consent_withdrawn", "nothing"),
        (650_052, "consent_withdrawn", "nothing"),
        (50173, "reauthentication_required", both),
        (70043, "reauthentication_required", both),
        (700_082, "reauthentication_required", both),
        (50057, "reauthentication_required", both),
        (53003, "reauthentication_required", both),
        (50105, "reauthentication_required", both),
        (7_000_222, "microsoft_unavailable", both),
    ] {
        let name = format!("user-{number}");
        let user = stack.user("acme", &name);
        connected(&stack, &custody, &user, ANA, &["calendar", "contacts"]).await?;
        // Microsoft says yes once, so that its no is no matter of a consent that has not spread.
        ask(&workers, &name, "calendar").await?.ok()?;
        refuse(&stack, number, 1).await?;
        let refused = ask(&workers, &name, "contacts").await?;
        ensure!(
            refused.word("/code") == Some(code),
            "{number}: {}",
            refused.text
        );
        let seen = user.see(&name).await?.ok()?;
        ensure!(seen.effective() == left, "{number}: {}", seen.text);
    }
    Ok(())
}

/// What we are at fault for, or Microsoft, disturbs no login.
#[tokio::test]
async fn a_deposit_that_fails_says_why_and_the_login_goes_on() -> anyhow::Result<()> {
    let stack = start().await?;
    let custody = Custody::of(&stack).await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["contacts"]).await?;
    eventually("the consent's token is held", async || {
        Ok(custody.status("ana").await?.held.is_some())
    })
    .await?;
    put_as_gateway(&stack, "ana", &json!("no record")).await?;
    let token = refresh_token(&stack, ANA).await?;
    let away = json!({"endpoint": "token", "status": 503, "body": {}});
    let refusal = |number: u32| json!({"endpoint": "token", "refuse": {"code": number}});
    for (trouble, why) in [
        (refusal(7_000_222), NotKept::Misconfigured),
        (refusal(70000), NotKept::Refused),
        (refusal(50173), NotKept::Refused),
        (away, NotKept::MicrosoftUnavailable),
    ] {
        fault(&stack, &trouble).await?;
        let deposited = custody.deposited("ana", ANA, &token, None).await?;
        ensure!(!deposited.kept, "{trouble}");
        ensure!(deposited.reason == Some(why), "{trouble}: {deposited:?}");
    }
    fault(&stack, &refusal(7_000_222)).await?;
    let id_token = stack.microsoft().id_token(ANA, None).await?;
    let sign_in =
        json!({"provider": "microsoft", "id_token": id_token, "refresh_token": token.as_str()});
    let body = json!({
        "account_id": "acme", "user_id": "ana", "sign_in": sign_in,
        "wants": {"calendar": false, "contacts": true, "email": "none"},
    });
    let answer = stack.login("acme").ask(&body).await?.decided("proceed")?;
    ensure!(
        answer.value("/degraded") == &json!(false),
        "{}",
        answer.text
    );
    ensure!(answer.effective() == "contacts");
    Ok(())
}
