//! A generated world: a Super Admin, an administrator at Microsoft and three users act on
//! one company at once, each on what they knew a moment ago.
//!
//! Each aggregate's line is guarded: an append that was decided on less than the whole line
//! conflicts, and is decided again on the present state. The *company* that a user's event
//! was decided on is not guarded, so such an event may land after the company moved on.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

use super::Recorded;
use super::flows::{Flow, FlowAction, Said, flow_actions};
use crate::account::AccountState;
use crate::decide::administrator_consent::{FinishAdministratorConsent, ProofDemanded, finish};
use crate::decide::automatic_grant::{self, RecordAutomaticGrant, Restoration};
use crate::decide::mode_change::{ChangeMode, change};
use crate::decide::withdrawal::{self, RecordWithdrawal};
use crate::event::{Aggregate, Event};
use crate::ids::{Cloud, MicrosoftIdentity, ObjectId, Sequence, UserId};
use crate::login::SignIn;
use crate::mode::Mode;
use crate::permissions::{EmailLevel, Kinds, PermissionSet};
use crate::refusal::Refusal;
use crate::samples::{
    ADMINISTRATOR, USERS_FULL, USERS_LIMITED, acme, ana_at_microsoft, another_tenant, colleague,
    consent_id, person_of, proved_by_role, scopes, superadmin, tenant, tenant_in,
};
use crate::user::UserState;
use uuid::Uuid;

/// What somebody does, and how many states ago they looked.
#[derive(Debug, Clone)]
pub(super) struct Step {
    action: Action,
    seen_ago: usize,
}

#[derive(Debug, Clone)]
enum Action {
    ChangeMode(Mode),
    FinishConsent(PermissionSet),
    OfUser(usize, UserAction),
}

#[derive(Debug, Clone)]
enum UserAction {
    Flow(FlowAction),
    Revoke(Kinds),
    SignIn {
        wanted: PermissionSet,
        as_colleague: bool,
    },
    /// They come back from Microsoft, which says that the consent lives.
    Restore {
        held: PermissionSet,
        as_colleague: bool,
    },
    Withdraw {
        permissions: Kinds,
        of_colleague: bool,
    },
}

/// All that happened.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) log: Vec<Recorded>,
    pub(super) users: BTreeMap<UserId, UserState>,
    /// How often somebody had to decide again.
    pub(super) conflicts: usize,
    /// Each time somebody said no, and each time a flow of theirs ended in a grant.
    pub(super) noes: Vec<Said>,
    pub(super) yeses: Vec<Said>,
    /// The grants that Microsoft gave a code for.
    pub(super) restored: BTreeSet<Sequence>,
    /// How many sign-ins were granted nothing, because the consent was withdrawn.
    pub(super) found_dead: usize,
    /// How many flows were answered at Microsoft, and had come to nothing by then.
    pub(super) expired: usize,
    /// What users have begun.
    pub(super) flows: Vec<Flow>,
    /// How many steps were taken.
    pub(super) now: usize,
    /// The company as it was, the present state last. Nobody can see it between the events
    /// of one append.
    companies: Vec<AccountState>,
    /// The states of each user, likewise.
    pasts: BTreeMap<UserId, Vec<UserState>>,
    consents: u128,
}

/// The ways in which a user can have signed in.
pub(super) const LOGINS: [fn() -> SignIn; 7] = [
    || SignIn::Other,
    || SignIn::PersonalAccount,
    || SignIn::MicrosoftGuest(colleague()),
    || SignIn::Microsoft(ana_at_microsoft()),
    || SignIn::Microsoft(colleague()),
    || SignIn::Microsoft(person_of(another_tenant())),
    || SignIn::Microsoft(person_of(tenant_in(Cloud::China))),
];

/// Any world.
pub(super) fn worlds() -> impl Strategy<Value = World> {
    vec(steps(), 0..80).prop_map(|steps| {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world
    })
}

/// Worlds of a company whose administrator has consented, where people sign in and Microsoft withdraws.
pub(super) fn administered_worlds() -> impl Strategy<Value = World> {
    let consents = permission_sets().prop_map(Action::FinishConsent);
    let modes = prop::sample::select([USERS_FULL, ADMINISTRATOR].as_slice());
    let action = prop_oneof![
        1 => consents,
        1 => modes.prop_map(Action::ChangeMode),
        24 => (0_usize..2, unasked()).prop_map(|(user, action)| Action::OfUser(user, action)),
    ];
    let steps = (action, 0_usize..3).prop_map(|(action, seen_ago)| Step { action, seen_ago });
    vec(steps, 0..40).prop_map(|steps| {
        let mut world = World::new();
        let consented = Step {
            action: Action::FinishConsent(PermissionSet::EVERYTHING),
            seen_ago: 0,
        };
        for step in [consented].into_iter().chain(steps) {
            world.take(step);
        }
        world
    })
}

/// Any permission set.
pub(super) fn permission_sets() -> impl Strategy<Value = PermissionSet> {
    let email =
        prop::sample::select([EmailLevel::None, EmailLevel::Limited, EmailLevel::Full].as_slice());
    (any::<bool>(), any::<bool>(), email).prop_map(|(calendar, contacts, email)| PermissionSet {
        calendar,
        contacts,
        email,
    })
}

pub(super) fn kinds() -> impl Strategy<Value = Kinds> {
    permission_sets().prop_map(PermissionSet::kinds)
}

fn steps() -> impl Strategy<Value = Step> {
    let modes = prop::sample::select([USERS_FULL, USERS_LIMITED, ADMINISTRATOR].as_slice());
    let action = prop_oneof![
        2 => modes.prop_map(Action::ChangeMode),
        2 => permission_sets().prop_map(Action::FinishConsent),
        24 => (0_usize..3, user_actions()).prop_map(|(user, action)| Action::OfUser(user, action)),
    ];
    let seen_ago = prop_oneof![2 => Just(0_usize), 1 => 1_usize..4];
    (action, seen_ago).prop_map(|(action, seen_ago)| Step { action, seen_ago })
}

fn user_actions() -> impl Strategy<Value = UserAction> {
    prop_oneof![
        10 => flow_actions().prop_map(UserAction::Flow),
        5 => unasked(),
        2 => kinds().prop_map(UserAction::Revoke),
    ]
}

/// What happens to users without a question.
fn unasked() -> impl Strategy<Value = UserAction> {
    let wanted = prop_oneof![Just(PermissionSet::EVERYTHING), permission_sets()];
    prop_oneof![
        6 => (wanted, prop::bool::weighted(0.3))
            .prop_map(|(wanted, as_colleague)| UserAction::SignIn { wanted, as_colleague }),
        1 => (permission_sets(), prop::bool::weighted(0.3))
            .prop_map(|(held, as_colleague)| UserAction::Restore { held, as_colleague }),
        3 => (kinds(), prop::bool::weighted(0.3)).prop_map(|(permissions, of_colleague)| {
            UserAction::Withdraw { permissions, of_colleague }
        }),
    ]
}

/// Others appended in between.
struct Conflict;

impl World {
    fn new() -> Self {
        Self {
            log: Vec::new(),
            users: BTreeMap::new(),
            conflicts: 0,
            noes: Vec::new(),
            yeses: Vec::new(),
            restored: BTreeSet::new(),
            found_dead: 0,
            expired: 0,
            flows: Vec::new(),
            now: 0,
            companies: Vec::from([AccountState::default()]),
            pasts: BTreeMap::new(),
            consents: 0,
        }
    }

    pub(super) fn account(&self) -> &AccountState {
        self.company_ago(0)
    }

    /// Appends what was decided on the present state.
    pub(super) fn append_now(&mut self, events: impl IntoIterator<Item = Event>) {
        let expected = self.account().last_sequence;
        let events: Vec<_> = events.into_iter().collect();
        assert!(self.append(expected, &events).is_ok());
    }

    pub(super) fn company_ago(&self, ago: usize) -> &AccountState {
        &self.companies[(self.companies.len() - 1).saturating_sub(ago)]
    }

    pub(super) fn user_ago(&self, user: &UserId, ago: usize) -> UserState {
        let past = self.pasts.get(user);
        past.and_then(|states| states.iter().nth_back(ago).cloned())
            .unwrap_or_default()
    }

    fn take(&mut self, step: Step) {
        self.now += 1;
        match step.action {
            Action::ChangeMode(to) => self.of_company(step.seen_ago, |account| {
                let (account_id, by) = (acme(), superadmin());
                change(
                    account,
                    ChangeMode {
                        account: account_id,
                        by,
                        to,
                    },
                )
            }),
            Action::FinishConsent(permissions) => {
                self.consents += 1;
                let consent = consent_id(self.consents);
                let begun_in = self.company_ago(step.seen_ago).epoch;
                self.of_company(step.seen_ago, |account| {
                    finish(
                        account,
                        FinishAdministratorConsent {
                            account: acme(),
                            consent,
                            requested_by: superadmin().user().clone(),
                            begun_in,
                            permissions,
                            expected_tenant: tenant(),
                            tenant: tenant(),
                            granted_by: ObjectId(Uuid::from_u128(0xad)),
                            scopes: scopes(),
                            missing_scopes: Vec::new(),
                            verification: proved_by_role(),
                            demanded: ProofDemanded::Role,
                        },
                    )
                });
            }
            Action::OfUser(number, action) => {
                let user = UserId::parse(&format!("user-{number}")).unwrap();
                let account = self.company_ago(step.seen_ago).clone();
                match action {
                    UserAction::Flow(action) => {
                        self.take_in_flow(&account, &user, step.seen_ago, action);
                    }
                    UserAction::Revoke(permissions) => {
                        self.revoke(&account, &user, step.seen_ago, permissions);
                    }
                    UserAction::SignIn { .. }
                    | UserAction::Restore { .. }
                    | UserAction::Withdraw { .. } => {
                        // A refusal leaves the log as it was.
                        let appended = self.of_user(&user, step.seen_ago, |state| {
                            by_nobody(&account, state, &user, &action)
                        });
                        if appended == Err(Refusal::ConsentWithdrawn) {
                            self.found_dead += 1;
                        }
                        if matches!(action, UserAction::Restore { .. })
                            && appended.is_ok_and(|events| !events.is_empty())
                        {
                            self.restored.insert(self.user_ago(&user, 0).last_sequence);
                        }
                    }
                }
            }
        }
    }

    /// Decides on what was seen; where that conflicts, once more on what is.
    fn of_company(
        &mut self,
        ago: usize,
        decide: impl Fn(&AccountState) -> Result<Vec<Event>, Refusal>,
    ) {
        for ago in [ago, 0] {
            let seen = self.company_ago(ago).clone();
            let Ok(events) = decide(&seen) else { return };
            match self.append(seen.last_sequence, &events) {
                Ok(()) => return,
                Err(Conflict) => self.conflicts += 1,
            }
        }
        unreachable!("nobody else appends in between");
    }

    /// Likewise of a user; what was appended, or why it was not.
    pub(super) fn of_user(
        &mut self,
        user: &UserId,
        ago: usize,
        decide: impl Fn(&UserState) -> Result<Vec<Event>, Refusal>,
    ) -> Result<Vec<Event>, Refusal> {
        for ago in [ago, 0] {
            let seen = self.user_ago(user, ago);
            let events = decide(&seen)?;
            match self.append(seen.last_sequence, &events) {
                Ok(()) => return Ok(events),
                Err(Conflict) => self.conflicts += 1,
            }
        }
        unreachable!("nobody else appends in between");
    }

    /// One atomic batch of one aggregate, whose line must end where it was thought to.
    fn append(&mut self, expected: Sequence, events: &[Event]) -> Result<(), Conflict> {
        let Some(aggregate) = events.first().map(Event::aggregate) else {
            return Ok(());
        };
        let line_ends = match &aggregate {
            Aggregate::Account(_) => self.account().last_sequence,
            Aggregate::User(_, user) => self.user_ago(user, 0).last_sequence,
        };
        if line_ends != expected {
            return Err(Conflict);
        }
        match aggregate {
            Aggregate::Account(_) => {
                let account = events
                    .iter()
                    .fold(self.account().clone(), |account, event| {
                        account.evolve(self.record(event), event).unwrap()
                    });
                self.companies.push(account);
            }
            Aggregate::User(_, user) => {
                let state = events.iter().fold(self.user_ago(&user, 0), |state, event| {
                    state.evolve(self.record(event), event).unwrap()
                });
                self.users.insert(user.clone(), state.clone());
                self.pasts.entry(user).or_default().push(state);
            }
        }
        Ok(())
    }

    fn record(&mut self, event: &Event) -> Sequence {
        let last = self.log.last().map_or(0, |(sequence, _)| sequence.0);
        // Other accounts share the log, so an account's sequences have gaps.
        let sequence = Sequence(last + 1 + last % 3);
        self.log.push((sequence, event.clone()));
        sequence
    }
}

/// What happens to a user without their doing.
fn by_nobody(
    account: &AccountState,
    state: &UserState,
    user: &UserId,
    action: &UserAction,
) -> Result<Vec<Event>, Refusal> {
    let user = user.clone();
    match *action {
        UserAction::Flow(_) | UserAction::Revoke(_) => unreachable!("these are the user's own"),
        UserAction::SignIn {
            wanted,
            as_colleague,
        } => automatic_grant::record(account, state, sign_in(account, user, wanted, as_colleague)),
        UserAction::Restore { held, as_colleague } => automatic_grant::restore(
            account,
            state,
            sign_in(account, user, PermissionSet::EVERYTHING, as_colleague),
            Restoration {
                begun_in: account.epoch,
                redeemed_after: state.last_sequence,
                held,
            },
        ),
        UserAction::Withdraw {
            permissions,
            of_colleague,
        } => Ok(withdrawal::record(
            account,
            state,
            RecordWithdrawal {
                account: acme(),
                user,
                permissions,
                tenant: person(of_colleague).tenant.id,
                object_id: person(of_colleague).object_id,
                as_of: None,
            },
        )),
    }
}

pub(super) fn sign_in(
    account: &AccountState,
    user: UserId,
    wanted: PermissionSet,
    as_colleague: bool,
) -> RecordAutomaticGrant {
    let consent = account.consent();
    RecordAutomaticGrant {
        account: acme(),
        user,
        consent: consent.map_or(consent_id(0), |consent| consent.id),
        wanted,
        identity: person(as_colleague),
        is_guest: false,
        found_withdrawn: Kinds::NONE,
        scopes: scopes(),
    }
}

/// Whom a user is at Microsoft: usually themselves.
pub(super) fn person(is_colleague: bool) -> MicrosoftIdentity {
    if is_colleague {
        colleague()
    } else {
        ana_at_microsoft()
    }
}

/// The events of some aggregates.
pub(super) fn log_of(
    log: &[Recorded],
    wanted: impl Fn(&Aggregate) -> bool,
) -> impl Iterator<Item = (Sequence, &Event)> {
    log.iter()
        .filter(move |(_, event)| wanted(&event.aggregate()))
        .map(|(sequence, event)| (*sequence, event))
}
