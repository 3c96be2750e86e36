//! What every customer does, one step after another. No step may be degraded: each asks another
//! service, and all of them are there.

use std::time::Duration;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, BEN, Landing, OLGA, Person, Reaction, Reply};
use assent_dev_stack::{NatsUser, Stack};
use assent_messaging::{Connection, ConnectionSettings};
use serde_json::{Value, json};

const EVERYTHING: &str = "calendar, contacts, email (full)";
const PATIENCE: Duration = Duration::from_secs(5);

/// An answer of the login hook.
pub(crate) struct Login(Reply);

impl Login {
    /// Signs in through Microsoft.
    pub(crate) async fn of(
        stack: &Stack,
        account: &str,
        user: &str,
        person: Person,
    ) -> anyhow::Result<Self> {
        let at_least = stack.super_admin(account, "sam").see(user).await?.ok()?;
        let login = stack.login(account);
        let answer = login.through_microsoft(user, person, at_least.sequence());
        let answer = answer.await?.ok()?;
        ensure!(
            answer.value("/degraded") == &json!(false),
            "{}",
            answer.text
        );
        Ok(Self(answer))
    }

    fn expect(&self, decision: &str, reason: &str, effective: &str) -> anyhow::Result<()> {
        let answer = &self.0;
        let decided = (answer.word("/decision"), answer.word("/reason"));
        ensure!(
            decided == (Some(decision), Some(reason)) && answer.effective() == effective,
            "{}, expected {decision}, {reason}, {effective}",
            answer.text
        );
        Ok(())
    }

    /// Where the user is sent to be asked.
    pub(crate) fn prompted(&self) -> anyhow::Result<String> {
        self.expect("prompt", "consent_missing", "nothing")?;
        let url = self.0.word("/authorize_url").context("no authorize_url")?;
        Ok(url.to_owned())
    }
}

/// The flow was completed.
pub(crate) fn landed(landing: &Landing) -> anyhow::Result<()> {
    ensure!(landing.outcome == "completed", "{landing:?}");
    Ok(())
}

/// Ana is prompted, grants and takes something back; then Olga consents for everybody of the account,
/// and Ben is granted what he wants at his login. Everybody who may ask is told the same.
pub(crate) async fn story(stack: &Stack, account: &str) -> anyhow::Result<()> {
    let ana = stack.user(account, "ana");
    let url = Login::of(stack, account, "ana", ANA).await?.prompted()?;
    landed(&stack.microsoft().walk(&url, ANA, Reaction::Accept).await?)?;
    let login = Login::of(stack, account, "ana", ANA).await?;
    login.expect("proceed", "all_effective", EVERYTHING)?;

    ana.revoke("calendar").await?.ok()?;
    let login = Login::of(stack, account, "ana", ANA).await?;
    login.expect("proceed", "already_answered", "contacts, email (full)")?;
    let revoked = ana.see("ana").await?.ok()?.sequence();
    everybody_is_told(stack, account, "ana", revoked, "contacts, email (full)").await?;

    let sam = stack.super_admin(account, "sam");
    let everything = json!({
        "administrator_confirmed": true, "tenant": "contoso.example",
        "permissions": {"calendar": true, "contacts": true, "email": "full"},
    });
    let started = sam.start_admin_consent(&everything).await?.ok()?;
    let url = started.word("/authorize_url").context("no authorize_url")?;
    landed(&stack.microsoft().walk(url, OLGA, Reaction::Accept).await?)?;
    let consented = sam.account().await?.ok()?.sequence();
    everybody_is_told(stack, account, "ana", consented, "nothing").await?;

    let login = Login::of(stack, account, "ben", BEN).await?;
    login.expect("auto_grant", "administrator_consented", EVERYTHING)?;
    let login = Login::of(stack, account, "ben", BEN).await?;
    login.expect("proceed", "all_effective", EVERYTHING)?;
    let granted = sam.see("ben").await?.ok()?.sequence();
    everybody_is_told(stack, account, "ben", granted, EVERYTHING).await
}

/// The same over HTTP and NATS, of each query; and by `consentctl`, which is of today.
async fn everybody_is_told(
    stack: &Stack,
    account: &str,
    user: &str,
    at_least: u64,
    effective: &str,
) -> anyhow::Result<()> {
    for number in 0..stack.projections.len() {
        let service = stack.service(number);
        let seen = service.permissions(account, user, at_least).await?.ok()?;
        ensure!(seen.effective() == effective, "{}", seen.text);
    }
    let (name, password) = stack.nats().credentials(NatsUser::SyncWorker);
    let settings = ConnectionSettings::new(stack.nats().url(), "upgrade").with_user(name, password);
    let connection = Connection::connect(settings).await?;
    let ask = async |query: &str, question: Value| -> anyhow::Result<Value> {
        let subject = format!("consent.query.v1.{query}");
        let question = serde_json::to_vec(&question)?;
        let answer = connection.request(&subject, question, None, PATIENCE).await;
        Ok(serde_json::from_slice(&answer.with_context(|| subject)?)?)
    };
    let of_user = json!({"account_id": account, "user_id": user, "at_least": at_least});
    let of_account = json!({"account_id": account, "at_least": at_least});
    let permissions = ask("permissions", of_user).await?["effective"].clone();
    let users = ask("users", of_account.clone()).await?;
    let entries = users["users"].as_array().context("no users")?;
    let entry = entries.iter().find(|entry| entry["user_id"] == user);
    let entry = entry.context("the user is not among the users")?;
    ensure!(entry["effective"] == permissions, "{entry}, {permissions}");
    let state = ask("account", of_account).await?;
    ensure!(state["blocked"] == json!(false), "{state}");
    let changes = ask("changes", json!({"account_id": account})).await?;
    let changes = changes["changes"].as_array().context("no changes")?;
    let change = changes.iter().find(|change| change["user_id"] == user);
    let change = change.context("the user is not among the changes")?;
    ensure!(
        change["effective"] == permissions,
        "{change}, {permissions}"
    );
    for arguments in [
        &["account", account][..],
        &["explain", account, user],
        &["doctor"],
    ] {
        let output = stack.consentctl(arguments).await?;
        ensure!(output.status.success(), "{arguments:?}: {output:?}");
    }
    Ok(())
}
