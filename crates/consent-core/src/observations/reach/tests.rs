//! What a login leaves out, over whatever can happen between logins.

use std::collections::BTreeMap;

use assent_domain::ids::{Cloud, Epoch, Tenant, TenantId};
use assent_domain::permissions::{Kinds, Permission, PermissionSet};
use assent_microsoft_identity::ScopeMap;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::Reach;
use crate::observations::{Approval, Attempts, ConsentPolicies};

const EPOCH: Epoch = Epoch(1);
const TENANT: Tenant = Tenant {
    cloud: Cloud::Worldwide,
    id: TenantId(Uuid::from_u128(7)),
};

fn scopes() -> ScopeMap {
    let list = |text: &str| text.split(' ').map(str::to_owned).collect();
    ScopeMap {
        calendar: list("Calendars.ReadWrite"),
        contacts: list("Contacts.Read"),
        email_limited: list("Mail.Send"),
        email_full: list("Mail.ReadWrite Mail.Send"),
    }
}

#[derive(Debug, Clone, Copy)]
enum Happening {
    Login,
    Settings(Kinds),
    /// One of the flows came back.
    Back(usize, Answer),
    /// Somebody else of the tenant got it.
    ColleagueGot(Permission),
    /// Somebody else was refused it.
    ColleagueWasRefused(Permission),
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Granted(Kinds),
    Cancelled,
    NeedsAdministrator,
    SomethingElse,
}

/// What is known to the test: by permission, the attempts that asked for it while it was doubtful.
#[derive(Debug, Default)]
struct Model {
    asked: BTreeMap<Permission, Vec<Uuid>>,
    /// Each with what it asked for, and what of that was doubtful and was not got since.
    flows: Vec<(Uuid, PermissionSet, Kinds)>,
}

#[derive(Debug, Default)]
struct World {
    attempts: Attempts,
    policies: ConsentPolicies,
    model: Model,
    seconds: i64,
    flows: u128,
}

impl World {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.seconds)
    }

    fn reach<'a>(&'a self, scopes: &'a ScopeMap, asked: PermissionSet) -> Reach<'a> {
        Reach {
            scopes,
            policies: &self.policies,
            epoch: EPOCH,
            tenant: Some(TENANT),
            asked,
        }
    }

    fn sent(&mut self, asked: PermissionSet) {
        let scopes = scopes();
        let reach = self.reach(&scopes, asked);
        let (doubtful, question) = (reach.doubtful(), reach.asked());
        self.flows += 1;
        let (flow, now) = (Uuid::from_u128(self.flows), self.now());
        self.attempts.note_start(flow, question, doubtful, now);
        self.model.flows.push((flow, asked, doubtful));
        for permission in doubtful.iter() {
            self.model.asked.entry(permission).or_default().push(flow);
        }
    }

    fn login(&mut self) -> Result<(), TestCaseError> {
        let (scopes, all) = (scopes(), PermissionSet::EVERYTHING);
        let reach = self.reach(&scopes, all);
        let asked = all.without(reach.out_of_reach(&self.attempts));
        for permission in Permission::ALL {
            let before = self.model.asked.get(&permission);
            let led_nowhere = before.is_some_and(|flows| !flows.is_empty());
            let is_refused = reach.approval(permission) == Approval::Required;
            // Exactly so: what is in reach is asked for.
            prop_assert_eq!(
                asked.kinds().contains(permission),
                !led_nowhere && !is_refused,
                "{:?} of {:?}",
                permission,
                &self.model
            );
        }
        if !asked.is_nothing() {
            self.sent(asked);
        }
        Ok(())
    }

    fn back(&mut self, index: usize, answer: Answer) {
        let Some((flow, asked, doubtful)) = self.model.flows.get(index).copied() else {
            return;
        };
        let (now, question) = (self.now(), self.reach(&scopes(), asked).asked());
        match answer {
            Answer::Granted(granted) => {
                let granted = asked.only(granted);
                self.policies
                    .policy_mut(TENANT)
                    .note_granted(&scopes().scopes_for(granted), now);
                self.attempts
                    .note_grant((EPOCH, TENANT.into()), flow, granted.kinds());
                self.attempts.note_end(flow);
                for permission in granted.kinds().iter() {
                    self.model.asked.remove(&permission);
                }
                for (_, _, doubtful) in &mut self.model.flows {
                    *doubtful = doubtful.without(granted.kinds());
                }
            }
            Answer::Cancelled => self.attempts.unanswered(flow),
            Answer::NeedsAdministrator => {
                self.attempts.blocked(flow, question, now);
                let refused = if doubtful.is_empty() {
                    asked.kinds()
                } else {
                    doubtful
                };
                for permission in refused.iter() {
                    self.model.asked.entry(permission).or_default().push(flow);
                }
            }
            Answer::SomethingElse => {
                self.attempts.note_end(flow);
                for flows in self.model.asked.values_mut() {
                    flows.retain(|asked| *asked != flow);
                }
            }
        }
    }

    fn happens(&mut self, happening: Happening) -> Result<(), TestCaseError> {
        match happening {
            Happening::Login => self.login()?,
            Happening::Settings(kinds) => self.sent(PermissionSet::EVERYTHING.only(kinds)),
            Happening::Back(index, answer) => {
                self.back(index, answer);
                // A flow comes back once.
                if let Some(flow) = self.model.flows.get_mut(index) {
                    *flow = (Uuid::nil(), PermissionSet::NOTHING, Kinds::NONE);
                }
            }
            Happening::ColleagueGot(permission) => {
                let scopes = scopes().scopes_for(just(permission));
                let now = self.now();
                self.policies.policy_mut(TENANT).note_granted(&scopes, now);
                self.model.asked.remove(&permission);
            }
            Happening::ColleagueWasRefused(permission) => {
                let scopes = scopes().scopes_for(just(permission));
                let now = self.now();
                self.policies.policy_mut(TENANT).refused(&scopes, now);
            }
        }
        Ok(())
    }
}

fn just(permission: Permission) -> PermissionSet {
    PermissionSet::EVERYTHING.only(Kinds::from_iter([permission]))
}

fn kinds() -> impl Strategy<Value = Kinds> {
    proptest::sample::subsequence(Permission::ALL.to_vec(), 1..=3)
        .prop_map(|permissions| permissions.into_iter().collect())
}

fn happening() -> impl Strategy<Value = Happening> {
    let permission = || proptest::sample::select(Permission::ALL.to_vec());
    let answer = prop_oneof![
        kinds().prop_map(Answer::Granted),
        Just(Answer::Cancelled),
        Just(Answer::NeedsAdministrator),
        Just(Answer::SomethingElse),
    ];
    prop_oneof![
        4 => Just(Happening::Login),
        1 => kinds().prop_map(Happening::Settings),
        3 => (0..12_usize, answer).prop_map(|(index, answer)| Happening::Back(index, answer)),
        1 => permission().prop_map(Happening::ColleagueGot),
        1 => permission().prop_map(Happening::ColleagueWasRefused),
    ]
}

proptest! {
    /// No login asks for what is doubtful and was asked for before in this epoch, unless the user or somebody of the
    /// tenant got it since, or that attempt ended in another way; and all else is asked for. However little time is
    /// in between, and however flows overlap: none of these is too old to come back.
    #[test]
    fn no_login_leads_into_the_same_dead_end(happenings in proptest::collection::vec((happening(), 1..60_i64), 1..16)) {
        let mut world = World::default();
        for (happening, seconds) in happenings {
            world.seconds += seconds;
            world.happens(happening)?;
        }
    }
}
