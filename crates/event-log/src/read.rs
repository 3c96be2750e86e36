//! All that happened to one account or user.
//!
//! What is read once is kept in memory (`read::known`), and believed again as long as the stream's leader
//! says that it ends with the very same message and counts as many. What follows on it, or all of it,
//! is read in batches. These may be answered by a replica that lags or has lost something, and a
//! decision must not be made on that: so a batch is believed only as far as each event names the one
//! before it and the leader's own last message closes the chain. Where the chain does not go on, the
//! leader is asked, message by message.
//!
//! That the server gives no event, or none after the last one, is not believed by itself: a record
//! that is damaged on its disk is answered as if it had never been. The server still counts it, so
//! a history is believed only where it holds as many messages as are counted, those that are void
//! among them. What the server itself knows to be gone it counts no more; then only a history that
//! goes on after it, with an event, is believed.

pub mod damage;
pub(crate) mod known;
mod reading;

use std::sync::Arc;
use std::time::Duration;

use assent_contract::codec::Unreadable;
use assent_contract::names::{
    EVENT_STREAM, aggregate_of_event_subject, event_subject, event_subjects_of_users,
};
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_messaging::JetStreamError;
use assent_messaging::jetstream::SubjectCount;
use tokio::time::Instant;

use crate::EventLog;
use crate::entry::LogEntry;
use crate::history::History;
use damage::Damage;
use reading::Reading;

/// Why something was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// An event that this program can't read. What it says may take a permission away, so nothing
    /// of the aggregate may be believed.
    #[error("event {sequence} of {aggregate:?} can't be read")]
    Unreadable {
        /// Whose event it is.
        aggregate: Aggregate,
        /// The message's sequence in the log.
        sequence: Sequence,
        /// What is wrong with it.
        #[source]
        source: Unreadable,
    },
    /// An event that does not follow on the one before it: something was changed, dropped or
    /// slipped in.
    #[error("event {sequence} of {aggregate:?} does not follow on its predecessor")]
    BrokenChain {
        /// Whose event it is.
        aggregate: Aggregate,
        /// The message's sequence in the log.
        sequence: Sequence,
    },
    /// The server counts more events of an aggregate than it gives: some are damaged on its disk.
    #[error(transparent)]
    Damaged(Box<Damage>),
    /// The stream is not there.
    #[error("the stream of consent events is not there")]
    NotThere,
    /// The log can't be asked, or refused.
    #[error("the event log can't be read")]
    JetStream(#[source] JetStreamError),
}

/// Some of an account's users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersPage {
    /// The users.
    pub users: Vec<UserId>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<usize>,
}

/// Listing the subjects of a large account takes the server a while.
const LISTING_DEADLINE: Duration = Duration::from_secs(10);

impl From<JetStreamError> for ReadError {
    fn from(error: JetStreamError) -> Self {
        match error {
            JetStreamError::StreamNotFound { .. } => Self::NotThere,
            error @ (JetStreamError::NotConnected
            | JetStreamError::TimedOut { .. }
            | JetStreamError::NobodyThere { .. }
            | JetStreamError::Unavailable { .. }
            | JetStreamError::NotPermitted { .. }
            | JetStreamError::TooLarge { .. }
            | JetStreamError::Refused { .. }
            | JetStreamError::Misunderstood { .. }) => Self::JetStream(error),
        }
    }
}

impl EventLog {
    /// Every event of one aggregate, and what they come to. Takes one round trip if nothing was
    /// appended since it was read last, two if something was or it was never read, and one more for
    /// every 2,000 events. An unreadable event, a broken chain, or an event that is counted and not
    /// given fails the whole; a message that an operator declared void is passed over.
    pub async fn read(&self, aggregate: &Aggregate) -> Result<Arc<History>, ReadError> {
        let connects = self.connection.connects();
        let history = match self.known.get(aggregate, connects) {
            Some(known) => self.read_on(aggregate, known).await?,
            None => None,
        };
        let history = match history {
            Some(history) => history,
            None => self.read_whole(aggregate).await?,
        };
        self.known.keep(aggregate, connects, &history);
        Ok(history)
    }

    /// What was read before, with what follows; `None` if there is any doubt about it.
    async fn read_on(
        &self,
        aggregate: &Aggregate,
        known: Arc<History>,
    ) -> Result<Option<Arc<History>>, ReadError> {
        let past_damage = known.past_damage.len();
        let mut reading = Reading::new(self, aggregate, known);
        let is_all = match reading.read_all().await {
            Ok(is_all) => is_all,
            Err(error @ ReadError::JetStream(_)) => return Err(error),
            Err(_) => return Ok(None),
        };
        let is_sure = is_all && past_damage == reading.history.past_damage.len();
        Ok(is_sure.then_some(reading.history))
    }

    async fn read_whole(&self, aggregate: &Aggregate) -> Result<Arc<History>, ReadError> {
        let mut reading = Reading::new(self, aggregate, Arc::default());
        match reading.read_all().await {
            Ok(true) => Ok(reading.history),
            Ok(false) | Err(ReadError::BrokenChain { .. }) => self.read_carefully(aggregate).await,
            Err(error) => Err(error),
        }
    }

    /// One stored message, whatever it is: to see whether a sequence still means what it meant.
    pub async fn entry(&self, sequence: Sequence) -> Result<Option<LogEntry>, ReadError> {
        if sequence.0 == 0 {
            return Ok(None);
        }
        let found = self
            .connection
            .message_at(EVENT_STREAM, sequence.0, self.deadline);
        Ok(found.await?.map(LogEntry::from))
    }

    /// The first message of an account or user after a place in the log, whatever it is.
    pub async fn next_of(
        &self,
        aggregate: &Aggregate,
        after: Sequence,
    ) -> Result<Option<LogEntry>, ReadError> {
        let deadline = Instant::now() + self.deadline;
        let subject = event_subject(aggregate);
        self.first_after(&subject, after, deadline).await
    }

    /// The first message on the subject after a given one.
    pub(crate) async fn first_after(
        &self,
        subject: &str,
        sequence: Sequence,
        deadline: Instant,
    ) -> Result<Option<LogEntry>, ReadError> {
        let (from, time_left) = (sequence.0.saturating_add(1), remaining(deadline));
        let next = self
            .connection
            .next_message(EVENT_STREAM, subject, from, time_left);
        Ok(next.await?.map(LogEntry::from))
    }

    /// Some of the users of an account of whom there are messages, in order, after the first `offset` of them.
    pub async fn users_of(
        &self,
        account: &AccountId,
        offset: usize,
    ) -> Result<UsersPage, ReadError> {
        let filter = event_subjects_of_users(account);
        let page = self
            .connection
            .subjects(EVENT_STREAM, &filter, offset, LISTING_DEADLINE);
        let page = page.await?;
        let users =
            page.subjects
                .iter()
                .filter_map(|subject| match aggregate_of_event_subject(subject)? {
                    Aggregate::User(_, user) => Some(user),
                    Aggregate::Account(_) => None,
                });
        Ok(UsersPage {
            users: users.collect(),
            next: page.next,
        })
    }

    /// How many messages the server counts on the subject, readable or not.
    pub(crate) async fn count(
        &self,
        subject: &str,
        deadline: Instant,
    ) -> Result<SubjectCount, ReadError> {
        let counted = self
            .connection
            .count_messages(EVENT_STREAM, subject, remaining(deadline));
        Ok(counted.await?)
    }
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn broken(aggregate: &Aggregate, sequence: Sequence) -> ReadError {
    ReadError::BrokenChain {
        aggregate: aggregate.clone(),
        sequence,
    }
}
