//! The state of a user, and how events change it.

use std::cmp::Ordering;

use crate::account::IllegalEvent;
use crate::event::{Authority, Event, RevocationReason, UserScopeGranted, UserScopeRevoked};
use crate::ids::{Epoch, MicrosoftIdentity, Sequence};
use crate::permissions::{Kinds, Permission, PermissionSet};

/// What is known of a user. It is kept per epoch: what an earlier one left behind counts
/// for nothing, so that a change of method costs the same for one user and for a million.
///
/// It is of one Microsoft identity. A grant by another one starts it anew: a permission to read
/// one mailbox is none to read another, and whoever was asked about the one has not been asked
/// about the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserState {
    /// The epoch that the rest of this state is of.
    pub epoch: Epoch,
    /// What the user granted.
    pub own: PermissionSet,
    /// What was granted automatically, under an administrator's consent.
    pub automatic: PermissionSet,
    /// What the user has answered: granted, revoked or declined. A withdrawal at Microsoft is no
    /// answer.
    pub answered: Kinds,
    /// When the user last said no to each permission. What was begun before can't grant it any more: a person's no is
    /// final until they say yes again.
    pub last_no: LastEvents,
    /// Which of those noes were said at Microsoft; the others took back what was granted.
    pub declined: Kinds,
    /// When each permission was last withdrawn at Microsoft, unless it was granted again since.
    pub last_withdrawal: LastEvents,
    /// Whose mailbox the rest of this state is about: the Microsoft identity of the last grant. It
    /// stays when all was revoked, for then the answers are about that mailbox.
    pub identity: Option<MicrosoftIdentity>,
    /// What was granted for another mailbox, and stayed behind when this one took its place.
    pub left_behind: Kinds,
    /// The user's last event.
    pub last_sequence: Sequence,
}

/// The last event of a kind about each permission, in one epoch; 0 where there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastEvents {
    /// About calendar.
    pub calendar: Sequence,
    /// About contacts.
    pub contacts: Sequence,
    /// About e-mail, at whatever level.
    pub email: Sequence,
}

impl LastEvents {
    /// The one about this permission.
    pub(crate) const fn about(self, permission: Permission) -> Sequence {
        match permission {
            Permission::Calendar => self.calendar,
            Permission::Contacts => self.contacts,
            Permission::Email => self.email,
        }
    }

    /// About what there was one after this event.
    pub fn after(self, event: Sequence) -> Kinds {
        Kinds {
            calendar: event < self.calendar,
            contacts: event < self.contacts,
            email: event < self.email,
        }
    }

    /// One more, about these.
    fn with(self, about: Kinds, at: Sequence) -> Self {
        let latest = |is_meant, before| if is_meant { at } else { before };
        Self {
            calendar: latest(about.calendar, self.calendar),
            contacts: latest(about.contacts, self.contacts),
            email: latest(about.email, self.email),
        }
    }

    /// As if there had been none about these.
    fn without(self, about: Kinds) -> Self {
        self.with(about, Sequence(0))
    }
}

impl UserState {
    /// What is known after one more event of this user.
    pub fn evolve(self, sequence: Sequence, event: &Event) -> Result<Self, IllegalEvent> {
        if sequence <= self.last_sequence {
            return Err(IllegalEvent::OutOfOrder);
        }
        let next = match event {
            Event::UserScopeGranted(granted) => self.after_grant(sequence, granted),
            Event::UserScopeRevoked(revoked) => self.after_revocation(sequence, revoked),
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
            last_sequence: self.last_sequence,
            ..Self::default()
        }
    }

    /// Whose mailbox the grants of this epoch are of; nobody's where there is none.
    pub fn mailbox(&self, epoch: Epoch) -> Option<MicrosoftIdentity> {
        let held = self.own.join(self.automatic);
        self.identity
            .filter(|_| self.epoch == epoch && !held.is_nothing())
    }

    /// Whether what is known is about another mailbox than this one.
    pub fn is_of_another(&self, epoch: Epoch, identity: MicrosoftIdentity) -> bool {
        self.epoch == epoch && self.identity.is_some_and(|known| known != identity)
    }

    /// What of this person's mailbox was withdrawn at Microsoft after an event of the company, and not granted again since.
    pub(crate) fn withdrawn_after(
        &self,
        event: Sequence,
        epoch: Epoch,
        identity: MicrosoftIdentity,
    ) -> Kinds {
        if self.epoch != epoch || self.is_of_another(epoch, identity) {
            return Kinds::NONE;
        }
        self.last_withdrawal.after(event)
    }

    /// An event of a newer epoch starts from nothing. One of an older epoch came too late:
    /// the company had moved on while it was under way.
    fn enter_epoch(self, epoch: Epoch) -> Result<Self, Self> {
        match epoch.cmp(&self.epoch) {
            Ordering::Less => Err(self),
            Ordering::Equal => Ok(self),
            Ordering::Greater => Ok(self.in_epoch(epoch)),
        }
    }

    fn after_grant(self, sequence: Sequence, granted: &UserScopeGranted) -> Self {
        let state = match self.enter_epoch(granted.epoch) {
            Ok(state) => state.about_mailbox_of(granted.identity, sequence),
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
            declined: state.declined.without(granted.permissions.kinds()),
            last_withdrawal: state.last_withdrawal.without(granted.permissions.kinds()),
            identity: Some(granted.identity),
            ..state
        }
    }

    /// The state that a grant by this identity adds to: this one, or where it is about another
    /// mailbox an empty one. Whoever moves to another mailbox leaves the old one, so what was begun
    /// for that does not come back by itself.
    fn about_mailbox_of(self, identity: MicrosoftIdentity, sequence: Sequence) -> Self {
        if !self.is_of_another(self.epoch, identity) {
            return self;
        }
        Self {
            epoch: self.epoch,
            last_no: LastEvents::default().with(Kinds::ALL, sequence),
            left_behind: self.own.join(self.automatic).kinds(),
            last_sequence: self.last_sequence,
            ..Self::default()
        }
    }

    fn after_revocation(self, sequence: Sequence, revoked: &UserScopeRevoked) -> Self {
        let state = match self.enter_epoch(revoked.epoch) {
            Ok(state) => state,
            Err(unchanged) => return unchanged,
        };
        let ended = Self {
            own: state.own.without(revoked.permissions),
            automatic: state.automatic.without(revoked.permissions),
            ..state.clone()
        };
        let said_no = |declined| Self {
            answered: state.answered.union(revoked.permissions),
            last_no: state.last_no.with(revoked.permissions, sequence),
            declined,
            ..ended.clone()
        };
        match revoked.reason {
            RevocationReason::UserRevoked => said_no(state.declined.without(revoked.permissions)),
            RevocationReason::UserDeclined => said_no(state.declined.union(revoked.permissions)),
            // No answer of the user's: of what they had said yes to, they are asked once more.
            RevocationReason::MicrosoftWithdrawn => {
                let withdrawn = state.own.kinds().intersection(revoked.permissions);
                Self {
                    answered: state.answered.without(withdrawn),
                    last_withdrawal: state.last_withdrawal.with(revoked.permissions, sequence),
                    ..ended
                }
            }
        }
    }
}
