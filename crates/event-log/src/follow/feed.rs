//! What the log holds after an event: asked for batch by batch, until the answers can't be relied
//! on any more.
//!
//! That something was appended is told on a subject of its own. It is a hint: whoever misses it
//! finds the event a little later, as the log is looked at now and then in any case.
//!
//! A batch is asked for from the last event on that was had before, and is believed only if it
//! begins with that very event. So nothing of a stream that took the log's place is ever taken for
//! what follows.

use std::time::Duration;

use assent_contract::names::{APPENDED, EVENT_STREAM};
use assent_domain::ids::Sequence;
use assent_messaging::jetstream::{Batched, Batches, Place, StoredMessage};
use assent_messaging::{ConnectionState, JetStreamError, Messages, SubscribeError};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::EventLog;
use crate::entry::LogEntry;
use crate::read::ReadError;

/// How many events are asked for at once: some megabytes, well below what the server holds back
/// for a connection.
const BATCH: usize = 4096;

/// With fewer events than this still to come, we are as good as live.
const BEHIND: u64 = 64;

/// Without an answer for this long, there will be none.
const SILENCE: Duration = Duration::from_secs(3);

/// How soon the log is looked at again after something happened: in a cluster, the server that
/// answers may hear of an event later than its writer. Then the time doubles each time.
const SOON: Duration = Duration::from_millis(2);
const LATER: Duration = Duration::from_millis(250);

/// How often the server is asked how long the log is. It gives no event that is damaged on its
/// disk, but it counts it.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// What was brought.
#[derive(Debug)]
pub(super) enum Received {
    Entry(LogEntry),
    /// There is no more, although the log holds events up to here.
    Delivered(Sequence),
    Nothing,
    /// Nothing more can be relied on.
    Ended,
}

/// A batch that was asked for and has not ended.
#[derive(Debug)]
struct Asked {
    /// The event that it has to begin with.
    begins_with: Option<Place>,
    /// Whether it brought anything new.
    fruitful: bool,
}

/// Batch after batch.
#[derive(Debug)]
pub(super) struct Feed {
    log: EventLog,
    began_after: Sequence,
    /// The last event that was had; only its sequence, if it can't be read.
    last: Sequence,
    place: Option<Place>,
    batches: Batches,
    hints: Messages,
    connection: watch::Receiver<ConnectionState>,
    asked: Option<Asked>,
    /// Something came last.
    heard: Instant,
    /// How many events the server had yet to give, as it said with the last one.
    pending: u64,
    /// Where the log ended when that was last asked.
    end: Sequence,
    measure_at: Instant,
    look_at: Instant,
    pause: Duration,
}

impl Feed {
    /// Begins after an event: the one given, if it can be read.
    pub(super) async fn begin(
        log: &EventLog,
        after: Sequence,
        event: Option<&LogEntry>,
    ) -> Result<Self, ReadError> {
        let asks = &log.connection;
        asks.require_batches(EVENT_STREAM, log.deadline).await?;
        let mut connection = asks.state_changes();
        connection.mark_unchanged();
        let hints = asks
            .subscribe(APPENDED)
            .await
            .map_err(|error| match error {
                SubscribeError::NotConnected { .. } => JetStreamError::NotConnected,
                SubscribeError::BadSubject { subject, source } => JetStreamError::Misunderstood {
                    what: subject,
                    source,
                },
            })?;
        let now = Instant::now();
        Ok(Self {
            log: log.clone(),
            began_after: after,
            last: after,
            place: event.map(LogEntry::place),
            batches: asks.batches(EVENT_STREAM).await?,
            hints,
            connection,
            asked: None,
            heard: now,
            pending: 0,
            end: Sequence(0),
            measure_at: now + MEASURE_EVERY,
            look_at: now,
            pause: SOON,
        })
    }

    /// The sequence before the first one that it brings.
    pub(super) fn began_after(&self) -> Sequence {
        self.began_after
    }

    /// The next thing that it brings.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            if self.asked.is_none() && !(self.wait().await && self.ask().await) {
                return Received::Ended;
            }
            let received = tokio::select! {
                biased;
                received = timeout_at(self.heard + SILENCE, self.batches.next()) => received,
                // Whatever was under way when the connection was lost is lost too.
                _ = self.connection.changed() => return Received::Ended,
            };
            let Ok(batched) = received else {
                return Received::Ended;
            };
            self.is_alive();
            if let Some(received) = self.read(batched) {
                return received;
            }
        }
    }

    /// The next thing that it brings, if it is there already.
    pub(super) fn next_if_there(&mut self) -> Option<Received> {
        loop {
            let batched = self.batches.next_if_there()?;
            let received = self.read(batched);
            if received.is_some() {
                return received;
            }
        }
    }

    /// Whether many events are still to come.
    pub(super) fn is_behind(&self) -> bool {
        BEHIND <= self.pending
    }

    /// Something came just now.
    pub(super) fn is_alive(&mut self) {
        self.heard = Instant::now();
    }

    /// Asks for what is known to follow, so that it is on its way while the last batch is worked on.
    pub(super) async fn ask_on(&mut self) {
        if self.asked.is_none() && self.pending != 0 {
            // What can't be sent is asked for again once the silence is noticed.
            self.ask().await;
        }
    }

    /// Waits until it is worth asking; not at all while more is known to be there. `false` if the
    /// log has to be looked at by who follows it.
    async fn wait(&mut self) -> bool {
        if self.pending != 0 {
            return true;
        }
        if self.measure_at <= Instant::now() {
            match self.log.status().await {
                Ok(status) if status.created == self.log.identity => {
                    self.end = status.last_sequence;
                }
                Ok(_) | Err(_) => return false,
            }
            self.measure_at = Instant::now() + MEASURE_EVERY;
        }
        tokio::select! {
            biased;
            _ = self.connection.changed() => return false,
            hint = self.hints.next() => match hint {
                Some(_) => self.look_soon(),
                None => return false,
            },
            () = sleep_until(self.look_at) => {}
        }
        // One look is enough for all of them.
        while let Some(hint) = unconstrained(self.hints.next()).now_or_never() {
            if hint.is_none() {
                return false;
            }
        }
        true
    }

    fn look_soon(&mut self) {
        self.look_at = Instant::now();
        self.pause = SOON;
    }

    async fn ask(&mut self) -> bool {
        self.asked = Some(Asked {
            begins_with: self.place,
            fruitful: false,
        });
        self.is_alive();
        let from = match self.place {
            Some(place) => place.sequence,
            None => self.last.0.saturating_add(1),
        };
        let asked = self.batches.ask(from, None, BATCH, self.log.deadline).await;
        asked.is_ok()
    }

    /// `None` for what is of no interest.
    fn read(&mut self, batched: Batched) -> Option<Received> {
        self.asked.as_ref()?;
        match batched {
            Batched::Message { message, pending } => {
                self.pending = pending;
                self.entry(message)
            }
            Batched::End { pending } => {
                self.pending = pending;
                self.handle_end()
            }
            Batched::Broken => Some(Received::Ended),
        }
    }

    fn handle_end(&mut self) -> Option<Received> {
        let asked = self.asked.take()?;
        if asked.begins_with.is_some() {
            // The event that was had before is not there any more.
            return Some(Received::Ended);
        }
        if asked.fruitful {
            self.pause = SOON;
        } else {
            // It may say that there is more and give nothing: that is no reason to ask at once.
            self.pending = 0;
        }
        self.look_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LATER);
        if asked.fruitful {
            return Some(Received::Nothing);
        }
        Some(Received::Delivered(self.end.max(self.last)))
    }

    fn entry(&mut self, message: StoredMessage) -> Option<Received> {
        let place = message.place();
        let asked = self.asked.as_mut()?;
        if let Some(expected) = asked.begins_with.take() {
            return (place != expected).then_some(Received::Ended);
        }
        asked.fruitful = true;
        self.last = Sequence(place.sequence);
        self.place = Some(place);
        Some(Received::Entry(message.into()))
    }
}
