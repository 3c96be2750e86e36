//! How a user fared at Microsoft, so that a login does not send them into the same dead end twice.
//!
//! Microsoft's page "Need admin approval" leads nowhere: whoever meets it closes the window, or follows a link back
//! that looks like any cancellation. So an attempt that asked for something users usually may not consent to, and that
//! brought no answer, counts as a dead end for that. The settings go on offering it; only the login does not.

use assent_contract::values::{Permission, Tenant, kinds_from_list, kinds_to_list};
use assent_domain::ids::Epoch;
use assent_domain::permissions::Kinds;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::flow::{CONFIRMATION_LIFETIME, LIFETIME};

/// Somebody who signs in again so long after having been sent to Microsoft has not got through there.
const LEFT_UNANSWERED: SignedDuration = SignedDuration::from_mins(2);

/// How many flows of a user are kept in mind. Nobody has more in hand at a time.
const MOST_UNDER_WAY: usize = 16;

/// The attempts of one epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    epoch: u64,
    dead_ends: Vec<DeadEnd>,
    /// The last attempt, while nothing is known of how it ended.
    open: Option<Attempt>,
    /// What was asked for and may still be granted, the oldest first.
    #[serde(default)]
    under_way: Vec<UnderWay>,
    /// The tenant that the user was last expected in: there may be no grant yet that tells.
    #[serde(default)]
    tenant: Option<Tenant>,
}

/// A permission that could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeadEnd {
    pub(crate) permission: Permission,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Attempt {
    flow: Uuid,
    /// What users usually may not consent to, of what was asked for.
    doubtful: Vec<Permission>,
    begun_at: Timestamp,
}

/// A flow that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct UnderWay {
    flow: Uuid,
    asked: Vec<Permission>,
    until: Timestamp,
}

impl Attempts {
    /// A user is sent to Microsoft.
    pub(crate) fn begun(
        &mut self,
        (epoch, tenant): (Epoch, Option<Tenant>),
        flow: Uuid,
        (asked, doubtful): (Kinds, Kinds),
        now: Timestamp,
    ) {
        self.enter(epoch);
        self.give_up_on_the_last(now);
        self.under_way.retain(|flow| now < flow.until);
        let too_many = (self.under_way.len() + 1).saturating_sub(MOST_UNDER_WAY);
        self.under_way.drain(..too_many);
        self.under_way.push(UnderWay {
            flow,
            asked: kinds_to_list(asked),
            until: now + LIFETIME + CONFIRMATION_LIFETIME,
        });
        self.tenant = tenant.or(self.tenant);
        self.open = Some(Attempt {
            flow,
            doubtful: kinds_to_list(doubtful),
            begun_at: now,
        });
    }

    /// The user has these now: whatever was in the way is not any more.
    pub(crate) fn got(&mut self, epoch: Epoch, flow: Uuid, permissions: Kinds) {
        self.enter(epoch);
        self.close(flow);
        self.dead_ends
            .retain(|end| !permissions.contains(end.permission.into()));
    }

    /// What flows ask for that have not ended.
    pub(crate) fn under_way(&self, epoch: Epoch, now: Timestamp) -> Kinds {
        let open = self.under_way.iter().filter(|flow| now < flow.until);
        open.filter(|_| self.epoch == epoch.0)
            .fold(Kinds::NONE, |kinds, flow| {
                kinds.union(kinds_from_list(&flow.asked))
            })
    }

    /// A flow has ended: nothing will be granted by it any more.
    pub(crate) fn over(&mut self, flow: Uuid) {
        self.under_way.retain(|open| open.flow != flow);
    }

    /// The user answered, or something went wrong that is not the tenant's doing.
    pub(crate) fn ended(&mut self, epoch: Epoch, flow: Uuid) {
        self.enter(epoch);
        self.close(flow);
    }

    /// Microsoft said that an administrator has to approve. It does not say for what: for what was doubtful, or for
    /// all of it where nothing was.
    pub(crate) fn blocked(&mut self, epoch: Epoch, flow: Uuid, asked: Kinds, now: Timestamp) {
        self.enter(epoch);
        let doubtful = self.close(flow).map(|attempt| attempt.doubtful);
        match doubtful {
            Some(doubtful) if !doubtful.is_empty() => self.met(&doubtful, now),
            Some(_) | None => self.met(&kinds_to_list(asked), now),
        }
    }

    /// The attempt came back without an answer: only what was doubtful counts as met with a dead end.
    pub(crate) fn unanswered(&mut self, epoch: Epoch, flow: Uuid, now: Timestamp) {
        self.enter(epoch);
        if let Some(attempt) = self.close(flow) {
            self.met(&attempt.doubtful, now);
        }
    }

    /// The dead ends of this epoch, one that nobody came back from among them.
    pub(crate) fn dead_ends(&self, epoch: Epoch, now: Timestamp) -> Vec<DeadEnd> {
        let mut known = self.clone();
        known.enter(epoch);
        known.give_up_on_the_last(now);
        known.dead_ends
    }

    /// The tenant that the user was last expected in.
    pub(crate) const fn tenant(&self) -> Option<Tenant> {
        self.tenant
    }

    fn enter(&mut self, epoch: Epoch) {
        if self.epoch != epoch.0 {
            *self = Self {
                epoch: epoch.0,
                tenant: self.tenant,
                ..Self::default()
            };
        }
    }

    fn give_up_on_the_last(&mut self, now: Timestamp) {
        if let Some(attempt) = self
            .open
            .take_if(|attempt| attempt.begun_at + LEFT_UNANSWERED <= now)
        {
            self.met(&attempt.doubtful, attempt.begun_at);
        }
    }

    /// Ends the last attempt if it is this one; an older one has been given up on already.
    fn close(&mut self, flow: Uuid) -> Option<Attempt> {
        self.open.take_if(|attempt| attempt.flow == flow)
    }

    fn met(&mut self, permissions: &[Permission], at: Timestamp) {
        let kinds = kinds_from_list(permissions);
        self.dead_ends
            .retain(|end| !kinds.contains(end.permission.into()));
        let met = permissions.iter();
        self.dead_ends.extend(met.map(|permission| DeadEnd {
            permission: *permission,
            at,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch(3);

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn kinds(permissions: &[Permission]) -> Kinds {
        kinds_from_list(permissions)
    }

    fn met(attempts: &Attempts, epoch: Epoch, minute: i64) -> Vec<Permission> {
        let ends = attempts.dead_ends(epoch, at(minute));
        ends.into_iter().map(|end| end.permission).collect()
    }

    fn sent(flow: u128, doubtful: &[Permission], minute: i64) -> Attempts {
        let mut attempts = Attempts::default();
        let tenant = None;
        attempts.begun(
            (EPOCH, tenant),
            Uuid::from_u128(flow),
            (kinds(doubtful), kinds(doubtful)),
            at(minute),
        );
        attempts
    }

    #[test]
    fn nobody_came_back() {
        let attempts = sent(1, &[Permission::Calendar], 0);
        assert_eq!(met(&attempts, EPOCH, 1), []);
        assert_eq!(met(&attempts, EPOCH, 2), [Permission::Calendar]);
        // After a change of method everybody starts anew.
        assert_eq!(met(&attempts, EPOCH.next(), 2), []);
    }

    #[test]
    fn a_cancellation_says_nothing_of_what_users_may_consent_to() {
        let mut attempts = sent(1, &[], 0);
        attempts.unanswered(EPOCH, Uuid::from_u128(1), at(1));
        assert_eq!(met(&attempts, EPOCH, 9), []);
        let mut attempts = sent(1, &[Permission::Email], 0);
        attempts.unanswered(EPOCH, Uuid::from_u128(1), at(1));
        assert_eq!(met(&attempts, EPOCH, 1), [Permission::Email]);
    }

    #[test]
    fn a_refusal_is_for_what_was_doubtful_or_else_for_all() {
        let asked = kinds(&[Permission::Calendar, Permission::Contacts]);
        let mut attempts = sent(1, &[Permission::Calendar], 0);
        attempts.blocked(EPOCH, Uuid::from_u128(1), asked, at(1));
        assert_eq!(met(&attempts, EPOCH, 1), [Permission::Calendar]);
        let mut attempts = sent(1, &[], 0);
        attempts.blocked(EPOCH, Uuid::from_u128(1), asked, at(1));
        assert_eq!(
            met(&attempts, EPOCH, 1),
            [Permission::Calendar, Permission::Contacts]
        );
    }

    #[test]
    fn a_dead_end_is_remembered_over_other_attempts_and_gone_with_success() {
        let mut attempts = sent(1, &[Permission::Calendar, Permission::Email], 0);
        let nothing = (Kinds::NONE, Kinds::NONE);
        attempts.begun((EPOCH, None), Uuid::from_u128(2), nothing, at(10));
        attempts.ended(EPOCH, Uuid::from_u128(2));
        assert_eq!(
            met(&attempts, EPOCH, 11),
            [Permission::Calendar, Permission::Email]
        );
        // An older flow that comes back late closes no newer one.
        attempts.begun(
            (EPOCH, None),
            Uuid::from_u128(3),
            (Kinds::NONE, kinds(&[Permission::Calendar])),
            at(12),
        );
        attempts.ended(EPOCH, Uuid::from_u128(1));
        attempts.got(EPOCH, Uuid::from_u128(3), kinds(&[Permission::Calendar]));
        assert_eq!(met(&attempts, EPOCH, 20), [Permission::Email]);
    }

    #[test]
    fn what_is_under_way_is_known_until_it_is_over() {
        let mut attempts = sent(1, &[Permission::Calendar], 0);
        let email = (kinds(&[Permission::Email]), Kinds::NONE);
        attempts.begun((EPOCH, None), Uuid::from_u128(2), email, at(10));
        let both = kinds(&[Permission::Calendar, Permission::Email]);
        assert_eq!(attempts.under_way(EPOCH, at(24)), both);
        // Fifteen minutes at Microsoft, and ten to confirm.
        assert_eq!(attempts.under_way(EPOCH, at(25)), email.0);
        assert_eq!(attempts.under_way(EPOCH.next(), at(24)), Kinds::NONE);
        attempts.over(Uuid::from_u128(2));
        assert_eq!(
            attempts.under_way(EPOCH, at(24)),
            kinds(&[Permission::Calendar])
        );
    }

    #[test]
    fn no_more_is_kept_in_mind_than_anybody_has_in_hand() {
        let mut attempts = sent(0, &[Permission::Calendar], 0);
        for flow in (1..).take(MOST_UNDER_WAY) {
            let email = (kinds(&[Permission::Email]), Kinds::NONE);
            attempts.begun((EPOCH, None), Uuid::from_u128(flow), email, at(1));
        }
        assert_eq!(attempts.under_way.len(), MOST_UNDER_WAY);
        assert_eq!(
            attempts.under_way(EPOCH, at(1)),
            kinds(&[Permission::Email])
        );
    }
}
