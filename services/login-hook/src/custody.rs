//! The token broker, as a login sees it. It is asked once the decision stands, and nothing of a login rests on it: where there
//! is none, or it is slow, the login is as it would be without.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use assent_contract::command::Sensitive;
use assent_contract::custody::{CustodyQuery, CustodyStatus, Deposit, Deposited, HeldToken};
use assent_contract::names::{CUSTODY_DEPOSIT, CUSTODY_STATUS};
use assent_contract::values::PersonId;
use assent_messaging::{Connection, RequestError};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::telemetry::{current_traceparent, sending};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tracing::Instrument as _;
use zeroize::Zeroize as _;

use crate::offers::Offers;
use crate::outage::Outage;
use crate::remembered::Remembered;
use crate::whose::{HeldFor, Whose};

/// How long the broker has to try a token at Microsoft. No login waits for it that long.
const DEPOSIT_DEADLINE: Duration = Duration::from_secs(15);
/// How many tokens may be on their way to the broker. Beyond that they are dropped: the next login brings another one.
const DEPOSITS_IN_FLIGHT: usize = 128;
/// How long no login asks a broker that did not answer the last one in time.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// What is known to be held is known for so long at least, and twice as long at most.
const HELD_HALF_LIFE: Duration = Duration::from_secs(30);
/// Of how many users; others are asked about again.
const MOST_HELD: usize = 10_000;

/// The token broker.
#[derive(Debug)]
pub(crate) struct Custody {
    broker: Arc<Broker>,
    offers: Arc<Offers>,
    patience: Duration,
    deposits: Arc<Semaphore>,
}

#[derive(Debug)]
struct Broker {
    connection: Connection,
    known: Remembered<HeldFor>,
    outage: Outage,
    left_alone_until: Mutex<Option<Instant>>,
}

/// Why the broker did not do it.
#[derive(Debug, thiserror::Error)]
enum BrokerError {
    #[error("the token broker did not answer")]
    Request(#[from] RequestError),
    #[error("the token broker's answer can't be read")]
    Unreadable(#[from] serde_json::Error),
}

impl Custody {
    /// `patience` is how long a login waits for it.
    pub(crate) fn new(connection: Connection, patience: Duration) -> Self {
        Self {
            offers: Arc::new(Offers::new(connection.clone())),
            broker: Arc::new(Broker {
                connection,
                known: Remembered::new(HELD_HALF_LIFE, MOST_HELD),
                outage: Outage::new("the token broker"),
                left_alone_until: Mutex::new(None),
            }),
            patience,
            deposits: Arc::new(Semaphore::new(DEPOSITS_IN_FLIGHT)),
        }
    }

    pub(crate) const fn offers(&self) -> &Arc<Offers> {
        &self.offers
    }

    /// Whether there is a broker that says that it lacks a usable token of this mailbox.
    pub(crate) async fn lacks(&self, whose: &Whose) -> bool {
        let key = whose.key();
        if self.broker.known.get(&key) == Some(whose.held_for) || self.broker.is_left_alone() {
            return false;
        }
        let query = CustodyQuery {
            account_id: whose.account.clone(),
            user_id: whose.user.clone(),
        };
        let asked = self.broker.ask(CUSTODY_STATUS, &query, self.patience).await;
        let Some(CustodyStatus { held, .. }) = asked else {
            return false;
        };
        let is_held = held.is_some_and(|held| is_usable(&held, whose.held_for.person));
        if is_held {
            self.broker.known.note(key, whose.held_for);
        }
        !is_held
    }

    /// Hands a refresh token over, and says whether it was taken, as far as that is known soon: the broker tries it at
    /// Microsoft, and goes on when the login has given up.
    pub(crate) async fn deposit(
        &self,
        whose: &Whose,
        refresh_token: Sensitive,
        at_least: Option<u64>,
    ) -> Option<bool> {
        if self.broker.is_left_alone() {
            return None;
        }
        let permit = Arc::clone(&self.deposits).try_acquire_owned().ok()?;
        let deposit = Deposit {
            account_id: whose.account.clone(),
            user_id: whose.user.clone(),
            microsoft_identity: whose.held_for.person,
            refresh_token,
            at_least,
        };
        let (broker, offers) = (Arc::clone(&self.broker), Arc::clone(&self.offers));
        let whose = whose.clone();
        let deposited = async move {
            let _permit = permit;
            let asked = broker
                .ask(CUSTODY_DEPOSIT, &deposit, DEPOSIT_DEADLINE)
                .await;
            let Deposited { kept, reason } = asked?;
            if let Some(reason) = reason {
                tracing::debug!(?reason, "the refresh token of a sign-in is not kept");
            }
            if kept {
                offers.forget(&whose.key());
                broker.known.note(whose.key(), whose.held_for);
            }
            Some(kept)
        };
        let on_its_way = tokio::spawn(deposited.in_current_span());
        match tokio::time::timeout(self.patience, on_its_way).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

/// One that waits for the user to sign in again is of no use to anybody.
fn is_usable(held: &HeldToken, person: PersonId) -> bool {
    held.microsoft_identity == person && !held.reauthentication_required
}

impl Broker {
    /// `None` where it does not answer, or answers that it can't.
    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &'static str,
        question: &Q,
        deadline: Duration,
    ) -> Option<A> {
        let asked = async {
            let payload = Bytes::from(serde_json::to_vec(question)?);
            let traceparent = current_traceparent();
            let asked = self
                .connection
                .request_bytes(subject, payload.clone(), traceparent.as_deref(), deadline)
                .await;
            // A refresh token may be in it. Once it is sent nobody else has it.
            if let Ok(mut sent) = payload.try_into_mut() {
                sent.as_mut().zeroize();
            }
            Ok::<A, BrokerError>(serde_json::from_slice(&asked?)?)
        }
        .instrument(sending(subject))
        .await;
        let error = match asked {
            Ok(answer) => {
                self.outage.answered();
                return Some(answer);
            }
            Err(error) => error,
        };
        match &error {
            // Many installations have none, and this is said at once.
            BrokerError::Request(RequestError::NoResponders { .. }) => {}
            // It speaks; what it refuses is its own business.
            BrokerError::Request(RequestError::Service { .. }) => {
                tracing::debug!(error = %with_sources(&error), "the token broker refused");
            }
            BrokerError::Request(
                RequestError::NotConnected
                | RequestError::TimedOut { .. }
                | RequestError::NotPermitted { .. }
                | RequestError::TooLarge { .. }
                | RequestError::CannotBeSent { .. },
            )
            | BrokerError::Unreadable(_) => {
                self.leave_alone();
                self.outage.failed(&error);
            }
        }
        None
    }

    fn is_left_alone(&self) -> bool {
        let until = *self
            .left_alone_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn leave_alone(&self) {
        let mut until = self
            .left_alone_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *until = Instant::now().checked_add(LEFT_ALONE);
    }
}
