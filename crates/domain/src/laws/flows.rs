//! What users begin, and how it goes on: flows that come back late, wait, are confirmed, or are
//! declined, while the same user says no elsewhere.

use std::cell::Cell;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

use super::world::{World, kinds, permission_sets, person};
use crate::account::AccountState;
use crate::decide::own_consent::{
    self, DeclineOwnPermissions, GrantOwnPermissions, RevokeOwnPermissions, begin,
};
use crate::event::Event;
use crate::ids::{Epoch, MicrosoftIdentity, Sequence, UserId};
use crate::permissions::{Kinds, PermissionSet};
use crate::refusal::Refusal;
use crate::samples::{acme, scopes};

#[derive(Debug, Clone, Copy)]
pub(super) enum FlowAction {
    Begin {
        ticked: Kinds,
        expects: Expects,
    },
    /// Begins and is back at once, as whoever is expected.
    Grant {
        ticked: Kinds,
        as_colleague: bool,
        held: PermissionSet,
    },
    /// Somebody accepts at Microsoft.
    Accept {
        flow: prop::sample::Index,
        as_colleague: bool,
        held: PermissionSet,
    },
    Decline {
        flow: prop::sample::Index,
    },
    /// The user confirms a grant that waits.
    Confirm {
        flow: prop::sample::Index,
    },
}

/// Whom a flow expects.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expects {
    /// Whomever the log knows, or nobody.
    WhoeverIsKnown,
    /// The host application's word.
    Person { is_colleague: bool },
}

/// Something that a user has begun.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    user: UserId,
    begun_in: Epoch,
    begun_after: Sequence,
    begun_at: usize,
    asked: PermissionSet,
    expected: Option<MicrosoftIdentity>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    AtMicrosoft,
    Waiting {
        held: PermissionSet,
        identity: MicrosoftIdentity,
    },
    Over,
}

/// A yes or a no, and when.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) user: UserId,
    pub(super) epoch: Epoch,
    pub(super) to: Kinds,
    /// The step in which the question was put.
    pub(super) begun_at: usize,
    pub(super) at: usize,
}

pub(super) fn flow_actions() -> impl Strategy<Value = FlowAction> {
    let expects = prop_oneof![
        3 => Just(Expects::WhoeverIsKnown),
        1 => prop::bool::weighted(0.3).prop_map(|is_colleague| Expects::Person { is_colleague }),
    ];
    let held = prop_oneof![Just(PermissionSet::EVERYTHING), permission_sets()];
    let flow = any::<prop::sample::Index>;
    let all_held = Just(PermissionSet::EVERYTHING);
    prop_oneof![
        2 => (kinds(), prop::bool::weighted(0.3), all_held).prop_map(
            |(ticked, as_colleague, held)| FlowAction::Grant { ticked, as_colleague, held }
        ),
        3 => (kinds(), expects).prop_map(|(ticked, expects)| FlowAction::Begin { ticked, expects }),
        4 => (flow(), prop::bool::weighted(0.3), held).prop_map(|(flow, as_colleague, held)| {
            FlowAction::Accept { flow, as_colleague, held }
        }),
        1 => flow().prop_map(|flow| FlowAction::Decline { flow }),
        3 => flow().prop_map(|flow| FlowAction::Confirm { flow }),
    ]
}

impl World {
    pub(super) fn take_in_flow(
        &mut self,
        account: &AccountState,
        user: &UserId,
        ago: usize,
        action: FlowAction,
    ) {
        match action {
            FlowAction::Begin { ticked, expects } => {
                self.begin(account, user, ago, (ticked, expects));
            }
            FlowAction::Grant {
                ticked,
                as_colleague,
                held,
            } => {
                let is_colleague = as_colleague;
                let question = (ticked, Expects::Person { is_colleague });
                if let Some(index) = self.begin(account, user, ago, question) {
                    self.accept(account, index, ago, (held, person(as_colleague)));
                }
            }
            FlowAction::Accept {
                flow,
                as_colleague,
                held,
            } => {
                let waits = |stage| stage == Stage::AtMicrosoft;
                if let Some(index) = self.pick(user, flow, waits) {
                    self.accept(account, index, ago, (held, person(as_colleague)));
                }
            }
            FlowAction::Confirm { flow } => {
                let waits = |stage| matches!(stage, Stage::Waiting { .. });
                if let Some(index) = self.pick(user, flow, waits)
                    && let Stage::Waiting { held, identity } = self.flows[index].stage
                {
                    self.finish(account, index, ago, (held, identity));
                }
            }
            FlowAction::Decline { flow } => {
                if let Some(index) = self.pick(user, flow, |stage| stage == Stage::AtMicrosoft) {
                    self.decline(account, index, ago);
                }
            }
        }
    }

    fn begin(
        &mut self,
        account: &AccountState,
        user: &UserId,
        ago: usize,
        (ticked, expects): (Kinds, Expects),
    ) -> Option<usize> {
        let seen = self.user_ago(user, ago);
        let asked = begin(account, ticked).ok()?;
        self.flows.push(Flow {
            user: user.clone(),
            begun_in: account.epoch,
            begun_after: seen.last_sequence,
            begun_at: self.now,
            asked,
            expected: match expects {
                Expects::WhoeverIsKnown => seen.mailbox(account.epoch),
                Expects::Person { is_colleague } => Some(person(is_colleague)),
            },
            stage: Stage::AtMicrosoft,
        });
        Some(self.flows.len() - 1)
    }

    /// Takes everything of these back. It is a no to what is held and to what is asked for just now.
    pub(super) fn revoke(
        &mut self,
        account: &AccountState,
        user: &UserId,
        ago: usize,
        permissions: Kinds,
    ) {
        let open = self
            .flows
            .iter()
            .filter(|flow| flow.user == *user && flow.stage != Stage::Over);
        let under_way = open.fold(Kinds::NONE, |kinds, flow| kinds.union(flow.asked.kinds()));
        let revoked = self.of_user(user, ago, |state| {
            let command = RevokeOwnPermissions {
                account: acme(),
                user: user.clone(),
                permissions,
                under_way,
            };
            own_consent::revoke(account, state, Kinds::NONE, command)
        });
        if revoked.is_ok() {
            self.say_no(user, account.epoch, permissions);
        }
    }

    fn pick(
        &self,
        user: &UserId,
        flow: prop::sample::Index,
        is_meant: impl Fn(Stage) -> bool,
    ) -> Option<usize> {
        let flows = self.flows.iter().enumerate();
        let meant: Vec<usize> = flows
            .filter(|(_, flow)| flow.user == *user && is_meant(flow.stage))
            .map(|(index, _)| index)
            .collect();
        (!meant.is_empty()).then(|| *flow.get(&meant))
    }

    /// What nobody was expected for waits for the user's word.
    fn accept(
        &mut self,
        account: &AccountState,
        index: usize,
        ago: usize,
        (held, identity): (PermissionSet, MicrosoftIdentity),
    ) {
        if self.flows[index].expected.is_none() {
            self.flows[index].stage = Stage::Waiting { held, identity };
        } else {
            self.finish(account, index, ago, (held, identity));
        }
    }

    fn finish(
        &mut self,
        account: &AccountState,
        index: usize,
        ago: usize,
        (held, identity): (PermissionSet, MicrosoftIdentity),
    ) {
        self.flows[index].stage = Stage::Over;
        let flow = self.flows[index].clone();
        let recorded = self.of_user(&flow.user, ago, |state| {
            let command = GrantOwnPermissions {
                account: acme(),
                user: flow.user.clone(),
                begun_in: flow.begun_in,
                begun_after: flow.begun_after,
                asked: flow.asked,
                held,
                scopes: scopes(),
                identity,
                expected: flow.expected,
            };
            own_consent::grant(account, state, command)
        });
        match recorded {
            Ok(events) => {
                for event in &events {
                    let Event::UserScopeGranted(granted) = event else {
                        unreachable!("a grant grants");
                    };
                    // One that lands after the company moved on counts for nothing.
                    if granted.epoch != self.account().epoch {
                        continue;
                    }
                    self.yeses.push(Said {
                        user: flow.user.clone(),
                        epoch: granted.epoch,
                        to: granted.permissions.kinds(),
                        begun_at: flow.begun_at,
                        at: self.now,
                    });
                }
            }
            Err(Refusal::FlowExpired) => self.expired += 1,
            Err(_) => {}
        }
    }

    /// What is held stays, and no is said to the rest.
    fn decline(&mut self, account: &AccountState, index: usize, ago: usize) {
        self.flows[index].stage = Stage::Over;
        let flow = self.flows[index].clone();
        let held = Cell::new(Kinds::NONE);
        let declined = self.of_user(&flow.user, ago, |state| {
            held.set(state.in_epoch(account.epoch).own.kinds());
            let command = DeclineOwnPermissions {
                account: acme(),
                user: flow.user.clone(),
                begun_in: flow.begun_in,
                asked: flow.asked.kinds(),
            };
            own_consent::decline(account, state, command)
        });
        if declined.is_ok() {
            let no_to = flow.asked.kinds().without(held.get());
            self.say_no(&flow.user, account.epoch, no_to);
        }
    }

    fn say_no(&mut self, user: &UserId, epoch: Epoch, to: Kinds) {
        self.noes.push(Said {
            user: user.clone(),
            epoch,
            to,
            begun_at: self.now,
            at: self.now,
        });
    }
}
