//! One push consumer, from its creation until it can't be relied on any more.

use std::mem;
use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_messaging::{Connection, ConnectionState};
use async_nats::header::NATS_LAST_STREAM;
use async_nats::{HeaderMap, Message, StatusCode, Subject, Subscriber, jetstream};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, timeout, timeout_at};

use crate::EventLog;
use crate::api::{self, PushConsumer};
use crate::entry::LogEntry;
use crate::read::ReadError;

/// How often the server says that there is nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Silence for this long means that the consumer is gone.
const SILENCE: Duration = Duration::from_secs(3);

/// How long the server keeps a consumer nobody listens to.
const ABANDONED: Duration = Duration::from_secs(10);

/// With fewer events than this still to come, we are as good as live.
const BEHIND: u64 = 64;

/// The header by which the server repeats a flow control request that was not answered.
const STALLED: &str = "Nats-Consumer-Stalled";

/// What a consumer brought.
#[derive(Debug)]
pub(super) enum Received {
    Entry(LogEntry),
    /// A heartbeat: up to here, everything was delivered.
    Delivered(Sequence),
    Nothing,
    /// The consumer brings nothing more.
    Ended,
}

/// The messages of one consumer.
#[derive(Debug)]
pub(super) struct Feed {
    began_after: Sequence,
    subscriber: Subscriber,
    connection: watch::Receiver<ConnectionState>,
    heard: Instant,
    /// How many events the server had yet to deliver, as it said with the last one.
    pending: u64,
    /// Where the server waits for us to say that we can take more.
    owed: Option<Subject>,
    /// Each message is put in here for a moment, as only JetStream's own type reads the place in
    /// the stream, and making one for each message costs more than the rest together.
    envelope: jetstream::Message,
}

impl Feed {
    pub(super) async fn begin(log: &EventLog, after: Sequence) -> Result<Self, ReadError> {
        let client = log.connection.dangerous_client();
        let mut connection = log.connection.state_changes();
        connection.mark_unchanged();
        let inbox = client.new_inbox();
        let subscriber = timeout(log.deadline, client.subscribe(inbox.clone()))
            .await
            .map_err(|_| ReadError::NotReachable)?
            .map_err(|error| ReadError::Nonsense(error.into()))?;
        let config = PushConsumer {
            deliver_subject: &inbox,
            deliver_policy: "by_start_sequence",
            opt_start_seq: after.0.saturating_add(1),
            ack_policy: "none",
            replay_policy: "instant",
            max_deliver: 1,
            flow_control: true,
            idle_heartbeat: HEARTBEAT.as_nanos(),
            inactive_threshold: ABANDONED.as_nanos(),
            mem_storage: true,
            num_replicas: 1,
        };
        api::create_consumer(&log.connection, &config, log.deadline).await?;
        let envelope = jetstream::Message {
            message: empty(),
            context: log.connection.dangerous_jetstream(),
        };
        let heard = Instant::now();
        Ok(Self {
            began_after: after,
            subscriber,
            connection,
            heard,
            pending: 0,
            owed: None,
            envelope,
        })
    }

    /// The sequence before the first one that it delivers.
    pub(super) fn began_after(&self) -> Sequence {
        self.began_after
    }

    /// The next thing that the consumer brings.
    pub(super) async fn next(&mut self) -> Received {
        let received = tokio::select! {
            biased;
            received = timeout_at(self.heard + SILENCE, self.subscriber.next()) => received,
            // Whatever was under way when the connection was lost is lost too.
            _ = self.connection.changed() => return Received::Ended,
        };
        let Ok(Some(message)) = received else {
            return Received::Ended;
        };
        self.is_alive();
        self.read(message)
    }

    /// The same, if it is there already. Tokio makes a task that takes many messages in a row
    /// yield now and then, which would look like nothing being there.
    pub(super) fn next_if_there(&mut self) -> Option<Received> {
        let received = unconstrained(self.subscriber.next()).now_or_never()?;
        Some(received.map_or(Received::Ended, |message| self.read(message)))
    }

    /// Whether many events are still to come.
    pub(super) fn is_behind(&self) -> bool {
        BEHIND <= self.pending
    }

    /// Something came just now.
    pub(super) fn is_alive(&mut self) {
        self.heard = Instant::now();
    }

    /// Tells the server that what it sent was taken, so that it sends more.
    pub(super) async fn pay(&mut self, connection: &Connection, deadline: Duration) {
        let Some(subject) = self.owed.take() else {
            return;
        };
        let paid = connection
            .dangerous_client()
            .publish(subject.clone(), Bytes::new());
        // If it can't be sent, the server asks again with its next heartbeat.
        drop(timeout(deadline, paid).await);
    }

    fn read(&mut self, message: Message) -> Received {
        match message.status {
            None => self.entry(message),
            Some(StatusCode::IDLE_HEARTBEAT) => self.heartbeat(message),
            // The consumer was deleted, or the server is going away.
            Some(_) => Received::Ended,
        }
    }

    fn entry(&mut self, message: Message) -> Received {
        self.envelope.message = message;
        let place = self.envelope.info().map(|info| {
            let nanoseconds = info.published.unix_timestamp_nanos();
            (Sequence(info.stream_sequence), nanoseconds, info.pending)
        });
        let message = mem::replace(&mut self.envelope.message, empty());
        // Not from a consumer at all: who may publish to our inbox is the server's business.
        let Ok((sequence, nanoseconds, pending)) = place else {
            return Received::Nothing;
        };
        self.pending = pending;
        Received::Entry(LogEntry::delivered(sequence, nanoseconds, message))
    }

    fn heartbeat(&mut self, message: Message) -> Received {
        self.is_alive();
        let header = |name| {
            message
                .headers
                .as_ref()
                .and_then(|headers: &HeaderMap| headers.get(name))
        };
        let stalled = header(STALLED).map(|subject| Subject::from(subject.as_str()));
        let last = header(NATS_LAST_STREAM.as_ref()).and_then(|last| last.as_str().parse().ok());
        self.owed = message.reply.or(stalled).or(self.owed.take());
        // Without a number it still says that there is nothing new.
        Received::Delivered(last.map_or(Sequence(0), Sequence))
    }
}

fn empty() -> Message {
    Message {
        subject: Subject::from_static(""),
        reply: None,
        payload: Bytes::new(),
        headers: None,
        status: None,
        description: None,
        length: 0,
    }
}
