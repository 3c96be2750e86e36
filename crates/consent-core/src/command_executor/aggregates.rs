//! An account and a user, as their events say.

use std::sync::Arc;

use assent_domain::account::AccountState;
use assent_domain::event::{AdminConsentGranted, Event};
use assent_domain::ids::Sequence;
use assent_domain::user::UserState;
use assent_event_log::{Damage, History, RecordedEvent};

use super::log_errors::unreadable;
use crate::failure::Failure;

/// An account and its events.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account's state, folded from its events.
    pub state: AccountState,
    /// The events.
    pub history: Arc<History>,
}

impl Account {
    /// A company of which no event can be read, as a view says it is.
    pub(crate) fn seen(state: AccountState) -> Self {
        Self {
            state,
            history: Arc::default(),
        }
    }

    /// The administrator's consent in force, and the event that recorded it.
    pub fn consent(&self) -> Option<(&RecordedEvent, &AdminConsentGranted)> {
        let recorded_at = self.state.consent()?.recorded_at;
        let recorded = self.history.find(recorded_at)?;
        match &recorded.decoded.event {
            Event::AdminConsentGranted(granted) => Some((recorded, granted)),
            Event::ModeChanged(_) | Event::UserScopeGranted(_) | Event::UserScopeRevoked(_) => None,
        }
    }
}

/// A user and the events of it.
#[derive(Debug, Clone)]
pub struct User {
    /// The user's state, folded from their events.
    pub state: UserState,
    /// The events.
    pub history: Arc<History>,
}

impl User {
    /// A user of whom no more can be said than what the last events say.
    pub(crate) fn of_latest(damage: &Damage) -> Result<Self, Failure> {
        let history = Arc::new(damage.latest.clone());
        let state = history.user_state().map_err(unreadable)?;
        Ok(Self { state, history })
    }

    /// Applies more events to a user.
    pub(crate) fn with_events(self, events: &[(Sequence, &Event)]) -> Result<Self, Failure> {
        let state = evolve_all(self.state, events, UserState::evolve)?;
        Ok(Self { state, ..self })
    }
}

pub(super) fn evolve_all<S, E>(
    start: S,
    events: &[(Sequence, &Event)],
    evolve: impl Fn(S, Sequence, &Event) -> Result<S, E>,
) -> Result<S, Failure>
where
    E: std::error::Error + Send + Sync + 'static,
{
    events
        .iter()
        .try_fold(start, |state, (sequence, event)| {
            evolve(state, *sequence, event)
        })
        .map_err(|illegal| Failure::Internal(illegal.into()))
}
