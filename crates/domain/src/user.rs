//! The state of a user, and how events change it.

use std::cmp::Ordering;

use crate::account::IllegalEvent;
use crate::event::{Authority, Event, UserScopeGranted, UserScopeRevoked};
use crate::ids::{Epoch, MicrosoftIdentity, Sequence};
use crate::permissions::{Kinds, PermissionSet};

/// What is known of a user. It is kept per epoch: what an earlier one left behind counts
/// for nothing, so that a change of method costs the same for one user and for a million.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserState {
    /// The epoch that the rest of this state is of.
    pub epoch: Epoch,
    /// What the user granted.
    pub own: PermissionSet,
    /// What was granted automatically, under an administrator's consent.
    pub automatic: PermissionSet,
    /// What the user has answered: granted, revoked or declined.
    pub answered: Kinds,
    /// Who the user is at Microsoft, from the last grant of any epoch.
    pub identity: Option<MicrosoftIdentity>,
    /// The user's last event.
    pub last_sequence: Sequence,
}

impl UserState {
    /// What is known after one more event of this user.
    pub fn evolve(self, sequence: Sequence, event: &Event) -> Result<Self, IllegalEvent> {
        if sequence <= self.last_sequence {
            return Err(IllegalEvent::OutOfOrder);
        }
        let next = match event {
            Event::UserScopeGranted(granted) => self.after_grant(granted),
            Event::UserScopeRevoked(revoked) => self.after_revocation(revoked),
            Event::ModeChanged(_) | Event::AdminConsentGranted(_) => {
                return Err(IllegalEvent::WrongAggregate);
            }
        };
        Ok(Self {
            last_sequence: sequence,
            ..next
        })
    }

    /// What is known of the user in this epoch of the company: nothing, if the user's
    /// last event that counted was of another one.
    #[must_use]
    pub fn in_epoch(&self, epoch: Epoch) -> Self {
        if self.epoch == epoch {
            return self.clone();
        }
        Self {
            epoch,
            identity: self.identity,
            last_sequence: self.last_sequence,
            ..Self::default()
        }
    }

    /// An event of a newer epoch starts from nothing. One of an older epoch came too late:
    /// the company had moved on while it was under way.
    fn entering(self, epoch: Epoch) -> Result<Self, Self> {
        match epoch.cmp(&self.epoch) {
            Ordering::Less => Err(self),
            Ordering::Equal => Ok(self),
            Ordering::Greater => Ok(self.in_epoch(epoch)),
        }
    }

    fn after_grant(self, granted: &UserScopeGranted) -> Self {
        let state = match self.entering(granted.epoch) {
            Ok(state) => state,
            Err(unchanged) => return unchanged,
        };
        let (own, automatic) = match granted.authority {
            Authority::User => (state.own.join(granted.permissions), state.automatic),
            Authority::AdministratorConsent(_) => {
                (state.own, state.automatic.join(granted.permissions))
            }
        };
        Self {
            own,
            automatic,
            answered: state.answered.union(granted.permissions.kinds()),
            identity: Some(granted.identity),
            ..state
        }
    }

    fn after_revocation(self, revoked: &UserScopeRevoked) -> Self {
        let state = match self.entering(revoked.epoch) {
            Ok(state) => state,
            Err(unchanged) => return unchanged,
        };
        Self {
            own: state.own.without(revoked.permissions),
            automatic: state.automatic.without(revoked.permissions),
            answered: state.answered.union(revoked.permissions),
            ..state
        }
    }
}
