//! `explain`: why each permission of a user is on or off.

use std::process::ExitCode;

use assent_contract::names::QUERY_PERMISSIONS;
use assent_contract::query::{Permissions, UserQuery};
use assent_contract::values::{Method, PermissionSet};
use assent_domain::event::{Aggregate, Event, RevocationReason};
use assent_domain::explanation::{Explanation, Standing, explain};
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::permissions::Permission;
use assent_event_log::{History, RecordedEvent};
use serde_json::{Value, json};

use crate::arguments::At;
use crate::connect::Cluster;
use crate::output::Output;
use crate::sentence::{method, name, permission, permissions, sentence};
use crate::stop::{FINDING, Stop};

/// What the projection says of the same user.
enum View {
    /// The past is not compared.
    NotAsked,
    Same,
    Different(PermissionSet),
    NoAnswer(String),
}

pub(crate) async fn run(
    cluster: &Cluster,
    account: &AccountId,
    user: &UserId,
    at: Option<At>,
    mut output: Output,
) -> Result<ExitCode, Stop> {
    let log = cluster.log().await?;
    // The user first: its events name epochs that the company has to know by then.
    let of_user = log
        .read(&Aggregate::User(account.clone(), user.clone()))
        .await?;
    let of_company = log.read(&Aggregate::Company(account.clone())).await?;
    let explanation = explain(until(&of_company, at), until(&of_user, at))
        .map_err(|illegal| Stop::Finding(format!("the history makes no sense: {illegal}")))?;
    let view = match at {
        Some(_) => View::NotAsked,
        None => compare(cluster, account, user, &explanation).await,
    };
    let events = Events {
        company: &of_company,
        user: &of_user,
    };
    if output.json {
        output.json(&document(account, user, &explanation, &events, &view))?;
    } else {
        print(account, user, &explanation, &events, &view, &mut output)?;
    }
    output.flush()?;
    Ok(match view {
        View::Different(_) => ExitCode::from(FINDING),
        View::NotAsked | View::Same | View::NoAnswer(_) => ExitCode::SUCCESS,
    })
}

fn until(history: &History, at: Option<At>) -> impl Iterator<Item = (Sequence, &Event)> {
    history
        .events
        .iter()
        .filter(move |event| match at {
            None => true,
            Some(At::Sequence(sequence)) => event.sequence <= sequence,
            Some(At::Time(time)) => event.decoded.metadata.time <= time,
        })
        .map(|event| (event.sequence, &event.decoded.event))
}

async fn compare(
    cluster: &Cluster,
    account: &AccountId,
    user: &UserId,
    explanation: &Explanation,
) -> View {
    let last = explanation
        .account
        .last_sequence
        .max(explanation.user.last_sequence);
    let query = UserQuery {
        account_id: account.clone(),
        user_id: user.clone(),
        at_least: Some(last.0),
    };
    match cluster.ask::<Permissions>(QUERY_PERMISSIONS, &query).await {
        Ok(answer) if answer.effective == explanation.effective.into() => View::Same,
        Ok(answer) => View::Different(answer.effective),
        Err(why) => View::NoAnswer(why),
    }
}

/// The events of both lines, to be looked up.
struct Events<'a> {
    company: &'a History,
    user: &'a History,
}

impl Events<'_> {
    fn find(&self, sequence: Sequence) -> Option<&RecordedEvent> {
        let mut all = self.company.events.iter().chain(&self.user.events);
        all.find(|event| event.sequence == sequence)
    }

    fn line(&self, sequence: Sequence) -> String {
        self.find(sequence).map_or_else(
            || format!("{sequence:>6}"),
            |event| {
                let (time, event) = (event.decoded.metadata.time, &event.decoded.event);
                format!(
                    "{:>6}  {time:.3}  {:<19} {}",
                    sequence.0,
                    name(event),
                    sentence(event)
                )
            },
        )
    }
}

fn print(
    account: &AccountId,
    user: &UserId,
    explanation: &Explanation,
    events: &Events<'_>,
    view: &View,
    output: &mut Output,
) -> Result<(), Stop> {
    let state = &explanation.account;
    output.line(format!(
        "{account}/{user}: {} (method {}, epoch {})",
        permissions(explanation.effective),
        method(state.method()),
        state.epoch.0
    ))?;
    if explanation.user.last_sequence == Sequence(0) {
        output.line("nothing was ever recorded for this user; this is the default state")?;
    }
    for kind in Permission::ALL {
        let trail = explanation.of(kind);
        let since = trail.since.and_then(|sequence| events.find(sequence));
        let since = since.map_or_else(String::new, |event| {
            format!(" since {:.3}", event.decoded.metadata.time)
        });
        let (switch, why) = standing(trail.standing);
        output.line(format!("\n{:<9} {switch}{since}: {why}", permission(kind)))?;
        for sequence in &trail.because {
            output.line(format!("  {}", events.line(*sequence)))?;
        }
    }
    if !explanation.late.is_empty() {
        output.line("\ncame too late: the company had moved on, so these count for nothing")?;
        for sequence in &explanation.late {
            output.line(format!("  {}", events.line(*sequence)))?;
        }
    }
    match view {
        View::NotAsked => Ok(()),
        View::Same => output.line("\nthe projection says the same"),
        View::Different(set) => output.line(format!(
            "\nTHE PROJECTION SAYS OTHERWISE: {}; rebuild it by deleting its data directory",
            permissions((*set).into())
        )),
        View::NoAnswer(why) => output.line(format!("\nthe projection was not compared: {why}")),
    }
}

const fn standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Granted => ("on ", "granted"),
        Standing::NeverGranted => ("off", "never granted in this epoch"),
        Standing::NotInConsent => ("off", "the consent in force leaves it out"),
        Standing::Ended(RevocationReason::UserRevoked) => ("off", "the user revoked it"),
        Standing::Ended(RevocationReason::UserDeclined) => ("off", "the user declined it"),
        Standing::Ended(RevocationReason::MicrosoftWithdrawn) => {
            ("off", "the consent is gone at Microsoft")
        }
    }
}

fn document(
    account: &AccountId,
    user: &UserId,
    explanation: &Explanation,
    events: &Events<'_>,
    view: &View,
) -> Value {
    let event = |sequence: &Sequence| {
        let found = events.find(*sequence);
        json!({
            "sequence": sequence.0,
            "time": found.map(|event| event.decoded.metadata.time),
            "type": found.map(|event| name(&event.decoded.event)),
            "says": found.map(|event| sentence(&event.decoded.event)),
        })
    };
    let trails: serde_json::Map<_, _> = Permission::ALL
        .into_iter()
        .map(|kind| {
            let trail = explanation.of(kind);
            let (switch, why) = standing(trail.standing);
            let value = json!({
                "on": switch.trim() == "on",
                "why": why,
                "since": trail.since.as_ref().map(event),
                "because": trail.because.iter().map(event).collect::<Vec<_>>(),
            });
            (permission(kind).to_owned(), value)
        })
        .collect();
    json!({
        "account_id": account.as_str(),
        "user_id": user.as_str(),
        "method": Method::from(explanation.account.method()),
        "epoch": explanation.account.epoch.0,
        "effective": PermissionSet::from(explanation.effective),
        "permissions": trails,
        "late": explanation.late.iter().map(event).collect::<Vec<_>>(),
        "projection": match view {
            View::NotAsked => json!(null),
            View::Same => json!({"agrees": true}),
            View::Different(set) => json!({"agrees": false, "effective": set}),
            View::NoAnswer(why) => json!({"agrees": null, "reason": why}),
        },
    })
}
