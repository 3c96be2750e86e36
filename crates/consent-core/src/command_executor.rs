//! Decisions on the log: read an aggregate from the stream's leader, fold it, decide, and
//! append on condition that nobody else did meanwhile.

mod aggregates;
mod log_errors;

use std::sync::Arc;
use std::time::Duration;

use assent_contract::names::EVENT_STREAM;
use assent_contract::operation::VoidRecord;
use assent_contract::store::Store;
use assent_domain::account::AccountState;
use assent_domain::event::{Aggregate, Event};
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::refusal::Refusal;
use assent_domain::user::UserState;
use assent_event_log::{AppendError, Draft, EventLog, History, Tail};
use assent_messaging::Bucket;
use assent_metrics::gateway::{APPENDS_FAILED, EVENTS_RECORDED};
use assent_service_kit::telemetry::{current_traceparent, sending};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::log_guard::{AppendTrouble, LogGuard};
use crate::long_histories::LongHistories;

use aggregates::evolve_all;
pub use aggregates::{Account, User};
use log_errors::{not_declared_void, unreadable, unreadable_or_unavailable};

/// How often a decision is made anew when others keep getting in between.
const ATTEMPTS: usize = 4;

/// How long a read that waits for a write sleeps before it asks again: at first, and at last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// The log, as use cases see it.
#[derive(Debug, Clone)]
pub struct CommandExecutor {
    log: EventLog,
    last_seen: Arc<Mutex<Option<Seen>>>,
    guard: LogGuard,
    long_histories: LongHistories,
    /// Whether nothing is read or decided while the log is not the one that was written.
    guarded: bool,
    clock: Clock,
}

/// How long the log was, and when.
#[derive(Debug, Clone, Copy)]
struct Seen {
    last_sequence: u64,
    at: Instant,
}

/// What a decision led to.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) account: AccountState,
    pub(crate) user: UserState,
    /// The last event of the aggregate decided on; what `Assent-Sequence` says.
    pub(crate) sequence: Sequence,
    /// Whether nothing was appended, because everything was so already.
    pub(crate) is_nothing: bool,
}

impl CommandExecutor {
    /// Commands on this log, as long as the guard believes it. Whose history is long is noted in the bucket.
    pub fn new(log: EventLog, guard: LogGuard, notes: Bucket, clock: Clock) -> Self {
        Self {
            log,
            last_seen: Arc::default(),
            guard,
            long_histories: LongHistories::new(notes),
            guarded: true,
            clock,
        }
    }

    /// An executor that reads and writes the log whatever is wrong with it: for a person's no alone.
    pub(crate) fn beyond_trouble(&self) -> Self {
        Self {
            guarded: false,
            ..self.clone()
        }
    }

    /// Reads the histories that were long when they were read last, so that the next command on them need not.
    /// How many events they have.
    pub async fn read_ahead(&self) -> usize {
        self.long_histories.read_ahead(&self.log).await
    }

    /// The account as of now.
    pub async fn account(&self, account: &AccountId) -> Result<Account, Failure> {
        let history = self.history(&Aggregate::Account(account.clone())).await?;
        let state = history.account_state().map_err(unreadable)?;
        Ok(Account { state, history })
    }

    /// The user as of now.
    pub(crate) async fn user(&self, account: &AccountId, user: &UserId) -> Result<User, Failure> {
        let history = self
            .history(&Aggregate::User(account.clone(), user.clone()))
            .await?;
        let state = history.user_state().map_err(unreadable)?;
        Ok(User { state, history })
    }

    /// The last sequence of the whole log.
    pub(crate) async fn last_sequence(&self) -> Result<u64, Failure> {
        let status = self.log.status().await;
        Ok(status.map_err(unreadable_or_unavailable)?.last_sequence.0)
    }

    /// Waits until the log has grown to this sequence. However many wait, the log is asked by one of them at a time, and
    /// less and less often.
    pub(crate) async fn grown_to(&self, at_least: u64) -> Result<(), Failure> {
        let mut pause = FIRST_PAUSE;
        let mut too_old = Duration::ZERO;
        loop {
            let mut seen = self.last_seen.lock().await;
            // A log only grows, so what reached far enough at any time does still.
            let is_fresh = seen.is_some_and(|seen| seen.at.elapsed() < too_old);
            if !is_fresh && seen.is_none_or(|seen| seen.last_sequence < at_least) {
                *seen = Some(Seen {
                    last_sequence: self.last_sequence().await?,
                    at: Instant::now(),
                });
            }
            if seen.is_some_and(|seen| seen.last_sequence >= at_least) {
                return Ok(());
            }
            drop(seen);
            tokio::time::sleep(pause).await;
            too_old = pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Decides on an account.
    pub(crate) async fn execute_on_account(
        &self,
        account: &AccountId,
        decide: impl Fn(&AccountState) -> Result<Vec<Event>, Refusal>,
    ) -> Result<Recorded, Failure> {
        for _ in 0..ATTEMPTS {
            let company = self.account(account).await?;
            if let Some(recorded) = self.try_on_account(company, &decide).await? {
                return Ok(recorded);
            }
        }
        Err(Failure::ConcurrentChange)
    }

    /// Decides on an account as somebody saw it: if it has changed since, nothing is decided.
    pub(crate) async fn execute_on_account_as_seen(
        &self,
        account: &AccountId,
        seen: Sequence,
        decide: impl Fn(&AccountState) -> Result<Vec<Event>, Refusal>,
    ) -> Result<Recorded, Failure> {
        let company = self.account(account).await?;
        if company.state.last_sequence != seen {
            return Err(Failure::ConcurrentChange);
        }
        let recorded = self.try_on_account(company, &decide).await?;
        recorded.ok_or(Failure::ConcurrentChange)
    }

    /// `None` when somebody else was first.
    async fn try_on_account(
        &self,
        company: Account,
        decide: &impl Fn(&AccountState) -> Result<Vec<Event>, Refusal>,
    ) -> Result<Option<Recorded>, Failure> {
        let events = decide(&company.state)?;
        let Some(recorded) = self.append(company.history.tail, &events).await? else {
            return Ok(None);
        };
        let state = evolve_all(company.state, &recorded, AccountState::evolve)?;
        let sequence = state.last_sequence;
        Ok(Some(Recorded {
            account: state,
            user: UserState::default(),
            sequence,
            is_nothing: recorded.is_empty(),
        }))
    }

    /// Decides on a user, in the light of the account.
    pub(crate) async fn execute_on_user(
        &self,
        account: &AccountId,
        user: &UserId,
        decide: impl Fn(&AccountState, &UserState) -> Result<Vec<Event>, Refusal>,
    ) -> Result<Recorded, Failure> {
        for _ in 0..ATTEMPTS {
            let (company, user) =
                tokio::try_join!(self.account(account), self.user(account, user))?;
            let events = decide(&company.state, &user.state)?;
            let Some(recorded) = self.append(user.history.tail, &events).await? else {
                continue;
            };
            let state = evolve_all(user.state, &recorded, UserState::evolve)?;
            let sequence = state.last_sequence;
            return Ok(Recorded {
                account: company.state,
                user: state,
                sequence,
                is_nothing: recorded.is_empty(),
            });
        }
        Err(Failure::ConcurrentChange)
    }

    /// Declares a message of the log void; what is recorded about it, and whether it was there before.
    pub(crate) async fn declare_void(
        &self,
        sequence: Sequence,
        reason: &str,
        operator: &str,
        at: Timestamp,
    ) -> Result<(VoidRecord, bool), Failure> {
        let declared = self.log.declare_void(sequence, reason, operator, at).await;
        declared.map_err(not_declared_void)
    }

    async fn history(&self, aggregate: &Aggregate) -> Result<Arc<History>, Failure> {
        if self.guarded {
            self.guard.check().await?;
        }
        let history = self.log.read(aggregate).await;
        let history = history.map_err(unreadable_or_unavailable)?;
        self.long_histories.note(aggregate, &history);
        Ok(history)
    }

    /// Appends all or nothing; `None` when somebody else appended first.
    pub(crate) async fn append<'a>(
        &self,
        tail: Tail,
        events: &'a [Event],
    ) -> Result<Option<Vec<(Sequence, &'a Event)>>, Failure> {
        if events.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let sending = sending(EVENT_STREAM);
        let traceparent = sending.in_scope(current_traceparent);
        let drafts = events
            .iter()
            .map(|event| Draft {
                id: event_id(event),
                time: self.clock.now(),
                traceparent: traceparent.clone(),
                event: event.clone(),
            })
            .collect();
        match self.log.append(tail, drafts).instrument(sending).await {
            Ok(appended) => {
                let Tail { sequence, hash } = appended.tail;
                self.guard.recorded(&self.log, sequence, hash);
                for event in events {
                    let kind = assent_contract::codec::event_type(event);
                    EVENTS_RECORDED.with([kind]).increment(1);
                }
                Ok(Some(appended.sequences.into_iter().zip(events).collect()))
            }
            Err(AppendError::Conflict) => Ok(None),
            Err(error @ AppendError::Full { .. }) => {
                APPENDS_FAILED.with(["full"]).increment(1);
                self.guard.not_appended(AppendTrouble::Full);
                Err(Failure::StoreFull {
                    store: Store::Events.name().to_owned(),
                    cause: error.into(),
                })
            }
            Err(error @ AppendError::OutcomeUnknown { .. }) => {
                APPENDS_FAILED.with(["unknown"]).increment(1);
                self.guard.not_appended(AppendTrouble::Silent);
                Err(Failure::LogUnavailable(error.into()))
            }
            Err(error) => {
                APPENDS_FAILED.with(["unavailable"]).increment(1);
                Err(Failure::LogUnavailable(error.into()))
            }
        }
    }
}

/// A consent is named by its event's id; the others need just any.
fn event_id(event: &Event) -> Uuid {
    match event {
        Event::AdminConsentGranted(granted) => granted.consent.0,
        Event::ModeChanged(_) | Event::UserScopeGranted(_) | Event::UserScopeRevoked(_) => {
            Uuid::now_v7()
        }
    }
}
