//! Group commit: what is to be appended while a batch is being stored goes together into the next one.
//!
//! The server syncs its disk once for each message that comes alone, and once for a batch of any size. So the first append
//! goes out at once, and those that come until it is acknowledged follow as one atomic batch. There is no timer: a lone
//! append never waits for company.
//!
//! A batch is stored whole or not at all, so one append that comes too late would undo its neighbours. A batch that the
//! server refuses is sent again in halves, down to the single append, which is then told why by itself.

mod batch;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assent_messaging::Connection;
use assent_messaging::jetstream::{Append, Expected, PendingAck};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::{AppendError, not_sent};
use batch::{Member, SentBatch};
pub(super) use batch::{Outcome, Share};

/// How many messages go together. The server takes 1,000.
const BATCH_MESSAGES: usize = 256;
/// An append of more bytes than this goes alone. Events are far below it, and what the server finds too large ends the
/// connection for all that is under way.
const LARGE: usize = 64 << 10;
/// How many appends may wait; what comes beyond them is refused, as nothing of it was sent.
const MOST_WAITING: usize = 8_192;
/// Of how many aggregates it is remembered where they end; then it begins anew.
const MOST_ENDS: usize = 4_096;
/// How long the next batch waits for an acknowledgement. One that was lost must not hold up all that come after it.
const HEAD_START: Duration = Duration::from_millis(250);

/// What waits, and whether somebody sends it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupCommit(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    arrived: u64,
    is_sending: bool,
    /// Where the aggregates of late appends end, by subject: what is to come before that comes too late for sure, and would
    /// only undo a batch.
    ends: HashMap<String, u64>,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    append: Append,
    deadline: Instant,
    sent: oneshot::Sender<Result<Sent, AppendError>>,
}

/// How an append went out.
#[derive(Debug)]
pub(super) enum Sent {
    /// By itself.
    Alone {
        ack: PendingAck,
        /// Whatever waits goes out when this is dropped.
        turn: Option<oneshot::Sender<()>>,
    },
    /// With others.
    Together(Share),
}

impl GroupCommit {
    /// Sends an append as soon as what is under way has been stored.
    pub(super) async fn send(
        &self,
        connection: &Connection,
        append: Append,
        deadline: Instant,
    ) -> Result<Sent, AppendError> {
        if LARGE < size(&append) {
            let ack = connection.send_append(append, deadline).await;
            let ack = ack.map_err(not_sent)?;
            return Ok(Sent::Alone { ack, turn: None });
        }
        let (sent, mut answer) = oneshot::channel();
        let (number, begins) = {
            let mut queue = self.lock();
            if MOST_WAITING <= queue.waiting.len() {
                return Err(AppendError::NotReachable);
            }
            queue.arrived = queue.arrived.wrapping_add(1);
            let number = queue.arrived;
            queue.waiting.push_back(Waiting {
                number,
                append,
                deadline,
                sent,
            });
            (number, !std::mem::replace(&mut queue.is_sending, true))
        };
        if begins {
            tokio::spawn(send_all(self.clone(), connection.clone()));
        }
        if let Ok(Ok(sent)) = timeout_at(deadline, &mut answer).await {
            return sent;
        }
        // What is still in the queue is passed over when its turn comes, as nobody waits for it any more.
        answer.close();
        let waits = self.lock().waiting.iter().any(|one| one.number == number);
        Err(if waits {
            AppendError::NotReachable
        } else {
            AppendError::OutcomeUnknown { source: None }
        })
    }

    /// An append was stored, and its last message has this sequence.
    pub(super) fn note_end(&self, subject: &str, sequence: u64) {
        let mut queue = self.lock();
        if MOST_ENDS <= queue.ends.len() {
            queue.ends.clear();
        }
        queue.ends.insert(subject.to_owned(), sequence);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes out next, in the order of arrival. `None`: nothing waits, and whoever comes next has to begin.
    fn next(&self) -> Option<Next> {
        let mut queue = self.lock();
        let mut next = Next::default();
        let mut messages = 0;
        let mut subjects = HashSet::new();
        let now = Instant::now();
        while let Some(waiting) = queue.waiting.pop_front() {
            if waiting.sent.is_closed() || waiting.deadline <= now {
                drop(waiting.sent.send(Err(AppendError::NotReachable)));
                continue;
            }
            let of_it = &waiting.append.messages;
            messages += of_it.len();
            let is_first = next.together.is_empty() && next.afterwards.is_empty();
            if !is_first && BATCH_MESSAGES < messages {
                queue.waiting.push_front(waiting);
                break;
            }
            let first = of_it.first();
            let is_late = first.is_some_and(|first| match first.expected {
                Expected::LastOnSubject(last) => {
                    let end = queue.ends.get(&first.subject);
                    end.is_some_and(|end| last < *end)
                }
                Expected::Anything | Expected::LastOfStream(_) => false,
            });
            if !is_late && subjects.insert(first.map(|first| first.subject.clone())) {
                next.together.push(waiting);
            } else {
                next.afterwards.push(waiting);
            }
        }
        queue.is_sending = !next.together.is_empty() || !next.afterwards.is_empty();
        queue.is_sending.then_some(next)
    }
}

/// What goes out at one time.
#[derive(Debug, Default)]
struct Next {
    /// Of each aggregate one append.
    together: Vec<Waiting>,
    /// One by one: more of the same aggregates, of which a batch may have one condition each, and what comes too late.
    afterwards: Vec<Waiting>,
}

/// Sends what waits, until nothing does.
async fn send_all(queue: GroupCommit, connection: Connection) {
    // Who was about to come at this very moment goes along.
    tokio::task::yield_now().await;
    while let Some(next) = queue.next() {
        let (turn, ended) = oneshot::channel();
        let mut together = next.together;
        match together.pop() {
            Some(only) if together.is_empty() => send_alone(&connection, only, Some(turn)).await,
            Some(last) => {
                together.push(last);
                let members = together.into_iter().filter_map(Member::new).collect();
                let batch = SentBatch::send(&connection, members).await;
                tokio::spawn(batch.see_through(connection.clone(), Some(turn)));
            }
            // What is late waits for nobody, and nobody for it.
            None => drop(turn),
        }
        for waiting in next.afterwards {
            send_alone(&connection, waiting, None).await;
        }
        drop(timeout(HEAD_START, ended).await);
    }
}

async fn send_alone(connection: &Connection, waiting: Waiting, turn: Option<oneshot::Sender<()>>) {
    let sent = connection.send_append(waiting.append, waiting.deadline);
    let sent = match sent.await {
        Ok(ack) => Ok(Sent::Alone { ack, turn }),
        Err(error) => Err(not_sent(error)),
    };
    // Where it went out and nobody is there any more, nobody wants to know what became of it.
    drop(waiting.sent.send(sent));
}

/// Bytes of headers and bodies.
fn size(append: &Append) -> usize {
    let messages = append.messages.iter();
    let sizes = messages.map(|message| {
        let headers = message.headers.iter();
        let headers = headers.map(|(name, value)| name.len() + value.len());
        headers.sum::<usize>() + message.payload.len()
    });
    sizes.sum()
}
