//! Reading on from where a history ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::event_hash::{self, ChainLink, EventHash};
use assent_contract::names::{EVENT_STREAM, event_subject};
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_messaging::jetstream::{Batched, SubjectCount};
use tokio::time::{Instant, timeout};

use super::{ReadError, broken, remaining};
use crate::EventLog;
use crate::entry::LogEntry;
use crate::history::{History, RecordedEvent};

/// How many messages are asked for at once: some megabytes.
const BATCH: usize = 2_000;

/// How long a batch may be silent before the leader is asked for each message instead.
const SILENCE: Duration = Duration::from_millis(500);

/// How often a history is read on while the server counts more of it than was found.
const ATTEMPTS: usize = 8;

/// How many batches may bring nothing before the rest is asked of the leader, message by message.
const MOST_EMPTY: usize = 3;

/// The reading of one history.
pub(super) struct Reading<'a> {
    log: &'a EventLog,
    pub(super) aggregate: &'a Aggregate,
    pub(super) subject: String,
    pub(super) history: Arc<History>,
    deadline: Instant,
    /// What a batch brought and was not looked at yet.
    ahead: VecDeque<LogEntry>,
    /// How many batches brought nothing.
    empty: usize,
}

/// A message on the aggregate's subject.
pub(super) enum Read {
    Event(RecordedEvent),
    /// What can't be read as an event, and why.
    Other(LogEntry, ReadError),
}

impl<'a> Reading<'a> {
    /// Goes on after a history that was read before; after its default to read all of it.
    pub(super) fn new(log: &'a EventLog, aggregate: &'a Aggregate, history: Arc<History>) -> Self {
        Self {
            log,
            aggregate,
            subject: event_subject(aggregate),
            history,
            deadline: Instant::now() + log.deadline,
            ahead: VecDeque::new(),
            empty: 0,
        }
    }

    /// From here on only the leader is asked: a batch may be another server's.
    pub(super) fn leave_batches(&mut self) {
        self.empty = MOST_EMPTY;
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Gives what is asked for next the time that one question may take.
    pub(super) fn renew_deadline(&mut self) {
        self.deadline = Instant::now() + self.log.deadline;
    }

    /// Reads on until as many messages are found as the server counts. Whether it came to that.
    pub(super) async fn read_all(&mut self) -> Result<bool, ReadError> {
        let mut found = None;
        for _ in 0..ATTEMPTS {
            let counted = self.go_on().await?;
            let had = found.replace(self.history.found());
            if Some(counted.messages) <= found {
                return Ok(counted.missing == 0 && Some(counted.messages) == found);
            }
            // Something may have been appended just now; but then it is read by the next time.
            if had == found {
                break;
            }
        }
        Ok(false)
    }

    /// Forward up to the message that is the last when it begins; then, how many the server counts.
    /// It is asked once the last one is known, or was read before, so that it counts that one too.
    async fn go_on(&mut self) -> Result<SubjectCount, ReadError> {
        // What was read before may have taken its time to decode.
        self.renew_deadline();
        let (last, mut counted) = tokio::try_join!(self.last(), self.count())?;
        let there = last.as_ref().map_or(Sequence(0), LogEntry::sequence);
        let is_new = self.history.tail.sequence < there;
        if !is_new {
            let hash = last.map_or(EventHash::NONE, |last| last.hash());
            let is_it = (there, hash) == (self.history.tail.sequence, self.history.last_hash());
            // Otherwise what was read before is not there any more.
            return if is_it {
                Ok(counted)
            } else {
                Err(self.broken())
            };
        }
        let mut is_counted = false;
        while self.history.tail.sequence < there {
            if self.ahead.is_empty() && is_counted {
                let after = self.history.tail.sequence;
                self.look_ahead(after, there).await;
            } else if self.ahead.is_empty() {
                let (deadline, after) = (self.deadline, self.history.tail.sequence);
                let (log, subject) = (self.log, self.subject.clone());
                let count = log.count(&subject, deadline);
                let ((), count) = tokio::join!(self.look_ahead(after, there), count);
                (counted, is_counted) = (count?, true);
            }
            // None: the last one was there a moment ago.
            let read = self
                .next(last.as_ref())
                .await?
                .ok_or_else(|| self.broken())?;
            match read {
                Read::Event(event) => self.push(event)?,
                Read::Other(entry, unreadable) => {
                    let void = self.log.void_of(&entry).await?.ok_or(unreadable)?;
                    Arc::make_mut(&mut self.history).pass_over(void);
                }
            }
        }
        Ok(counted)
    }

    /// Asks for a batch of what comes after a sequence, up to another. Whatever does not come is left to the leader.
    async fn look_ahead(&mut self, after: Sequence, through: Sequence) {
        self.ahead.clear();
        if self.empty < MOST_EMPTY {
            self.ask_for_batch(after, through).await;
            self.empty = match self.ahead.len() {
                0 => self.empty.saturating_add(1),
                _ => 0,
            };
        }
        // However long a history is: each batch has its own time, or each message where there are no batches.
        self.renew_deadline();
    }

    async fn ask_for_batch(&mut self, after: Sequence, through: Sequence) {
        let Ok(mut batches) = self.log.connection.batches(EVENT_STREAM).await else {
            return;
        };
        let (from, subject) = (after.0.saturating_add(1), Some(self.subject.as_str()));
        if batches.ask(from, subject, BATCH, SILENCE).await.is_err() {
            return;
        }
        while let Ok(Batched::Message { message, .. }) = timeout(SILENCE, batches.next()).await {
            let entry = LogEntry::from(message);
            if through < entry.sequence() {
                break;
            }
            self.ahead.push_back(entry);
        }
    }

    /// The next message: from the batch, where that names what was read last; otherwise as the leader
    /// has it. `last` is the last one as the leader has it, which stands for what the batch has there.
    async fn next(&mut self, last: Option<&LogEntry>) -> Result<Option<Read>, ReadError> {
        if let Some(entry) = self.ahead.pop_front() {
            let proof = last.filter(|last| last.sequence() == entry.sequence());
            if let Read::Event(event) = self.read(proof.unwrap_or(&entry))
                && self.history.link(&event) == Some(ChainLink::Next)
            {
                return Ok(Some(Read::Event(event)));
            }
        }
        self.ask_for_next(self.history.tail.sequence).await
    }

    /// The next message after a history, up to a sequence in batches. A batch may have left something out before an event that
    /// may be recorded past damage, so there the leader is asked all the same.
    pub(super) async fn next_for_sure(
        &mut self,
        history: &History,
        through: Sequence,
    ) -> Result<Option<Read>, ReadError> {
        if self.ahead.is_empty() && history.tail.sequence < through {
            self.look_ahead(history.tail.sequence, through).await;
        }
        if let Some(entry) = self.ahead.pop_front()
            && let Read::Event(event) = self.read(&entry)
            && history.link(&event) == Some(ChainLink::Next)
            && !event_hash::may_pass_damage(&event.decoded.event)
        {
            return Ok(Some(Read::Event(event)));
        }
        self.ask_for_next(history.tail.sequence).await
    }

    async fn ask_for_next(&mut self, after: Sequence) -> Result<Option<Read>, ReadError> {
        let found = self.log.first_after(&self.subject, after, self.deadline);
        let Some(found) = found.await? else {
            return Ok(None);
        };
        while self
            .ahead
            .pop_front_if(|ahead| ahead.sequence() <= found.sequence())
            .is_some()
        {}
        Ok(Some(self.read(&found)))
    }

    /// The last message, as the leader has it.
    async fn last(&self) -> Result<Option<LogEntry>, ReadError> {
        let time_left = remaining(self.deadline);
        let connection = &self.log.connection;
        let last = connection.last_message(EVENT_STREAM, &self.subject, time_left);
        Ok(last.await?.map(LogEntry::from))
    }

    /// Where that is; 0 where there is none, or it is damaged.
    pub(super) async fn last_sequence(&self) -> Result<Sequence, ReadError> {
        let last = self.last().await?;
        Ok(last.map_or(Sequence(0), |last| last.sequence()))
    }

    /// How many messages the server counts, readable or not.
    pub(super) async fn count(&self) -> Result<SubjectCount, ReadError> {
        self.log.count(&self.subject, self.deadline).await
    }

    /// The last sequence of the whole log that the server knows to be lost.
    pub(super) async fn last_lost(&self) -> Result<Sequence, ReadError> {
        let connection = &self.log.connection;
        let last = connection.last_missing(EVENT_STREAM, remaining(self.deadline));
        Ok(Sequence(last.await?))
    }

    fn read(&self, entry: &LogEntry) -> Read {
        match entry.decode() {
            Ok(decoded) => Read::Event(RecordedEvent {
                sequence: entry.sequence(),
                decoded,
                hash: entry.hash(),
            }),
            Err(source) => {
                let unreadable = ReadError::Unreadable {
                    aggregate: self.aggregate.clone(),
                    sequence: entry.sequence(),
                    source,
                };
                Read::Other(entry.clone(), unreadable)
            }
        }
    }

    fn push(&mut self, event: RecordedEvent) -> Result<(), ReadError> {
        let link = self.history.link(&event);
        let link = link.ok_or_else(|| broken(self.aggregate, event.sequence))?;
        let history = Arc::make_mut(&mut self.history);
        match link {
            ChainLink::Next => {}
            ChainLink::PastDamage => history.past_damage.push(event.sequence),
        }
        history.add(Arc::new(event));
        Ok(())
    }

    fn broken(&self) -> ReadError {
        broken(self.aggregate, self.history.tail.sequence)
    }
}
