//! What is effective, known as sync workers know it. The projection is asked for the whole state, for a broker has to know the
//! epoch, too: what it holds may be of an earlier one.
//!
//! An answer of the projection is remembered until a change of the user or of the company is told, and a while at the most.
//! It is of no use once something may have been missed: while NATS or the projections are silent, after a reconnect, after
//! messages were dropped, on another log. A change that is told while an answer is on its way makes that answer count once,
//! and not be remembered.

mod following;
mod stamps;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assent_contract::names::QUERY_LOGIN_STATE;
use assent_contract::problem::ErrorCode;
use assent_contract::query::{LoginState, NoConsent, UserQuery};
use assent_contract::values::PersonId;
use assent_domain::account::AccountState;
use assent_domain::effective::effective;
use assent_domain::permissions::PermissionSet;
use assent_domain::user::UserState;
use assent_messaging::{Connection, RequestError};
use assent_service_kit::telemetry::{current_traceparent, sending};
use quick_cache::sync::Cache;
use tracing::Instrument as _;

use crate::user_key::UserKey;
use stamps::Stamps;

pub(crate) use following::{Told, follow, keep_alive};
pub(crate) use stamps::Stamp;

/// How many users are remembered: some hundred bytes each.
const REMEMBERED: usize = 50_000;
/// For how long. Changes end it sooner; this is for what would keep all projections from telling any.
const AT_MOST: Duration = Duration::from_secs(10);
/// How long the projections may be silent.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a question may take: more than the projections wait for what `at_least` names.
const DEADLINE: Duration = Duration::from_secs(4);

/// What may be done for each user.
#[derive(Debug)]
pub(crate) struct Permissions {
    connection: Connection,
    known: Cache<UserKey, Known>,
    stamps: Stamps,
    /// When the projections last answered, and which log they spoke of.
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    at: Option<Instant>,
    log: Option<String>,
    connects: u64,
}

#[derive(Debug, Clone)]
struct Known {
    permitted: Permitted,
    at: Instant,
}

/// What may be done for a user, and as of when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permitted {
    /// What is effective; nothing for whoever is blocked.
    pub(crate) effective: PermissionSet,
    /// With whose mailbox.
    pub(crate) mailbox: Option<PersonId>,
    /// The company's epoch.
    pub(crate) epoch: u64,
    /// The place of the consent that the administrator decided with, where that rules.
    pub(crate) consent_recorded_at: Option<u64>,
    /// The user's last event.
    pub(crate) users_last_event: u64,
    /// The last event of either.
    pub(crate) last_event: u64,
    /// An event can't be read, so nothing is effective for now.
    pub(crate) is_blocked: bool,
    /// How much of the log this reflects.
    pub(crate) sequence: u64,
    pub(crate) stamp: Stamp,
}

impl Permitted {
    fn new(state: &LoginState, stamp: Stamp) -> Result<Self, NoConsent> {
        let mut permitted = Self {
            effective: PermissionSet::NOTHING,
            mailbox: None,
            epoch: state.account.epoch,
            consent_recorded_at: None,
            users_last_event: state.user.last_sequence,
            last_event: state.account.last_sequence.max(state.user.last_sequence),
            is_blocked: state.blocked,
            sequence: state.sequence,
            stamp,
        };
        if !state.blocked {
            let account = AccountState::try_from(&state.account)?;
            let user = UserState::from(&state.user);
            permitted.effective = effective(&account, &user);
            permitted.mailbox = user.mailbox(account.epoch).map(PersonId::from);
            permitted.consent_recorded_at = account.consent().map(|consent| consent.recorded_at.0);
        }
        Ok(permitted)
    }
}

/// Why it is not known what may be done: nothing may, then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PermissionsUnknown {
    /// No answer, or one that says no.
    #[error("what is effective could not be had")]
    Request(#[source] RequestError),
    /// The answer can't be read.
    #[error("what is effective can't be read")]
    Unreadable(#[source] serde_json::Error),
    /// The answer contradicts itself.
    #[error("what is effective makes no sense")]
    Nonsense(#[source] NoConsent),
}

impl PermissionsUnknown {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Request(RequestError::Service { description, .. })
                if description == ErrorCode::NotYetApplied.as_str() =>
            {
                ErrorCode::NotYetApplied
            }
            Self::Request(RequestError::NotConnected) => ErrorCode::EventLogUnavailable,
            Self::Request(
                RequestError::Service { .. }
                | RequestError::NoResponders { .. }
                | RequestError::TimedOut { .. }
                | RequestError::NotPermitted { .. }
                | RequestError::TooLarge { .. }
                | RequestError::CannotBeSent { .. },
            )
            | Self::Unreadable(_)
            | Self::Nonsense(_) => ErrorCode::ViewNotReady,
        }
    }
}

impl Permissions {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            known: Cache::new(REMEMBERED),
            stamps: Stamps::new(),
            heard: Mutex::default(),
        }
    }

    /// What may be done for a user, at `at_least` or later.
    pub(crate) async fn of(
        &self,
        whose: &UserKey,
        at_least: Option<u64>,
    ) -> Result<Permitted, PermissionsUnknown> {
        if let Some(known) = self.known.get(whose)
            && known.at.elapsed() < AT_MOST
            && at_least.is_none_or(|at_least| at_least <= known.permitted.sequence)
            && self.is_current(whose, &known.permitted)
        {
            return Ok(known.permitted);
        }
        self.ask(whose, at_least).await
    }

    /// Whether nothing was told since that would change it, and nothing can have been missed.
    pub(crate) fn is_current(&self, whose: &UserKey, permitted: &Permitted) -> bool {
        self.hears() && self.stamps.of(whose) == permitted.stamp
    }

    /// The same, or what became of it meanwhile.
    pub(crate) async fn confirm(
        &self,
        whose: &UserKey,
        permitted: Permitted,
    ) -> Result<Permitted, PermissionsUnknown> {
        if self.is_current(whose, &permitted) {
            return Ok(permitted);
        }
        self.ask(whose, Some(permitted.sequence)).await
    }

    /// The same where it reflects an event, or what is so as of that one.
    pub(crate) async fn reflecting(
        &self,
        whose: &UserKey,
        permitted: Permitted,
        event: u64,
    ) -> Result<Permitted, PermissionsUnknown> {
        if event <= permitted.sequence {
            return Ok(permitted);
        }
        self.of(whose, Some(event)).await
    }

    /// Whether the projections are heard.
    pub(crate) fn hears(&self) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.at.is_some_and(|at| at.elapsed() < SILENCE)
            && heard.connects == self.connection.connects()
    }

    async fn ask(
        &self,
        whose: &UserKey,
        at_least: Option<u64>,
    ) -> Result<Permitted, PermissionsUnknown> {
        // Noted before: what is told from here on may be missing from the answer.
        let stamp = self.stamps.of(whose);
        let query = UserQuery {
            account_id: whose.account.clone(),
            user_id: whose.user.clone(),
            at_least,
        };
        let asked = async {
            let payload = serde_json::to_vec(&query).map_err(PermissionsUnknown::Unreadable)?;
            let traceparent = current_traceparent();
            let answer = self
                .connection
                .request(QUERY_LOGIN_STATE, payload, traceparent.as_deref(), DEADLINE)
                .await
                .map_err(PermissionsUnknown::Request)?;
            serde_json::from_slice(&answer).map_err(PermissionsUnknown::Unreadable)
        };
        let state: LoginState = asked.instrument(sending(QUERY_LOGIN_STATE)).await?;
        let permitted = Permitted::new(&state, stamp).map_err(PermissionsUnknown::Nonsense)?;
        if self.is_current(whose, &permitted) {
            let known = Known {
                permitted,
                at: Instant::now(),
            };
            self.known.insert(whose.clone(), known);
        }
        Ok(permitted)
    }

    /// The projections answered.
    fn heard(&self, log: String, connects: u64) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other =
            heard.connects != connects || heard.log.as_ref().is_some_and(|known| *known != log);
        // Too long a silence is no different from a lost connection.
        let was_silent = heard.at.is_none_or(|at| SILENCE <= at.elapsed());
        if is_other || was_silent {
            self.stamps.forget_all();
        }
        *heard = Heard {
            at: Some(Instant::now()),
            log: Some(log),
            connects,
        };
    }
}
