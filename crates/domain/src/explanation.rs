//! Why each permission of a user is on or off: the events that made it so.

use crate::account::{AccountState, Authorization, IllegalEvent};
use crate::effective::effective;
use crate::event::{Event, RevocationReason};
use crate::ids::{Epoch, Sequence};
use crate::mode::AuthorizationMethod;
use crate::permissions::{Kinds, Permission, PermissionSet};
use crate::user::UserState;

/// What is to be said of one user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The account's state.
    pub account: AccountState,
    /// The user's state.
    pub user: UserState,
    /// What may be done for the user now.
    pub effective: PermissionSet,
    /// Calendar.
    pub calendar: PermissionTrail,
    /// Contacts.
    pub contacts: PermissionTrail,
    /// E-mail.
    pub email: PermissionTrail,
    /// Events of the user that came too late: the company had moved on, so they count for
    /// nothing.
    pub late: Vec<Sequence>,
    /// Grants by another Microsoft account than the one of the grants before, which count no more.
    pub moved: Vec<Sequence>,
}

impl Explanation {
    /// The trail of one permission.
    pub const fn trail(&self, permission: Permission) -> &PermissionTrail {
        match permission {
            Permission::Calendar => &self.calendar,
            Permission::Contacts => &self.contacts,
            Permission::Email => &self.email,
        }
    }
}

/// What made one permission what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionTrail {
    /// What it is.
    pub status: PermissionStatus,
    /// The event since which it is so; `None` if it was never otherwise.
    pub since: Option<Sequence>,
    /// The events that made it so, oldest first.
    pub because: Vec<Sequence>,
}

/// What a permission is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PermissionStatus {
    /// Nobody granted it in this epoch.
    #[default]
    NeverGranted,
    /// The permission is on.
    Granted,
    /// The permission is off, for this reason.
    Ended(RevocationReason),
    /// The permission was granted automatically, and the consent in force leaves it out by now.
    NotInConsent,
    /// The permission was on for another mailbox. The user's grants are of another Microsoft account by now.
    LeftBehind,
}

/// What a permission is, told from the states alone: the same as [`explain`] says, without the events that made it so.
pub fn status(
    account: &AccountState,
    user: &UserState,
    permission: Permission,
) -> PermissionStatus {
    if effective(account, user).kinds().contains(permission) {
        return PermissionStatus::Granted;
    }
    if user.epoch != account.epoch {
        return PermissionStatus::NeverGranted;
    }
    let held = user.own.join(user.automatic).kinds();
    let withdrawn_at = user.last_withdrawal.about(permission);
    if held.contains(permission) {
        PermissionStatus::NotInConsent
    } else if user.last_no.about(permission) < withdrawn_at {
        PermissionStatus::Ended(RevocationReason::MicrosoftWithdrawn)
    } else if user.declined.contains(permission) {
        PermissionStatus::Ended(RevocationReason::UserDeclined)
    } else if user.answered.contains(permission) {
        PermissionStatus::Ended(RevocationReason::UserRevoked)
    } else if user.left_behind.contains(permission) {
        PermissionStatus::LeftBehind
    } else {
        PermissionStatus::NeverGranted
    }
}

/// Explains from the two lines of events, each in its own order.
pub fn explain<'a>(
    company: impl IntoIterator<Item = (Sequence, &'a Event)>,
    user: impl IntoIterator<Item = (Sequence, &'a Event)>,
) -> Result<Explanation, IllegalEvent> {
    let mut events: Vec<_> = company.into_iter().chain(user).collect();
    events.sort_unstable_by_key(|(sequence, _)| *sequence);

    let mut narrative = Narrative::default();
    for (sequence, event) in events {
        narrative.apply(sequence, event)?;
    }
    Ok(narrative.conclude())
}

/// The story so far. The per-epoch parts start anew with each epoch.
#[derive(Debug, Default)]
struct Narrative {
    account: AccountState,
    user: UserState,
    effective: PermissionSet,
    late: Vec<Sequence>,
    moved: Vec<Sequence>,
    since: [Option<Sequence>; 3],
    epoch_began: Option<Sequence>,
    sync_changed: Option<Sequence>,
    granted: [Option<Sequence>; 3],
    ended: [Option<(Sequence, RevocationReason)>; 3],
    /// The grant by another Microsoft account that left it behind.
    left: [Option<Sequence>; 3],
}

impl Narrative {
    fn apply(&mut self, sequence: Sequence, event: &Event) -> Result<(), IllegalEvent> {
        match event {
            Event::ModeChanged(changed) => {
                self.account = self.account.clone().evolve(sequence, event)?;
                if changed.from.method == changed.to.method {
                    self.sync_changed = Some(sequence);
                } else {
                    self.epoch_began = Some(sequence);
                    self.sync_changed = None;
                    self.start_anew();
                }
            }
            Event::AdminConsentGranted(_) => {
                self.account = self.account.clone().evolve(sequence, event)?;
            }
            Event::UserScopeGranted(granted) => {
                let before = std::mem::take(&mut self.user);
                self.user = before.clone().evolve(sequence, event)?;
                if self.counts(granted.epoch, sequence) {
                    if before.is_of_another(granted.epoch, granted.identity) {
                        self.moved.push(sequence);
                        self.start_anew();
                        let held = before.own.join(before.automatic).kinds();
                        note(&mut self.left, held, sequence);
                        // Even what goes on being on is another mailbox's from here.
                        note(&mut self.since, self.effective.kinds(), sequence);
                        self.effective = PermissionSet::NOTHING;
                    }
                    note(&mut self.granted, granted.permissions.kinds(), sequence);
                }
            }
            Event::UserScopeRevoked(revoked) => {
                self.user = self.user.clone().evolve(sequence, event)?;
                if self.counts(revoked.epoch, sequence) {
                    note(
                        &mut self.ended,
                        revoked.permissions,
                        (sequence, revoked.reason),
                    );
                }
            }
        }
        let now = effective(&self.account, &self.user);
        let changed = now
            .missing_from(self.effective)
            .join(self.effective.missing_from(now));
        note(&mut self.since, changed.kinds(), sequence);
        self.effective = now;
        Ok(())
    }

    /// What was told of the permissions so far is over.
    const fn start_anew(&mut self) {
        self.granted = [None; 3];
        self.ended = [None; 3];
        self.left = [None; 3];
    }

    fn counts(&mut self, epoch: Epoch, sequence: Sequence) -> bool {
        let counts = epoch == self.account.epoch;
        if !counts {
            self.late.push(sequence);
        }
        counts
    }

    fn conclude(self) -> Explanation {
        Explanation {
            effective: self.effective,
            calendar: self.trail(Permission::Calendar),
            contacts: self.trail(Permission::Contacts),
            email: self.trail(Permission::Email),
            account: self.account,
            user: self.user,
            late: self.late,
            moved: self.moved,
        }
    }

    fn trail(&self, permission: Permission) -> PermissionTrail {
        let granted = slot(&self.granted, permission);
        let ended = slot(&self.ended, permission);
        let consent = match &self.account.authorization {
            Authorization::UserIndividual { .. } => None,
            Authorization::AdminConfigured { consent } => Some(consent),
        };
        let consented_at = consent.map(|consent| consent.recorded_at);
        let (status, because) = if self.effective.kinds().contains(permission) {
            (
                PermissionStatus::Granted,
                [
                    consented_at,
                    self.epoch_began,
                    granted,
                    self.cap(permission),
                ],
            )
        } else {
            match (ended, granted, slot(&self.left, permission)) {
                (Some((at, reason)), granted, _) if granted <= Some(at) => (
                    PermissionStatus::Ended(reason),
                    [None, None, None, Some(at)],
                ),
                (_, Some(at), _) => (
                    PermissionStatus::NotInConsent,
                    [None, None, Some(at), consented_at],
                ),
                (_, None, Some(at)) => (PermissionStatus::LeftBehind, [None, None, None, Some(at)]),
                (_, None, None) => (
                    PermissionStatus::NeverGranted,
                    [None, None, None, self.epoch_began],
                ),
            }
        };
        let mut because: Vec<_> = because.into_iter().flatten().collect();
        because.sort_unstable();
        PermissionTrail {
            status,
            since: slot(&self.since, permission),
            because,
        }
    }

    /// The change of e-mail sync that makes e-mail less than what the user granted.
    fn cap(&self, permission: Permission) -> Option<Sequence> {
        match (permission, self.account.method()) {
            (Permission::Email, AuthorizationMethod::UserIndividual)
                if self.effective.email < self.user.own.email =>
            {
                self.sync_changed
            }
            (Permission::Calendar | Permission::Contacts | Permission::Email, _) => None,
        }
    }
}

fn note<T: Copy>(trails: &mut [Option<T>; 3], kinds: Kinds, value: T) {
    for (slot, permission) in trails.iter_mut().zip(Permission::ALL) {
        if kinds.contains(permission) {
            *slot = Some(value);
        }
    }
}

fn slot<T: Copy>(trails: &[Option<T>; 3], permission: Permission) -> Option<T> {
    let [calendar, contacts, email] = *trails;
    match permission {
        Permission::Calendar => calendar,
        Permission::Contacts => contacts,
        Permission::Email => email,
    }
}

#[cfg(test)]
mod tests;
