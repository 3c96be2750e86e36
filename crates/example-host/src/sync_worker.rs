//! The sync worker: does for each user what is permitted, and stops at once when it is not any more.
//!
//! Assent tells every change on `consent.changes.v1.>`, live, and lists what is permitted to everybody on request, by page. So:
//! listen, then read all pages, then go on with what was heard meanwhile. Nothing falls in between, whichever comes
//! first of a user counts for nothing against what is later, and a restart needs nothing remembered.
//!
//! Four rules keep it honest:
//!
//! - What is not known is not permitted. Without a connection nothing is known, so everything stops until all pages were
//!   read anew; likewise when a message is missing, or is of another log, for then what is known means nothing.
//! - A user's message says what may be done for that user now. Whatever else runs for them stops.
//! - A company's message ends what was known of all its users. All of it stops; then the company's pages are read.
//! - What can't be read is passed over. Assent hears it too, and tells anew whom it spoke of.

mod jobs;
mod known_permissions;
mod mailbox;
mod pages;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{ConnectOptions, Event, HeaderValue, Message};
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use self::jobs::Trigger;
pub(crate) use self::jobs::{JobKind, JobView, Jobs, LogLine};
use self::known_permissions::{AnotherLog, Change, KnownPermissions};
pub(crate) use self::mailbox::MailboxSync;
use self::pages::{PagesError, Snapshot};
use crate::config::Config;
use crate::error_chain::with_sources;
use crate::users::{self, USERS, User};

const SUBJECTS: &str = "consent.changes.v1.>";
/// The header with the number that the server gives each change: one more than the one before.
const NUMBER: &str = "Nats-Sequence";
/// The header with the name of the stream that a message comes from.
const STREAM: &str = "Nats-Stream";
/// A server that has fallen silent is noticed within two of these.
const PING_EVERY: Duration = Duration::from_secs(5);
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Follows the changes of consent, and starts and stops jobs by them.
pub(crate) struct SyncWorker {
    nats: async_nats::Client,
    connected: watch::Receiver<bool>,
    jobs: Arc<Jobs>,
}

/// Why following the changes came to an end.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the connection to NATS is gone")]
    Disconnected,
    #[error("the changes cannot be heard")]
    NotHeard(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it is not known what is permitted")]
    Pages(#[from] PagesError),
    #[error("a change was missed")]
    Missed,
    #[error("the changes are of another log")]
    AnotherLog,
}

impl From<AnotherLog> for FollowError {
    fn from(AnotherLog: AnotherLog) -> Self {
        Self::AnotherLog
    }
}

/// Connects to NATS, now or later; the receiver tells whether the connection stands.
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
    .connect(config.nats_url.split(',').collect::<Vec<_>>().as_slice())
    .await?;
    Ok((client, connected))
}

impl SyncWorker {
    pub(crate) fn new(
        nats: async_nats::Client,
        connected: watch::Receiver<bool>,
        jobs: Arc<Jobs>,
    ) -> Self {
        Self {
            nats,
            connected,
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
                _ = connected.wait_for(|connected| !connected) => FollowError::Disconnected,
            };
            tracing::warn!(error = %with_sources(&ended), "following anew");
            let lost = Trigger::now("Assent cannot be heard: what is not known is not permitted");
            self.jobs.stop_all(&lost).await;
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        }
    }

    /// Follows the changes until something is in the way.
    async fn follow(&self) -> FollowError {
        match self.try_to_follow().await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn try_to_follow(&self) -> Result<Infallible, FollowError> {
        let mut changes = self
            .nats
            .subscribe(SUBJECTS)
            .await
            .map_err(|error| FollowError::NotHeard(error.into()))?;
        // From here on the server sends us every change; only now are the pages asked for, so nothing falls in between.
        self.nats
            .flush()
            .await
            .map_err(|error| FollowError::NotHeard(error.into()))?;
        let snapshot = pages::fetch_all(&self.nats, None, is_ours).await?;
        let mut known = KnownPermissions::new(snapshot.log);
        for entry in &snapshot.entries {
            known.apply_entry(entry);
        }
        self.start_all(&known, &Trigger::now("learnt how everybody stands"));
        let mut numbers = GapDetector::default();
        // Asked beside the changes, because a change that takes something away must not wait for an answer.
        let mut queries = AccountQueries::default();
        loop {
            tokio::select! {
                message = changes.next() => {
                    let at = Instant::now();
                    let message = message.ok_or(FollowError::Disconnected)?;
                    if numbers.is_gap_before(&message) {
                        return Err(FollowError::Missed);
                    }
                    let change = is_from_change_stream(&message)
                        .then(|| Change::parse(&message.subject, &message.payload))
                        .flatten();
                    let Some(change) = change else {
                        tracing::warn!(subject = %message.subject, "not a change: passed over");
                        continue;
                    };
                    if is_ours(&change) {
                        known.apply_message(&change)?;
                        self.follow_change(&known, &change, at).await;
                        if change.user_id.is_none() {
                            queries.start(&self.nats, change.account_id);
                        }
                    }
                }
                Some(snapshot) = queries.next() => {
                    let snapshot = snapshot?;
                    if snapshot.log != known.log() {
                        return Err(FollowError::AnotherLog);
                    }
                    for entry in &snapshot.entries {
                        known.apply_entry(entry);
                    }
                    self.start_all(&known, &Trigger::now("asked anew what is permitted"));
                }
            }
        }
    }

    /// Stops whatever is not permitted any more, first; then starts whatever is.
    async fn follow_change(&self, known: &KnownPermissions, change: &Change, at: Instant) {
        let trigger = Trigger::at(
            at,
            match change.user_id {
                Some(_) => "consent changed",
                None => "the company's authorization changed",
            },
        );
        for user in users_of(change) {
            let permitted = known.permitted(user.account, user.id);
            self.jobs.stop(user, permitted, &trigger).await;
            self.jobs.start(user, permitted, &trigger);
        }
    }

    /// Starts whatever is permitted and does not run yet.
    fn start_all(&self, known: &KnownPermissions, why: &Trigger) {
        for user in &USERS {
            let permitted = known.permitted(user.account, user.id);
            self.jobs.start(user, permitted, why);
        }
    }
}

/// Whether a change is about users of ours. Somebody who is none any more has no jobs, and gets none.
fn is_ours(change: &Change) -> bool {
    match &change.user_id {
        Some(user) => users::find_in(&change.account_id, user).is_some(),
        None => USERS.iter().any(|user| user.account == change.account_id),
    }
}

/// The users whom a change is about.
fn users_of(change: &Change) -> impl Iterator<Item = &'static User> {
    let in_account = USERS
        .iter()
        .filter(|user| user.account == change.account_id);
    in_account.filter(|user| change.user_id.as_ref().is_none_or(|id| id == user.id))
}

/// Whether a message comes from Assent's stream of changes: the server says so in a header, which nobody can set who may
/// only ask.
fn is_from_change_stream(message: &Message) -> bool {
    let stream = message
        .headers
        .as_ref()
        .and_then(|headers| headers.get(STREAM));
    stream.is_some_and(|stream| stream.as_str() == "CONSENT_CHANGES")
}

/// Notices by the messages' numbers when one is missing.
#[derive(Debug, Default)]
struct GapDetector {
    last: Option<u64>,
}

impl GapDetector {
    /// Whether messages are missing before this one. A message without a number is none of the change stream, and never
    /// read either.
    fn is_gap_before(&mut self, message: &Message) -> bool {
        let number = message.headers.as_ref();
        let number = number.and_then(|headers| headers.get(NUMBER));
        let Some(number) = number
            .map(HeaderValue::as_str)
            .and_then(|it| it.parse().ok())
        else {
            return false;
        };
        let last = self.last.replace(number);
        last.is_some_and(|last| last.saturating_add(1) < number)
    }
}

/// The queries for a company's pages that are under way: one for each company at the most, the newest.
#[derive(Default)]
struct AccountQueries {
    running: JoinSet<Result<Snapshot, PagesError>>,
    by_account: HashMap<String, AbortHandle>,
}

impl AccountQueries {
    fn start(&mut self, nats: &async_nats::Client, account: String) {
        let (nats, asked) = (nats.clone(), account.clone());
        let query = async move { pages::fetch_all(&nats, Some(&asked), is_ours).await };
        let query = self.running.spawn(query);
        if let Some(older) = self.by_account.insert(account, query) {
            older.abort();
        }
    }

    /// Waits for the next answer; `None` where no query is under way.
    async fn next(&mut self) -> Option<Result<Snapshot, PagesError>> {
        loop {
            // An error is the end of an older query.
            if let Ok(snapshot) = self.running.join_next().await? {
                return Some(snapshot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_nats::HeaderMap;

    use super::*;

    fn numbered(number: Option<&str>) -> Message {
        let headers = number.map(|number| {
            let mut headers = HeaderMap::new();
            headers.insert(NUMBER, number);
            headers
        });
        Message {
            subject: SUBJECTS.into(),
            reply: None,
            payload: String::new().into(),
            headers,
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn a_missing_message_shows_in_the_number_of_the_next() {
        let mut numbers = GapDetector::default();
        let heard = [
            (Some("7"), false),
            (Some("8"), false),
            (None, false),
            (Some("junk"), false),
            (Some("9"), false),
            (Some("9"), false),
            (Some("11"), true),
        ];
        for (number, missing) in heard {
            let message = numbered(number);
            assert_eq!(numbers.is_gap_before(&message), missing, "{number:?}");
        }
    }
}
