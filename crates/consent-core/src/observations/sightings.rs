//! Where the mailboxes of a company's users were seen: one bounded record for each company.

use assent_contract::values::{Tenant as WireTenant, text};
use assent_domain::ids::{Tenant, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Mailbox, MailboxState};

/// Mailboxes are moved: what was seen on premises so long ago says nothing any more.
const FADES_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many users are remembered; the latest.
const MOST: usize = 50;

/// What was seen of late, the latest last; the newest of each user only, so that nobody counts twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sightings {
    seen: Vec<Sighting>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sighting {
    #[serde(with = "text")]
    user: UserId,
    tenant: WireTenant,
    is_on_premises: bool,
    at: Timestamp,
}

impl Sightings {
    /// A user's mailbox was seen in a tenant. What says nothing of where it is leaves what was known.
    pub(super) fn saw(&mut self, user: &UserId, tenant: Tenant, mailbox: Mailbox) {
        let is_on_premises = match mailbox.state {
            MailboxState::Available => false,
            MailboxState::OnPremisesExchange => true,
            MailboxState::MailboxUnavailable | MailboxState::Unknown => return,
        };
        self.seen.retain(|sighting| sighting.user != *user);
        self.seen.push(Sighting {
            user: user.clone(),
            tenant: tenant.into(),
            is_on_premises,
            at: mailbox.checked_at,
        });
        let too_many = self.seen.len().saturating_sub(MOST);
        self.seen.drain(..too_many);
    }

    /// The users whose mailboxes speak for servers of the company's own, where no mailbox speaks against them: in this
    /// tenant, or where none is named in any.
    pub(crate) fn on_premises_only(
        &self,
        tenant: Option<Tenant>,
        now: Timestamp,
    ) -> Vec<(UserId, Tenant)> {
        let wanted = tenant.map(WireTenant::from);
        let counts = |sighting: &&Sighting| wanted.is_none_or(|wanted| sighting.tenant == wanted);
        if self
            .seen
            .iter()
            .filter(counts)
            .any(|sighting| !sighting.is_on_premises)
        {
            return Vec::new();
        }
        let of_late = |sighting: &&Sighting| sighting.at + FADES_AFTER > now;
        let seen = self.seen.iter().filter(counts).filter(of_late);
        seen.map(|sighting| (sighting.user.clone(), sighting.tenant.into()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::{Cloud, TenantId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    fn tenant(number: u128) -> Tenant {
        Tenant {
            cloud: Cloud::Worldwide,
            id: TenantId(Uuid::from_u128(number)),
        }
    }

    fn user(number: u8) -> UserId {
        UserId::parse(&format!("u{number}")).unwrap()
    }

    fn mailbox(state: MailboxState, day: i64) -> Mailbox {
        Mailbox {
            state,
            checked_at: at(day),
        }
    }

    use MailboxState::{Available, MailboxUnavailable, OnPremisesExchange, Unknown};

    #[test]
    fn only_the_tenant_that_is_asked_counts() {
        let mut seen = Sightings::default();
        seen.saw(&user(1), tenant(1), mailbox(OnPremisesExchange, 0));
        assert_eq!(
            seen.on_premises_only(Some(tenant(1)), at(1)),
            [(user(1), tenant(1))]
        );
        assert_eq!(seen.on_premises_only(Some(tenant(2)), at(1)), []);
        assert_eq!(seen.on_premises_only(None, at(1)), [(user(1), tenant(1))]);
        // One in Exchange Online speaks for its own tenant, not for another.
        seen.saw(&user(2), tenant(2), mailbox(Available, 0));
        assert_eq!(seen.on_premises_only(Some(tenant(1)), at(1)).len(), 1);
        assert_eq!(seen.on_premises_only(None, at(1)), []);
        seen.saw(&user(3), tenant(1), mailbox(Available, 0));
        assert_eq!(seen.on_premises_only(Some(tenant(1)), at(1)), []);
    }

    #[test]
    fn it_fades_and_what_says_nothing_changes_nothing() {
        let mut seen = Sightings::default();
        seen.saw(&user(1), tenant(1), mailbox(OnPremisesExchange, 0));
        for state in [MailboxUnavailable, Unknown] {
            seen.saw(&user(1), tenant(1), mailbox(state, 1));
        }
        assert_eq!(seen.on_premises_only(Some(tenant(1)), at(29)).len(), 1);
        assert_eq!(seen.on_premises_only(Some(tenant(1)), at(30)), []);
    }

    #[test]
    fn somebody_whose_mailbox_moved_speaks_for_where_it_is_now() {
        let mut seen = Sightings::default();
        seen.saw(&user(1), tenant(1), mailbox(OnPremisesExchange, 0));
        seen.saw(&user(1), tenant(1), mailbox(Available, 1));
        assert_eq!(seen.on_premises_only(Some(tenant(1)), at(2)), []);
        seen.saw(&user(1), tenant(2), mailbox(OnPremisesExchange, 2));
        assert_eq!(seen.on_premises_only(Some(tenant(1)), at(3)), []);
    }

    proptest! {
        /// Whatever one employee does with however many tenants of their own, it says nothing of the company's.
        #[test]
        fn nobody_speaks_for_a_tenant_that_is_not_theirs(
            steps in prop::collection::vec((0_u8..80, 1_u128..5, any::<bool>(), 0_i64..60), 0..300),
            asked in 1_u128..5,
            now in 0_i64..90,
        ) {
            let mut seen = Sightings::default();
            let mut last = std::collections::BTreeMap::new();
            for (who, of, is_on_premises, day) in steps {
                let state = if is_on_premises { OnPremisesExchange } else { Available };
                seen.saw(&user(who), tenant(of), mailbox(state, day));
                last.insert(user(who), (of, is_on_premises, day));
            }
            prop_assert!(seen.seen.len() <= MOST);
            for (who, of) in seen.on_premises_only(Some(tenant(asked)), at(now)) {
                prop_assert_eq!(of, tenant(asked));
                let (theirs, is_on_premises, day) = last[&who];
                prop_assert_eq!((theirs, is_on_premises), (asked, true));
                prop_assert!(day + 30 > now);
            }
        }
    }
}
