//! Given what happened, when this is asked for, then that happens, or is refused.
//!
//! One file for each command. The rows are those of "What may happen" in the rules.

mod administrator_consent;
mod approval;
mod automatic_grant;
mod lost_events;
mod mode_change;
mod own_consent;
mod rights;
mod withdrawal;

use crate::account::AccountState;
use crate::decide::administrator_consent::{FinishAdministratorConsent, StartAdministratorConsent};
use crate::decide::automatic_grant::RecordAutomaticGrant;
use crate::decide::mode_change::ChangeMode;
use crate::decide::own_consent::{
    DeclineOwnPermissions, GrantOwnPermissions, RevokeOwnPermissions,
};
use crate::decide::withdrawal::RecordWithdrawal;
use crate::effective::effective;
use crate::event::{Aggregate, Event};
use crate::ids::Sequence;
use crate::permissions::{Kinds, PermissionSet};
use crate::refusal::Refusal;
use crate::samples::ana;
use crate::user::UserState;

/// What is known of acme and of Ana.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) account: AccountState,
    pub(crate) user: UserState,
    last: Sequence,
}

/// Nothing has happened yet but this.
#[track_caller]
pub(crate) fn given(events: impl IntoIterator<Item = Event>) -> Known {
    Known::default().and(events)
}

/// The account in its default state: no event at all.
pub(crate) fn given_nothing() -> Known {
    Known::default()
}

impl Known {
    /// And then this happened, too.
    #[track_caller]
    pub(crate) fn and(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        for event in events {
            self.last = Sequence(self.last.0 + 1);
            match event.aggregate() {
                Aggregate::Account(_) => {
                    self.account = self.account.evolve(self.last, &event).unwrap();
                }
                Aggregate::User(_, user) if user == ana() => {
                    self.user = self.user.evolve(self.last, &event).unwrap();
                }
                Aggregate::User(..) => {}
            }
        }
        self
    }

    pub(crate) fn when(self, command: impl Command) -> Outcome {
        Outcome {
            result: command.decide(&self.account, &self.user),
            known: self,
        }
    }

    pub(crate) fn effective(&self) -> PermissionSet {
        effective(&self.account, &self.user)
    }

    #[track_caller]
    pub(crate) fn then_effective(self, expected: PermissionSet) -> Self {
        assert_eq!(self.effective(), expected, "what is effective");
        self
    }
}

/// A command and what was decided about it.
#[derive(Debug)]
pub(crate) struct Outcome {
    known: Known,
    result: Result<Vec<Event>, Refusal>,
}

impl Outcome {
    /// Exactly this happened; and it can follow what happened before.
    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = Event>) -> Known {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.result.as_deref(), Ok(expected.as_slice()));
        self.known.and(expected)
    }

    /// It succeeded, for it is so already, and recorded nothing.
    #[track_caller]
    pub(crate) fn then_nothing(self) -> Known {
        self.then([])
    }

    #[track_caller]
    pub(crate) fn then_refused(self, refusal: Refusal) {
        assert_eq!(self.result, Err(refusal));
    }
}

/// What all commands have in common, for the tests only.
pub(crate) trait Command {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal>;
}

impl Command for StartAdministratorConsent {
    fn decide(self, account: &AccountState, _: &UserState) -> Result<Vec<Event>, Refusal> {
        super::administrator_consent::start(account, &self).map(|()| Vec::new())
    }
}

impl Command for FinishAdministratorConsent {
    fn decide(self, account: &AccountState, _: &UserState) -> Result<Vec<Event>, Refusal> {
        super::administrator_consent::finish(account, self)
    }
}

impl Command for ChangeMode {
    fn decide(self, account: &AccountState, _: &UserState) -> Result<Vec<Event>, Refusal> {
        super::mode_change::change(account, self)
    }
}

impl Command for GrantOwnPermissions {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal> {
        super::own_consent::grant(account, user, self)
    }
}

impl Command for DeclineOwnPermissions {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal> {
        super::own_consent::decline(account, user, self)
    }
}

impl Command for RevokeOwnPermissions {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal> {
        super::own_consent::revoke(account, user, Kinds::NONE, self)
    }
}

impl Command for RecordAutomaticGrant {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal> {
        super::automatic_grant::record(account, user, self)
    }
}

impl Command for RecordWithdrawal {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal> {
        Ok(super::withdrawal::record(account, user, self))
    }
}
