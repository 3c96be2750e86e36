//! The sync worker: does for each user what is permitted, and stops at once when it is not any more.
//!
//! Assent keeps the last change of every user and company in the stream `CONSENT_CHANGES`. A consumer that starts with
//! the last message of each subject hears how everything stands, and then every change as it comes. So there is no gap
//! between reading the state and listening for changes, and a restart needs nothing remembered.
//!
//! Three rules keep it honest:
//!
//! - What is not known is not permitted. Without a connection nothing is known, so everything stops until it is back.
//! - A user's message says what may be done for that user now. Whatever else runs for them stops.
//! - A company's message ends what was known of all its users. All of it stops; then each is asked about anew.
//!
//! What has to stop stops with the message that says so. What may start waits until all that is kept was heard.

mod jobs;
mod standing;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{DeliverPolicy, pull::OrderedConfig};
use async_nats::{ConnectOptions, Event};
use futures::StreamExt as _;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use self::jobs::Occasion;
pub(crate) use self::jobs::{JobKind, JobView, Jobs, LogLine};
use self::standing::Standing;
use crate::assent::PermissionQuery;
use crate::assent::permissions::{Answer, Permissions};
use crate::chain::chain;
use crate::config::Config;
use crate::users::{self, USERS, User};

const STREAM: &str = "CONSENT_CHANGES";
const SUBJECTS: &str = "consent.changes.v1.>";
/// A server that has fallen silent is noticed within two of these.
const PING_EVERY: Duration = Duration::from_secs(5);
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A message of the stream. A company's names no user.
#[derive(Debug, Deserialize)]
struct Change {
    account_id: String,
    user_id: Option<String>,
    /// What may be done for the user now.
    effective: Option<Permissions>,
    /// The event that made the change: a later one has a higher number.
    sequence: u64,
}

/// Follows the changes, and has the jobs follow them.
pub(crate) struct SyncWorker {
    nats: async_nats::Client,
    connected: watch::Receiver<bool>,
    permissions: PermissionQuery,
    jobs: Arc<Jobs>,
}

/// Why following came to an end.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the connection to NATS is gone")]
    Disconnected,
    #[error("the stream of changes cannot be followed")]
    Stream(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a change cannot be read")]
    Unreadable(#[from] serde_json::Error),
}

/// Connects to NATS, now or later, and tells whether the connection stands.
pub(crate) async fn connect(
    config: &Config,
) -> anyhow::Result<(async_nats::Client, watch::Receiver<bool>)> {
    let (stands, connected) = watch::channel(false);
    let client = ConnectOptions::with_user_and_password(
        config.nats_user.clone(),
        config.nats_password.expose().to_owned(),
    )
    .name("hirely")
    .custom_inbox_prefix(&config.nats_inbox_prefix)
    .ping_interval(PING_EVERY)
    // Hirely starts and serves without NATS; it only syncs nothing.
    .retry_on_initial_connect()
    .event_callback(move |event| {
        match &event {
            Event::Connected => {
                stands.send_replace(true);
            }
            Event::Disconnected | Event::Closed | Event::Draining | Event::LameDuckMode => {
                stands.send_replace(false);
            }
            Event::SlowConsumer(_) | Event::ServerError(_) | Event::ClientError(_) => {}
        }
        async move { tracing::info!(%event, "NATS") }
    })
    .connect(&config.nats_url)
    .await?;
    Ok((client, connected))
}

impl SyncWorker {
    pub(crate) fn new(
        nats: async_nats::Client,
        connected: watch::Receiver<bool>,
        permissions: PermissionQuery,
        jobs: Arc<Jobs>,
    ) -> Self {
        Self {
            nats,
            connected,
            permissions,
            jobs,
        }
    }

    /// Works for as long as Hirely runs.
    pub(crate) async fn run(mut self) {
        // It fails when there will never be a connection again.
        while self
            .connected
            .wait_for(|connected| *connected)
            .await
            .is_ok()
        {
            let mut connected = self.connected.clone();
            let ended = tokio::select! {
                ended = self.follow() => ended,
                _ = connected.wait_for(|connected| !connected) => Ended::Disconnected,
            };
            tracing::warn!(error = %chain(&ended), "following anew");
            let lost = Occasion::now("Assent cannot be heard: what is not known is not permitted");
            self.jobs.stop_all(&lost).await;
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        }
    }

    /// Follows the changes until something is in the way.
    async fn follow(&self) -> Ended {
        match self.try_to_follow().await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn try_to_follow(&self) -> Result<Infallible, Ended> {
        let stream = async_nats::jetstream::new(self.nats.clone())
            .get_stream(STREAM)
            .await
            .map_err(|error| Ended::Stream(error.into()))?;
        let consumer = stream
            .create_consumer(OrderedConfig {
                deliver_policy: DeliverPolicy::LastPerSubject,
                filter_subject: SUBJECTS.to_owned(),
                ..OrderedConfig::default()
            })
            .await
            .map_err(|error| Ended::Stream(error.into()))?;
        let mut changes = consumer
            .messages()
            .await
            .map_err(|error| Ended::Stream(error.into()))?;
        let mut standing = Standing::default();
        // Until all that is kept was heard, something may still come that takes away what came before.
        let mut caught_up = false;
        // Asked beside the changes, because a change that takes something away must not wait for an answer.
        let mut questions = Questions::default();
        loop {
            tokio::select! {
                message = changes.next() => {
                    let at = Instant::now();
                    let message = message
                        .ok_or(Ended::Disconnected)?
                        .map_err(|error| Ended::Stream(error.into()))?;
                    // Whose permission an unreadable one took away is unknown: so this ends, and with it everything.
                    let change: Change = serde_json::from_slice(&message.payload)?;
                    let occasion = learn(&mut standing, &change, at);
                    for user in concerned(&change) {
                        self.jobs.stop(user, standing.permitted(user), &occasion).await;
                        if change.user_id.is_none() && user.has_mailbox() {
                            questions.ask(&self.permissions, user, change.sequence);
                        }
                    }
                    caught_up |= message.info().map_err(Ended::Stream)?.pending == 0;
                    if caught_up {
                        self.start(&standing, &occasion);
                    }
                }
                Some((user, answer)) = questions.answer() => {
                    let occasion = Occasion::now("asked anew what is permitted");
                    standing.of_user(user.id, answer.effective, answer.sequence);
                    self.jobs.stop(user, standing.permitted(user), &occasion).await;
                    if caught_up {
                        self.start(&standing, &occasion);
                    }
                }
            }
        }
    }

    /// Starts whatever is permitted and does not run yet.
    fn start(&self, standing: &Standing, why: &Occasion) {
        for user in &USERS {
            self.jobs.start(user, standing.permitted(user), why);
        }
    }
}

/// Takes note of a change.
fn learn(standing: &mut Standing, change: &Change, at: Instant) -> Occasion {
    let Some(user_id) = &change.user_id else {
        standing.of_company(&change.account_id, change.sequence);
        return Occasion::at(at, "the company's authorization changed");
    };
    // Somebody who is no user of ours any more has no jobs, and gets none.
    if let Some(user) = users::find_in(&change.account_id, user_id) {
        // A message that does not say what is permitted permits nothing.
        let effective = change.effective.unwrap_or_default();
        standing.of_user(user.id, effective, change.sequence);
    }
    Occasion::at(at, "consent changed")
}

/// Those of our users whom a change is about.
fn concerned(change: &Change) -> impl Iterator<Item = &'static User> {
    let in_account = USERS
        .iter()
        .filter(|user| user.account == change.account_id);
    in_account.filter(|user| change.user_id.as_ref().is_none_or(|id| id == user.id))
}

/// Questions under way: one for each user at the most, the newest.
#[derive(Default)]
struct Questions {
    asked: JoinSet<(&'static User, Answer)>,
    by_user: HashMap<&'static str, AbortHandle>,
}

impl Questions {
    fn ask(&mut self, permissions: &PermissionQuery, user: &'static User, at_least: u64) {
        let question = self.asked.spawn(ask(permissions.clone(), user, at_least));
        if let Some(older) = self.by_user.insert(user.id, question) {
            older.abort();
        }
    }

    /// The next answer, if anything is asked.
    async fn answer(&mut self) -> Option<(&'static User, Answer)> {
        loop {
            // An error is an older question's end.
            if let Ok(answer) = self.asked.join_next().await? {
                return Some(answer);
            }
        }
    }
}

/// Asks until there is an answer. Until then nothing is permitted.
async fn ask(
    permissions: PermissionQuery,
    user: &'static User,
    at_least: u64,
) -> (&'static User, Answer) {
    loop {
        match permissions.ask(user, Some(at_least)).await {
            Ok(answer) => return (user, answer),
            Err(error) => {
                tracing::warn!(
                    user = user.id,
                    error = %chain(&error),
                    "asking again"
                );
                tokio::time::sleep(TRY_AGAIN_AFTER).await;
            }
        }
    }
}
