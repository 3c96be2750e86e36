//! `account`: a company, its consent, its history.

use std::process::ExitCode;

use assent_contract::names::QUERY_USERS;
use assent_contract::query::{AccountFacts, Users, UsersQuery};
use assent_domain::account::AccountState;
use assent_domain::event::{Aggregate, Event};
use assent_domain::ids::AccountId;
use assent_event_log::History;
use serde_json::json;

use crate::connect::Cluster;
use crate::output::Output;
use crate::sentence::{method, name, permissions, proof, sentence};
use crate::stop::Stop;

pub(crate) async fn run(
    cluster: &Cluster,
    account: &AccountId,
    mut output: Output,
) -> Result<ExitCode, Stop> {
    let log = cluster.log().await?;
    let history = log.read(&Aggregate::Company(account.clone())).await?;
    let state = fold(&history)?;
    let query = UsersQuery {
        account_id: account.clone(),
        after: None,
        limit: Some(1000),
        at_least: None,
    };
    let users: Result<Users, String> = cluster.ask(QUERY_USERS, &query).await;
    if output.json {
        let events: Vec<_> = history
            .events
            .iter()
            .map(|event| {
                json!({
                    "sequence": event.sequence.0,
                    "time": event.decoded.metadata.time,
                    "type": name(&event.decoded.event),
                    "says": sentence(&event.decoded.event),
                })
            })
            .collect();
        output.json(&json!({
            "account_id": account.as_str(),
            "state": AccountFacts::from(&state),
            "events": events,
            "users": users.as_ref().ok().map(|page| page.users.len()),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output.line(format!("account     {account}"))?;
    output.line(format!("method      {}", method(state.method())))?;
    output.line(format!(
        "email sync  {}",
        assent_contract::values::EmailSync::from(state.email_sync).as_str()
    ))?;
    output.line(format!("epoch       {}", state.epoch.0))?;
    output.line(match &users {
        Ok(page) if page.next.is_some() => "users       more than 1000 with events".to_owned(),
        Ok(page) => format!("users       {} with events", page.users.len()),
        Err(why) => format!("users       unknown: the projection can't be asked ({why})"),
    })?;
    consent(&state, &history, &mut output)?;
    if history.events.is_empty() {
        output.line("history     nothing was ever recorded; this is the default state")?;
    } else {
        output.line("history")?;
    }
    for event in &history.events {
        let (sequence, time) = (event.sequence.0, event.decoded.metadata.time);
        output.line(format!(
            "  {sequence:>6}  {time:.3}  {}",
            sentence(&event.decoded.event)
        ))?;
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn fold(history: &History) -> Result<AccountState, Stop> {
    history
        .events
        .iter()
        .try_fold(AccountState::default(), |state, event| {
            state.evolve(event.sequence, &event.decoded.event)
        })
        .map_err(|illegal| {
            Stop::Finding(format!("the account's history makes no sense: {illegal}"))
        })
}

fn consent(state: &AccountState, history: &History, output: &mut Output) -> Result<(), Stop> {
    let Some(consent) = state.consent() else {
        return output.line("consent     none: users decide for themselves");
    };
    output.line(format!("consent     {}", consent.id))?;
    let recorded = history
        .events
        .iter()
        .find(|event| event.sequence == consent.recorded_at);
    let Some(recorded) = recorded else {
        return Ok(());
    };
    if let Event::AdminConsentGranted(granted) = &recorded.decoded.event {
        let scopes: Vec<_> = granted
            .scopes
            .iter()
            .map(|scope| scope.0.as_str())
            .collect();
        output.line(format!("  allows    {}", permissions(granted.permissions)))?;
        output.line(format!("  granted   {:.3}", recorded.decoded.metadata.time))?;
        output.line(format!("  asked by  {}", granted.requested_by))?;
        output.line(format!(
            "  given by  {} of tenant {}",
            granted.granted_by, granted.tenant.id
        ))?;
        output.line(format!("  proved by {}", proof(&granted.verification)))?;
        output.line(format!("  scopes    {}", scopes.join(" ")))?;
    }
    Ok(())
}
