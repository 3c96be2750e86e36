//! A projection as the product's is: at least once, so what was applied is dropped.

use std::collections::BTreeMap;

use super::Recorded;
use crate::account::AccountState;
use crate::event::Aggregate;
use crate::ids::UserId;
use crate::user::UserState;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Projection {
    pub(super) account: AccountState,
    pub(super) users: BTreeMap<UserId, UserState>,
}

impl Projection {
    /// The plain fold over the whole log, each event once.
    pub(super) fn of(log: &[Recorded]) -> Self {
        log.iter()
            .fold(Self::default(), |projection, (sequence, event)| {
                let Self { account, mut users } = projection;
                match event.aggregate() {
                    Aggregate::Account(_) => Self {
                        account: account.evolve(*sequence, event).unwrap(),
                        users,
                    },
                    Aggregate::User(_, user) => {
                        let state = users.remove(&user).unwrap_or_default();
                        users.insert(user, state.evolve(*sequence, event).unwrap());
                        Self { account, users }
                    }
                }
            })
    }

    /// Applies what is not applied yet.
    pub(super) fn deliver(&mut self, batch: &[Recorded]) {
        for (sequence, event) in batch {
            match event.aggregate() {
                Aggregate::Account(_) if *sequence <= self.account.last_sequence => {}
                Aggregate::Account(_) => {
                    self.account = self.account.clone().evolve(*sequence, event).unwrap();
                }
                Aggregate::User(_, user) => {
                    let state = self.users.entry(user).or_default();
                    if state.last_sequence < *sequence {
                        *state = state.clone().evolve(*sequence, event).unwrap();
                    }
                }
            }
        }
    }
}
