//! Fixtures of the journeys: a stack, the log behind it, and the usual first steps.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use assent_dev_stack::actors::{HostUser, Landing, Person, Reaction, Reply, Visit};
use assent_dev_stack::{NatsUser, Program, Stack, StackOptions, wait_for};
use assent_domain::account::AccountState;
use assent_domain::effective::effective;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::user::UserState;
use assent_event_log::{EventLog, History};
use assent_messaging::{Connection, ConnectionSettings};
use reqwest::Method;
use serde_json::{Value, json};

/// How long something may take to come about. Long: machines are slow, and a failure is rare.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that an ID token can be wrong in.
pub(crate) const FORGERIES: [&str; 12] = [
    "wrong_audience",
    "wrong_issuer",
    "wrong_nonce",
    "wrong_tenant",
    "expired",
    "not_yet_valid",
    "other_key",
    "unknown_kid",
    "consumer_key",
    "alg_none",
    "hs256_with_public_key",
    "tampered",
];

pub(crate) async fn start() -> anyhow::Result<Stack> {
    Ok(Stack::start(StackOptions::default()).await?)
}

/// A stack that is not quite the usual one.
pub(crate) async fn start_with(shape: impl FnOnce(&mut StackOptions)) -> anyhow::Result<Stack> {
    let mut options = StackOptions::default();
    shape(&mut options);
    Ok(Stack::start(options).await?)
}

/// A connection to the stack's NATS as one of its users.
pub(crate) async fn connect(stack: &Stack, user: NatsUser) -> anyhow::Result<Connection> {
    let (name, password) = stack.nats().credentials(user);
    let settings =
        ConnectionSettings::new(stack.nats().urls(), "journey").with_user(name, password);
    Ok(Connection::connect(settings).await?)
}

/// The log, as an operator reads it.
pub(crate) async fn log(stack: &Stack) -> anyhow::Result<EventLog> {
    let connection = connect(stack, NatsUser::Operator).await?;
    Ok(EventLog::open(&connection).await?)
}

pub(crate) async fn last_sequence(log: &EventLog) -> anyhow::Result<u64> {
    Ok(log.status().await?.last_sequence.0)
}

pub(crate) async fn company_history(log: &EventLog, account: &str) -> anyhow::Result<Arc<History>> {
    let aggregate = Aggregate::Account(AccountId::parse(account)?);
    Ok(log.read(&aggregate).await?)
}

pub(crate) async fn user_history(
    log: &EventLog,
    account: &str,
    user: &str,
) -> anyhow::Result<Arc<History>> {
    let aggregate = Aggregate::User(AccountId::parse(account)?, UserId::parse(user)?);
    Ok(log.read(&aggregate).await?)
}

/// What is effective by the log alone: every event folded, the chain of hashes checked on the way.
pub(crate) async fn effective_by_the_log(
    log: &EventLog,
    account: &str,
    user: &str,
) -> anyhow::Result<Value> {
    let of_user = user_history(log, account, user).await?;
    let of_company = company_history(log, account).await?;
    let mut company_state = AccountState::default();
    for event in of_company.events() {
        company_state = company_state.evolve(event.sequence, &event.decoded.event)?;
    }
    let mut user_state = UserState::default();
    for event in of_user.events() {
        user_state = user_state.evolve(event.sequence, &event.decoded.event)?;
    }
    let set: assent_contract::values::PermissionSet = effective(&company_state, &user_state).into();
    Ok(serde_json::to_value(set)?)
}

/// What an administrator is asked for.
pub(crate) fn selection(tenant: Option<&str>) -> Value {
    let mut body = json!({
        "administrator_confirmed": true,
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
    });
    if let (Some(tenant), Some(fields)) = (tenant, body.as_object_mut()) {
        fields.insert("tenant".to_owned(), json!(tenant));
    }
    body
}

/// Where a started flow sends the browser.
pub(crate) fn authorize_url(reply: &Reply) -> anyhow::Result<&str> {
    reply
        .word("/authorize_url")
        .with_context(|| reply.unexpected("an authorize_url").to_string())
}

/// A Super Admin starts an administrator consent, and `person` reacts to it at Microsoft.
pub(crate) async fn admin_consent(
    stack: &Stack,
    sam: &HostUser,
    tenant: Option<&str>,
    person: Person,
    reaction: Reaction<'_>,
) -> anyhow::Result<Landing> {
    let started = sam.start_admin_consent(&selection(tenant)).await?.ok()?;
    let url = authorize_url(&started)?;
    Ok(stack.microsoft().walk(url, person, reaction).await?)
}

/// A user grants permissions as `person`, whom the host application knows them to be.
pub(crate) async fn grant(
    stack: &Stack,
    user: &HostUser,
    person: Person,
    permissions: &[&str],
) -> anyhow::Result<()> {
    let started = user.start_grant(permissions, Some(person)).await?.ok()?;
    let url = authorize_url(&started)?;
    let landing = stack
        .microsoft()
        .walk(url, person, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    Ok(())
}

/// The browser is back with this outcome, and whoever began the flow is told the same.
pub(crate) async fn ended(
    by: &HostUser,
    landing: &Landing,
    state: &str,
    code: Option<&str>,
) -> anyhow::Result<()> {
    ensure!(landing.outcome == state, "{landing:?}, expected {state}");
    flow_is(by, &landing.flow, state, code).await
}

/// The flow is in this state, with this code.
pub(crate) async fn flow_is(
    by: &HostUser,
    flow: &str,
    state: &str,
    code: Option<&str>,
) -> anyhow::Result<()> {
    let flow = by.flow(flow).await?.ok()?;
    ensure!(
        (flow.word("/state"), flow.word("/code")) == (Some(state), code),
        "{}, expected {state} {code:?}",
        flow.text
    );
    Ok(())
}

/// Where Microsoft sends the browser of somebody back to who accepts at `url`.
pub(crate) async fn sent_back(stack: &Stack, url: &str, person: Person) -> anyhow::Result<String> {
    let microsoft = stack.microsoft();
    match microsoft.visit(url, person, Reaction::Accept).await? {
        Visit::Redirect(address) => Ok(address),
        Visit::Page(code) => bail!("stopped at {code}"),
    }
}

/// Has an endpoint of Microsoft's answer otherwise; `fault` names it.
pub(crate) async fn fault(stack: &Stack, fault: &Value) -> anyhow::Result<()> {
    let microsoft = stack.microsoft();
    microsoft
        .control(Method::POST, "faults", Some(fault))
        .await?;
    Ok(())
}

/// How often an endpoint of Microsoft's was called.
pub(crate) async fn calls(stack: &Stack, endpoint: &str) -> anyhow::Result<u64> {
    let microsoft = stack.microsoft();
    let calls = microsoft.control(Method::GET, "calls", None).await?;
    Ok(calls.number(&format!("/{endpoint}")).unwrap_or_default())
}

/// What a program says of itself at `/readyz`: the status, and the body.
pub(crate) async fn readiness(program: &Program) -> anyhow::Result<(u16, Value)> {
    let reply = reqwest::get(format!("{}/readyz", program.url())).await?;
    let status = reply.status().as_u16();
    Ok((status, serde_json::from_str(&reply.text().await?)?))
}

/// The gateway's metrics.
pub(crate) async fn metrics(stack: &Stack) -> anyhow::Result<String> {
    let anybody = stack.user("nobody", "nobody");
    let shown = anybody.send(Method::GET, "/metrics", |request| request);
    Ok(shown.await?.ok()?.text)
}

/// The login decision is this one, for this reason, and asks for these permissions.
pub(crate) fn is_decided(
    reply: &Reply,
    decision: &str,
    reason: &str,
    missing: &str,
) -> anyhow::Result<()> {
    ensure!(
        reply.word("/decision") == Some(decision)
            && reply.word("/reason") == Some(reason)
            && reply.permissions("/missing") == missing,
        "{}, expected {decision} {reason} {missing}",
        reply.text
    );
    Ok(())
}

/// Waits until `condition` holds.
pub(crate) async fn eventually<F, Fut>(what: &str, condition: F) -> anyhow::Result<()>
where
    F: Fn() -> Fut,
    Fut: Future<Output = anyhow::Result<bool>>,
{
    let holds = wait_for(PATIENCE, async || match condition().await {
        Ok(true) => Some(Ok(())),
        Ok(false) => None,
        Err(error) => Some(Err(error)),
    });
    holds
        .await
        .with_context(|| format!("it did not come about that {what}"))?
}

/// A value of an address's query, decoded.
pub(crate) fn query_value(address: &str, name: &str) -> anyhow::Result<String> {
    let url = reqwest::Url::parse(address)?;
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .with_context(|| format!("{} has no {name}", url.path()))
}
