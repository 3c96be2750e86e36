//! Hearing of changes, and finding out that nothing is heard any more.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::change::ChangeMessage;
use assent_contract::names::{CHANGE_SUBJECTS, QUERY_CHANGES, aggregate_of_change_subject};
use assent_contract::query::{ChangesPage, ChangesQuery};
use assent_domain::event::Aggregate;
use assent_domain::ids::AccountId;
use assent_messaging::{Connection, Message, Messages, SubscribeError};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{Dependency, Runtime};
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::Permissions;
use crate::user_key::UserKey;

/// Between two questions by which the projections are heard.
const BEAT_EVERY: Duration = Duration::from_secs(1);
const BEAT_DEADLINE: Duration = Duration::from_secs(2);

/// A change was told: something that is held may be to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// Of one user; as of which event, where that can be read.
    User(UserKey, Option<u64>),
    /// Of everybody in a company, likewise.
    Account(AccountId, Option<u64>),
}

/// Listens from now on. Whatever is told ends what is remembered, at once, and goes on to `told` as long as there is room:
/// what is not heard there is found by the clock.
pub(crate) async fn follow(
    permissions: Arc<Permissions>,
    connection: &Connection,
    told: mpsc::Sender<Told>,
) -> Result<impl Future<Output = ()> + Send + use<>, SubscribeError> {
    let messages = connection.subscribe(CHANGE_SUBJECTS).await?;
    Ok(listen(permissions, messages, told))
}

async fn listen(permissions: Arc<Permissions>, mut messages: Messages, told: mpsc::Sender<Told>) {
    while let Some(message) = messages.next().await {
        let Some(aggregate) = aggregate_of_change_subject(&message.subject) else {
            continue;
        };
        let change = match aggregate {
            Aggregate::Account(account) => {
                permissions.stamps.told_of_account(&account);
                Told::Account(account, sequence(&message))
            }
            Aggregate::User(account, user) => {
                let whose = UserKey { account, user };
                permissions.stamps.told_of_user(&whose);
                Told::User(whose, sequence(&message))
            }
        };
        if told.try_send(change).is_err() {
            tracing::debug!(
                "too many changes at once: what nothing is effective for is destroyed later"
            );
        }
    }
}

fn sequence(message: &Message) -> Option<u64> {
    let change: ChangeMessage = serde_json::from_slice(&message.payload).ok()?;
    Some(change.sequence)
}

/// Asks the projections again and again, so that their silence is noticed: what is remembered is of no use then.
pub(crate) async fn keep_alive(
    permissions: Arc<Permissions>,
    connection: Connection,
    projection: Dependency,
    runtime: Runtime,
) {
    let mut dropped = connection.dropped_messages();
    loop {
        let connects = connection.connects();
        match beat(&connection).await {
            Ok(page) => {
                let now_dropped = connection.dropped_messages();
                if now_dropped != dropped {
                    dropped = now_dropped;
                    permissions.stamps.forget_all();
                }
                permissions.heard(page.log, connects);
                projection.ready();
            }
            Err(error) => {
                if !permissions.hears() {
                    projection.not_ready(format!("no projection answers: {error}"));
                }
            }
        }
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            () = tokio::time::sleep(BEAT_EVERY) => {}
        }
    }
}

async fn beat(connection: &Connection) -> Result<ChangesPage, String> {
    let query = ChangesQuery {
        limit: Some(1),
        ..ChangesQuery::default()
    };
    let payload = serde_json::to_vec(&query).map_err(|error| error.to_string())?;
    let answer = connection
        .request(QUERY_CHANGES, payload, None, BEAT_DEADLINE)
        .await
        .map_err(|error| with_sources(&error).to_string())?;
    serde_json::from_slice(&answer).map_err(|error| error.to_string())
}
