//! What is known of an account or a user, or that it can't be known any more.

use assent_domain::account::{AccountState, IllegalEvent};
use assent_domain::event::{Aggregate, Event};
use assent_domain::ids::{AccountId, MicrosoftIdentity, Sequence, UserId};
use assent_domain::mode::AuthorizationMethod;
use assent_domain::permissions::PermissionSet;
use assent_domain::user::UserState;

use crate::entry::{Content, Entry};

/// What is known of an account or a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projected<S> {
    /// All of its events were read, and add up to this.
    Known(S),
    /// One of its events can't be believed, so nothing after it can be either.
    Blocked {
        /// The first such event.
        at: Sequence,
    },
}

impl<S: Default> Default for Projected<S> {
    fn default() -> Self {
        Self::Known(S::default())
    }
}

impl<S> Projected<S> {
    /// What is known, if it is.
    pub const fn known(&self) -> Option<&S> {
        match self {
            Self::Known(state) => Some(state),
            Self::Blocked { .. } => None,
        }
    }
}

impl Projected<AccountState> {
    /// The authorization method; the default one where the account is blocked.
    pub fn method(&self) -> AuthorizationMethod {
        self.known().map(AccountState::method).unwrap_or_default()
    }

    /// The account's last event that counted.
    pub const fn last_sequence(&self) -> Sequence {
        match self {
            Self::Known(state) => state.last_sequence,
            Self::Blocked { at } => *at,
        }
    }
}

impl Projected<UserState> {
    /// The user's last event that counted.
    pub const fn last_sequence(&self) -> Sequence {
        match self {
            Self::Known(state) => state.last_sequence,
            Self::Blocked { at } => *at,
        }
    }
}

/// What may be done for a user: nothing, where the company or the user is blocked.
pub fn effective(account: &Projected<AccountState>, user: &Projected<UserState>) -> PermissionSet {
    match (account, user) {
        (Projected::Known(account), Projected::Known(user)) => {
            assent_domain::effective::effective(account, user)
        }
        (Projected::Blocked { .. }, _) | (_, Projected::Blocked { .. }) => PermissionSet::NOTHING,
    }
}

/// Whose mailbox a user's grants are of; nobody's, where the company or the user is blocked.
pub fn mailbox(
    account: &Projected<AccountState>,
    user: &Projected<UserState>,
) -> Option<MicrosoftIdentity> {
    user.known()?.mailbox(account.known()?.epoch)
}

/// A state that events change: an account's or a user's.
pub(crate) trait Folded: Default {
    fn evolve(self, sequence: Sequence, event: &Event) -> Result<Self, IllegalEvent>;
}

impl Folded for AccountState {
    fn evolve(self, sequence: Sequence, event: &Event) -> Result<Self, IllegalEvent> {
        Self::evolve(self, sequence, event)
    }
}

impl Folded for UserState {
    fn evolve(self, sequence: Sequence, event: &Event) -> Result<Self, IllegalEvent> {
        Self::evolve(self, sequence, event)
    }
}

/// What is known after one more entry of the same aggregate.
pub(crate) fn fold<S: Folded>(
    state: Projected<S>,
    aggregate: &Aggregate,
    entry: &Entry,
) -> Projected<S> {
    let Projected::Known(known) = state else {
        return state;
    };
    let blocked = Projected::Blocked { at: entry.sequence };
    let event = match &entry.content {
        Content::Event(event) => event,
        // Whoever read the entry knows why, and has told it.
        Content::Unreadable => return blocked,
        Content::Void => return Projected::Known(known),
    };
    if !concerns(event, aggregate) {
        tracing::error!(operator_alarm = "illegal_event", ?aggregate, sequence = %entry.sequence, "an event is of another aggregate than its subject: blocked from here on");
        return blocked;
    }
    match known.evolve(entry.sequence, event) {
        Ok(state) => Projected::Known(state),
        Err(illegal) => {
            tracing::error!(operator_alarm = "illegal_event", ?aggregate, sequence = %entry.sequence, %illegal, "an event can't follow what is known: blocked from here on");
            blocked
        }
    }
}

/// Whether the event is of the aggregate, found out without copying any id.
fn concerns(event: &Event, aggregate: &Aggregate) -> bool {
    let (account, user): (&AccountId, Option<&UserId>) = match event {
        Event::ModeChanged(event) => (&event.account, None),
        Event::AdminConsentGranted(event) => (&event.account, None),
        Event::UserScopeGranted(event) => (&event.account, Some(&event.user)),
        Event::UserScopeRevoked(event) => (&event.account, Some(&event.user)),
    };
    match aggregate {
        Aggregate::Account(company) => company == account && user.is_none(),
        Aggregate::User(company, name) => company == account && user == Some(name),
    }
}
