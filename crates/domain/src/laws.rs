//! The laws, each as a property of generated worlds. Law 7 is one of the wire, and is
//! tested where events are read.

mod flows;
mod projection;
mod world;

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{any, prop, proptest};
use proptest::{prop_assert, prop_assert_eq};

use self::projection::Projection;
use self::world::{LOGINS, World, administered_worlds, log_of, sign_in, worlds};
use crate::account::{AccountState, Authorization};
use crate::decide::automatic_grant;
use crate::decide::mode_change::{ChangeMode, change};
use crate::effective::effective;
use crate::event::{Aggregate, Authority, Event, RevocationReason};
use crate::explanation::{explain, status};
use crate::ids::{MicrosoftIdentity, Sequence, UserId};
use crate::login::{Decision, ReauthenticateReason, SignIn, decide, effective_for, still_given};
use crate::mode::AuthorizationMethod;
use crate::permissions::{Kinds, Permission, PermissionSet};
use crate::refusal::Refusal;
use crate::samples::{ADMINISTRATOR, USERS_FULL, USERS_LIMITED, acme, consented, superadmin};

const fn granted_by(event: &Event) -> Option<PermissionSet> {
    match event {
        Event::UserScopeGranted(granted) => Some(granted.permissions),
        Event::ModeChanged(_) | Event::AdminConsentGranted(_) | Event::UserScopeRevoked(_) => None,
    }
}

proptest! {
    /// At every moment, for every user and everybody they can sign in as: what one identity granted
    /// or was granted is another's at no time.
    #[test]
    fn law_0_a_permission_is_of_one_mailbox(world in worlds()) {
        let mut projection = Projection::default();
        let mut mailboxes: BTreeMap<UserId, (MicrosoftIdentity, PermissionSet)> = BTreeMap::new();
        for recorded in &world.log {
            projection.deliver(std::slice::from_ref(recorded));
            match &recorded.1 {
                Event::ModeChanged(changed) if changed.from.method != changed.to.method => {
                    mailboxes.clear();
                }
                Event::UserScopeGranted(granted) if granted.epoch == projection.account.epoch => {
                    let before = mailboxes
                        .get(&granted.user)
                        .filter(|(identity, _)| *identity == granted.identity)
                        .map_or(PermissionSet::NOTHING, |(_, permissions)| *permissions);
                    let now = (granted.identity, before.join(granted.permissions));
                    mailboxes.insert(granted.user.clone(), now);
                }
                Event::ModeChanged(_)
                | Event::AdminConsentGranted(_)
                | Event::UserScopeGranted(_)
                | Event::UserScopeRevoked(_) => {}
            }
            for (user, state) in &projection.users {
                let account = &projection.account;
                let effective = effective(account, state);
                let mailbox = mailboxes.get(user).copied();
                let granted = mailbox.map_or(PermissionSet::NOTHING, |(_, granted)| granted);
                prop_assert!(effective.is_within(granted), "{effective:?} in {granted:?}");
                if !effective.is_nothing() {
                    prop_assert_eq!(state.mailbox(account.epoch), mailbox.map(|(of, _)| of));
                }
                for sign_in in LOGINS.map(|sign_in| sign_in()) {
                    let for_them = effective_for(account, state, sign_in);
                    let is_theirs = match (sign_in, mailbox) {
                        (SignIn::Other, _) | (_, None) => true,
                        (_, Some((of, _))) => sign_in.identity() == Some(of),
                    };
                    let expected = if is_theirs { effective } else { PermissionSet::NOTHING };
                    prop_assert_eq!(for_them, expected);
                }
            }
        }
    }

    /// However flows are begun, come back, wait, are confirmed and declined, by whomever, with
    /// revocations and changes of method in between, each decided on what was seen a while ago.
    #[test]
    fn a_persons_no_is_final_until_they_say_yes_again(world in worlds()) {
        for yes in &world.yeses {
            for no in &world.noes {
                let is_meant = no.user == yes.user && no.epoch == yes.epoch;
                let came_between = (yes.begun_at..yes.at).contains(&no.at);
                if is_meant && came_between {
                    let revived = yes.to.intersection(no.to);
                    prop_assert!(revived.is_empty(), "{yes:?} revived {revived:?} after {no:?}");
                }
            }
        }
    }

    /// The world evolves by each event that was decided and appended, and stops the test at
    /// the first that can't follow. Nothing but the log is needed to get there again.
    #[test]
    fn law_1_whatever_is_decided_can_follow(world in worlds()) {
        let again = Projection::of(&world.log);
        prop_assert_eq!(&again.account, world.account());
        prop_assert_eq!(&again.users, &world.users);
    }

    /// Batches of any size, the last of them interrupted, and each followed by a restart
    /// that replays from any place at or before the one reached.
    #[test]
    fn law_2_folding_is_projecting_however_it_is_delivered(
        world in worlds(),
        deliveries in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..12),
    ) {
        let mut projection = Projection::default();
        let mut applied = 0;
        for (replay_from, up_to) in deliveries {
            let from = replay_from.index(applied + 1);
            let to = from + up_to.index(world.log.len() - from + 1);
            projection.deliver(&world.log[from..to]);
            applied = applied.max(to);
        }
        projection.deliver(&world.log[applied..]);
        prop_assert_eq!(&projection, &Projection::of(&world.log));
        projection.deliver(&world.log);
        prop_assert_eq!(projection, Projection::of(&world.log));
    }

    /// At every moment of the world, for every user.
    #[test]
    fn law_3_effective_is_within_what_allows_it(world in worlds()) {
        let mut projection = Projection::default();
        let mut ever_granted: BTreeMap<UserId, PermissionSet> = BTreeMap::new();
        for recorded in &world.log {
            projection.deliver(std::slice::from_ref(recorded));
            match &recorded.1 {
                Event::ModeChanged(changed) if changed.from.method != changed.to.method => {
                    ever_granted.clear();
                }
                Event::UserScopeGranted(granted) if granted.epoch == projection.account.epoch => {
                    let granted_before = ever_granted.entry(granted.user.clone()).or_default();
                    *granted_before = granted_before.join(granted.permissions);
                }
                Event::ModeChanged(_)
                | Event::AdminConsentGranted(_)
                | Event::UserScopeGranted(_)
                | Event::UserScopeRevoked(_) => {}
            }
            let allowed = match &projection.account.authorization {
                Authorization::UserIndividual { .. } => projection.account.email_sync.cap(),
                Authorization::AdminConfigured { consent } => consent.permissions,
            };
            for (user, state) in &projection.users {
                let effective = effective(&projection.account, state);
                let granted = ever_granted.get(user).copied().unwrap_or_default();
                prop_assert!(effective.is_within(allowed), "{effective:?} in {allowed:?}");
                prop_assert!(effective.is_within(granted), "{effective:?} in {granted:?}");
            }
        }
    }

    /// What is off stays off until an event that counts grants it.
    #[test]
    fn law_4_what_ended_is_off_until_it_is_granted_again(world in worlds()) {
        let mut projection = Projection::default();
        let mut off: BTreeMap<UserId, Kinds> = BTreeMap::new();
        for recorded in &world.log {
            projection.deliver(std::slice::from_ref(recorded));
            let epoch = projection.account.epoch;
            match &recorded.1 {
                Event::ModeChanged(changed) if changed.from.method != changed.to.method => {
                    off = projection.users.keys().map(|user| (user.clone(), all())).collect();
                }
                Event::UserScopeRevoked(revoked) if revoked.epoch == epoch => {
                    let off = off.entry(revoked.user.clone()).or_insert_with(all);
                    *off = off.union(revoked.permissions);
                }
                Event::UserScopeGranted(granted) if granted.epoch == epoch => {
                    let off = off.entry(granted.user.clone()).or_insert_with(all);
                    *off = off.without(granted.permissions.kinds());
                }
                Event::ModeChanged(_)
                | Event::AdminConsentGranted(_)
                | Event::UserScopeGranted(_)
                | Event::UserScopeRevoked(_) => {}
            }
            for (user, state) in &projection.users {
                let on = effective(&projection.account, state).kinds();
                let off = off.get(user).copied().unwrap_or_else(all);
                prop_assert!(on.intersection(off).is_empty(), "{user}: {on:?}, but off: {off:?}");
            }
        }
    }

    /// Under the administrator's method nothing comes back on the word of a consent under which Microsoft has said no:
    /// only by a code that was redeemed under it, or another consent.
    #[test]
    fn no_grant_rests_on_a_consent_that_was_found_withdrawn(world in administered_worlds()) {
        let mut projection = Projection::default();
        let mut withdrawn: BTreeMap<(UserId, MicrosoftIdentity), Kinds> = BTreeMap::new();
        for recorded in &world.log {
            let (sequence, event) = recorded;
            let epoch = projection.account.epoch;
            match event {
                // All of these begin a new consent, or a new epoch.
                Event::ModeChanged(_) | Event::AdminConsentGranted(_) => withdrawn.clear(),
                Event::UserScopeRevoked(revoked)
                    if revoked.epoch == epoch && revoked.reason == RevocationReason::MicrosoftWithdrawn =>
                {
                    if let Some(identity) = projection.users.get(&revoked.user).and_then(|user| user.identity) {
                        let kinds = withdrawn.entry((revoked.user.clone(), identity)).or_default();
                        *kinds = kinds.union(revoked.permissions);
                    }
                }
                Event::UserScopeGranted(granted) if granted.epoch == epoch => {
                    // Whoever moves to another mailbox leaves all behind that was known of the old one.
                    withdrawn.retain(|(user, identity), _| *user != granted.user || *identity == granted.identity);
                    let kinds = withdrawn.entry((granted.user.clone(), granted.identity)).or_default();
                    let revived = kinds.intersection(granted.permissions.kinds());
                    if matches!(granted.authority, Authority::AdministratorConsent(_))
                        && !world.restored.contains(sequence)
                    {
                        prop_assert!(revived.is_empty(), "{granted:?} revived {revived:?}");
                    }
                    *kinds = kinds.without(granted.permissions.kinds());
                }
                Event::UserScopeRevoked(_) | Event::UserScopeGranted(_) => {}
            }
            projection.deliver(std::slice::from_ref(recorded));
        }
    }

    /// What a login decides is what recording it comes to, where nobody else acts in between.
    #[test]
    fn a_login_decides_what_can_be_recorded(world in administered_worlds(), wanted in world::permission_sets()) {
        let account = world.account();
        for (id, user) in &world.users {
            for as_colleague in [false, true] {
                let command = sign_in(account, id.clone(), wanted, as_colleague);
                let identity = command.identity;
                let recorded = automatic_grant::record(account, user, command);
                match decide(account, user, wanted, SignIn::Microsoft(identity)) {
                    Decision::AutoGrant { .. } => prop_assert_eq!(recorded.map(|events| events.len()), Ok(1)),
                    Decision::Reauthenticate(ReauthenticateReason::ConsentWithdrawn) => {
                        let sign_in = SignIn::Microsoft(identity);
                        let given = still_given(account, user, wanted, sign_in);
                        let recorded = recorded.map(|events| events.iter().map(granted_by).collect::<Vec<_>>());
                        let expected = if given.is_nothing() {
                            Err(Refusal::ConsentWithdrawn)
                        } else {
                            Ok(Vec::from([Some(given)]))
                        };
                        prop_assert_eq!(recorded, expected);
                    }
                    Decision::Proceed(_)
                    | Decision::Prompt { .. }
                    | Decision::Reauthenticate(_)
                    | Decision::Unavailable(_) => {}
                }
            }
        }
    }

    /// Whatever is wanted, and however the user signed in.
    #[test]
    fn law_5_each_method_decides_in_its_own_way(
        world in worlds(),
        wanted in world::permission_sets(),
        sign_in in prop::sample::select(LOGINS.as_slice()),
    ) {
        let account = world.account();
        let newcomer = crate::user::UserState::default();
        for user in world.users.values().chain([&newcomer]) {
            match (decide(account, user, wanted, sign_in()), account.method()) {
                (Decision::AutoGrant { granted, consent }, method) => {
                    prop_assert_eq!(method, AuthorizationMethod::AdminConfigured);
                    prop_assert_eq!(account.consent().map(|consent| consent.id), Some(consent));
                    prop_assert!(granted.is_within(wanted) && !granted.is_nothing());
                }
                (Decision::Prompt { missing, .. }, method) => {
                    prop_assert_eq!(method, AuthorizationMethod::UserIndividual);
                    let most = wanted.meet(account.email_sync.cap());
                    prop_assert!(missing.is_within(most) && !missing.is_nothing());
                }
                (Decision::Reauthenticate(_), method) => {
                    prop_assert_eq!(method, AuthorizationMethod::AdminConfigured);
                }
                (Decision::Proceed(_) | Decision::Unavailable(_), _) => {}
            }
        }
    }

    /// The change is one event of the company (two with the consent it rests on), and turns
    /// everything off for everyone without a touch on any user.
    #[test]
    fn law_6_a_change_of_method_rewrites_nobody(world in worlds()) {
        let mut after = world.clone();
        let to_users = ChangeMode { account: acme(), by: superadmin(), to: USERS_LIMITED };
        match world.account().method() {
            AuthorizationMethod::AdminConfigured => {
                let events = change(world.account(), to_users).unwrap();
                prop_assert_eq!(events.len(), 1);
                after.append_now(events);
            }
            AuthorizationMethod::UserIndividual => {
                if world.account().mode() == USERS_LIMITED {
                    let to_full = ChangeMode { to: USERS_FULL, ..to_users };
                    after.append_now(change(world.account(), to_full).unwrap());
                }
                after.append_now([
                    consented(u128::MAX, PermissionSet::EVERYTHING),
                    crate::samples::switched_to(u128::MAX),
                ]);
                prop_assert_eq!(after.account().mode(), ADMINISTRATOR);
            }
        }
        prop_assert_eq!(after.account().epoch, world.account().epoch.next());
        prop_assert_eq!(&after.users, &world.users);
        for user in after.users.values() {
            prop_assert_eq!(effective(after.account(), user), PermissionSet::NOTHING);
        }
    }

    /// What is told of a user is what is so.
    #[test]
    fn an_explanation_ends_where_the_projection_does(world in worlds()) {
        for (user, state) in &world.users {
            let told = explain(
                log_of(&world.log, |aggregate| matches!(aggregate, Aggregate::Account(_))),
                log_of(&world.log, |aggregate| {
                    matches!(aggregate, Aggregate::User(_, of) if of == user)
                }),
            )
            .unwrap();
            prop_assert_eq!(&told.account, world.account());
            prop_assert_eq!(&told.user, state);
            prop_assert_eq!(told.effective, effective(world.account(), state));
            for permission in Permission::ALL {
                let from_states = status(world.account(), state, permission);
                prop_assert_eq!(from_states, told.trail(permission).status, "{:?}", permission);
            }
        }
    }

    /// The same where an administrator has consented, and Microsoft withdraws.
    #[test]
    fn why_a_permission_is_off_needs_no_events(world in administered_worlds()) {
        for (user, state) in &world.users {
            let told = explain(
                log_of(&world.log, |aggregate| matches!(aggregate, Aggregate::Account(_))),
                log_of(&world.log, |aggregate| {
                    matches!(aggregate, Aggregate::User(_, of) if of == user)
                }),
            )
            .unwrap();
            for permission in Permission::ALL {
                let from_states = status(world.account(), state, permission);
                prop_assert_eq!(from_states, told.trail(permission).status, "{:?}", permission);
            }
        }
    }
}

const fn all() -> Kinds {
    Kinds {
        calendar: true,
        contacts: true,
        email: true,
    }
}

/// The worlds are worth something only if what the laws speak of happens in them.
#[test]
fn the_worlds_are_eventful() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    for _ in 0..128 {
        seen.look_at(&worlds().new_tree(&mut runner).unwrap().current());
    }
    assert!(seen.switches > 64, "{seen:?}");
    assert!(seen.conflicts > 64, "{seen:?}");
    assert!(seen.late > 16, "{seen:?}");
    assert!(seen.something_effective > 16, "{seen:?}");
    assert!(seen.shrunk_consents > 16, "{seen:?}");
    assert!(seen.moved > 16, "{seen:?}");
    assert!(seen.noes > 128, "{seen:?}");
    assert!(seen.late_yeses > 16, "{seen:?}");
    assert!(seen.expired > 16, "{seen:?}");
    let mut administered = Seen::default();
    for _ in 0..128 {
        administered.look_at(
            &administered_worlds()
                .new_tree(&mut runner)
                .unwrap()
                .current(),
        );
    }
    assert!(administered.dead_consents > 16, "{administered:?}");
    assert!(administered.restored > 16, "{administered:?}");
    assert!(administered.something_effective > 32, "{administered:?}");
}

#[derive(Debug, Default)]
struct Seen {
    switches: usize,
    conflicts: usize,
    late: usize,
    something_effective: usize,
    shrunk_consents: usize,
    /// Grants of another mailbox than the one before.
    moved: usize,
    noes: usize,
    /// Own grants that were recorded later than they were begun.
    late_yeses: usize,
    /// Flows that came back to a no.
    expired: usize,
    /// Sign-ins that were granted nothing, because the consent was withdrawn.
    dead_consents: usize,
    restored: usize,
}

impl Seen {
    fn look_at(&mut self, world: &World) {
        self.conflicts += world.conflicts;
        self.noes += world.noes.len();
        self.late_yeses += world
            .yeses
            .iter()
            .filter(|yes| yes.begun_at < yes.at)
            .count();
        self.expired += world.expired;
        self.restored += world.restored.len();
        self.dead_consents += world.found_dead;
        let mut account = AccountState::default();
        let mut mailboxes = BTreeMap::new();
        for (sequence, event) in &world.log {
            match event {
                Event::ModeChanged(_) | Event::AdminConsentGranted(_) => {
                    let before = account.clone();
                    account = account.evolve(*sequence, event).unwrap();
                    self.switches += usize::from(before.epoch != account.epoch);
                    self.shrunk_consents += usize::from(shrunk(&before, &account));
                }
                Event::UserScopeGranted(granted) => {
                    self.late += usize::from(granted.epoch != account.epoch);
                    let place = (granted.user.clone(), granted.epoch.0);
                    let before = mailboxes.insert(place, granted.identity);
                    let moved = before.is_some_and(|before| before != granted.identity);
                    self.moved += usize::from(moved);
                }
                Event::UserScopeRevoked(revoked) => {
                    self.late += usize::from(revoked.epoch != account.epoch);
                }
            }
        }
        let now = |user| effective(world.account(), user);
        let something = world.users.values().any(|user| !now(user).is_nothing());
        self.something_effective += usize::from(something);
    }
}

fn shrunk(before: &AccountState, after: &AccountState) -> bool {
    match (before.consent(), after.consent()) {
        (Some(before), Some(after)) => !before.permissions.is_within(after.permissions),
        (Some(_) | None, _) => false,
    }
}

/// An event and its place in the log.
type Recorded = (Sequence, Event);
