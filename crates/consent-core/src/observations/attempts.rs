//! How a user fared at Microsoft, so that a login does not send them into the same dead end twice.
//!
//! Microsoft's page "Need admin approval" leads nowhere: whoever meets it closes the window, follows a link back that
//! looks like any cancellation, or signs in again at once, maybe in another browser. So what users usually may not
//! consent to counts as a dead end from the moment a user is sent to Microsoft for it, until something better is known:
//! the attempt may still complete. The settings go on offering it; only the login does not.

use assent_contract::values::{Permission, Tenant, kinds_from_list, kinds_to_list};
use assent_domain::ids::Epoch;
use assent_domain::permissions::{EmailLevel, Kinds, PermissionSet};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::flow::{CONFIRMATION_LIFETIME, LIFETIME};

/// How many flows of a user are kept in mind. Nobody has more in hand at a time.
const MOST_UNDER_WAY: usize = 16;

/// How many dead ends are: those of all these flows, and some more. There are three permissions.
const MOST_DEAD_ENDS: usize = 4 * MOST_UNDER_WAY;

/// The attempts of one epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    epoch: u64,
    /// The oldest first.
    dead_ends: Vec<DeadEnd>,
    /// What was asked for and may still be granted, the oldest first.
    #[serde(default)]
    under_way: Vec<UnderWay>,
    /// The tenant that the user was last expected in: there may be no grant yet that tells.
    #[serde(default)]
    tenant: Option<Tenant>,
}

/// A permission that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DeadEnd {
    permission: Permission,
    at: Timestamp,
    /// The flow that asked, as long as nothing is known of how it ended.
    #[serde(default)]
    flow: Option<Uuid>,
    /// The tenant that was asked, where it was known.
    #[serde(default)]
    tenant: Option<Tenant>,
    /// Whether of e-mail only sending was asked for, which users usually may consent to.
    #[serde(default)]
    limited: bool,
}

impl DeadEnd {
    fn is_like(&self, other: &Self) -> bool {
        let kind = |end: &Self| (end.flow, end.permission, end.tenant, end.limited);
        kind(self) == kind(other)
    }
}

/// A question to a user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptedConsent {
    pub(crate) epoch: Epoch,
    /// Where it is known.
    pub(crate) tenant: Option<Tenant>,
    pub(crate) permissions: PermissionSet,
}

impl AttemptedConsent {
    fn dead_end(self, permission: Permission, at: Timestamp, flow: Option<Uuid>) -> DeadEnd {
        DeadEnd {
            permission,
            at,
            flow,
            tenant: self.tenant,
            limited: self.limits(permission),
        }
    }

    fn limits(self, permission: Permission) -> bool {
        permission == Permission::Email && self.permissions.email == EmailLevel::Limited
    }
}

/// A flow that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct UnderWay {
    flow: Uuid,
    asked: Vec<Permission>,
    until: Timestamp,
}

impl Attempts {
    /// A user is sent to Microsoft. What is doubtful of what is asked for is a dead end unless this flow says otherwise.
    pub(crate) fn note_start(
        &mut self,
        flow: Uuid,
        asked: AttemptedConsent,
        doubtful: Kinds,
        now: Timestamp,
    ) {
        if self.epoch != asked.epoch.0 {
            *self = Self {
                epoch: asked.epoch.0,
                tenant: self.tenant,
                ..Self::default()
            };
        }
        self.under_way.retain(|flow| now < flow.until);
        let too_many = (self.under_way.len() + 1).saturating_sub(MOST_UNDER_WAY);
        self.under_way.drain(..too_many);
        self.under_way.push(UnderWay {
            flow,
            asked: kinds_to_list(asked.permissions.kinds()),
            until: now + LIFETIME + CONFIRMATION_LIFETIME,
        });
        self.tenant = asked.tenant.or(self.tenant);
        let doubtful = kinds_to_list(doubtful).into_iter();
        let feared = doubtful.map(|permission| asked.dead_end(permission, now, Some(flow)));
        self.dead_ends.extend(feared);
        self.tidy();
    }

    /// The user has these now: whatever was in the way is not any more. What the flow asked for besides was not to be had.
    pub(crate) fn note_grant(
        &mut self,
        (epoch, tenant): (Epoch, Tenant),
        flow: Uuid,
        granted: Kinds,
    ) {
        if self.epoch != epoch.0 {
            return;
        }
        self.dead_ends.retain(|end| {
            !granted.contains(end.permission.into())
                || end.tenant.is_some_and(|other| other != tenant)
        });
        self.settle(flow);
    }

    /// What flows ask for that have not ended.
    pub(crate) fn under_way(&self, epoch: Epoch, now: Timestamp) -> Kinds {
        let open = self.under_way.iter().filter(|flow| now < flow.until);
        open.filter(|_| self.epoch == epoch.0)
            .fold(Kinds::NONE, |kinds, flow| {
                kinds.union(kinds_from_list(&flow.asked))
            })
    }

    /// A flow has ended: nothing will be granted by it any more. If nothing else was said of it, what ended it says
    /// nothing of what users may consent to: the user answered, or something went wrong.
    pub(crate) fn note_end(&mut self, flow: Uuid) {
        self.under_way.retain(|open| open.flow != flow);
        self.dead_ends.retain(|end| end.flow != Some(flow));
    }

    /// Microsoft said that an administrator has to approve. It does not say for what: for what was doubtful, or for
    /// all of it where nothing was.
    pub(crate) fn blocked(&mut self, flow: Uuid, asked: AttemptedConsent, now: Timestamp) {
        let mut doubtful: Vec<Permission> =
            self.dead_ends_of(flow).map(|end| end.permission).collect();
        if doubtful.is_empty() {
            doubtful = kinds_to_list(asked.permissions.kinds());
        }
        self.note_end(flow);
        if self.epoch == asked.epoch.0 {
            let met = doubtful.into_iter();
            let met = met.map(|permission| asked.dead_end(permission, now, None));
            self.dead_ends.extend(met);
            self.tidy();
        }
    }

    /// The attempt came back without an answer: only what was doubtful counts as met with a dead end.
    pub(crate) fn unanswered(&mut self, flow: Uuid) {
        self.settle(flow);
        self.note_end(flow);
    }

    /// Whether a permission, or less of it, led into a dead end in this tenant, since when nobody was seen to get it.
    pub(crate) fn lead_nowhere(
        &self,
        asked: AttemptedConsent,
        permission: Permission,
        is_open_since: impl Fn(Timestamp) -> bool,
    ) -> bool {
        let was_more = |end: &DeadEnd| asked.limits(permission) && !end.limited;
        let was_elsewhere = |end: &DeadEnd| {
            end.tenant.is_some() && asked.tenant.is_some() && end.tenant != asked.tenant
        };
        let leads_nowhere = |end: &DeadEnd| {
            end.permission == permission
                && !was_more(end)
                && !was_elsewhere(end)
                && !is_open_since(end.at)
        };
        self.epoch == asked.epoch.0 && self.dead_ends.iter().any(leads_nowhere)
    }

    /// The tenant that the user was last expected in.
    pub(crate) const fn tenant(&self) -> Option<Tenant> {
        self.tenant
    }

    /// What a flow counts as a dead end as long as nothing is known of it.
    fn dead_ends_of(&mut self, flow: Uuid) -> impl Iterator<Item = &mut DeadEnd> {
        self.dead_ends
            .iter_mut()
            .filter(move |end| end.flow == Some(flow))
    }

    /// A flow led into the dead ends that it was feared to.
    fn settle(&mut self, flow: Uuid) {
        for end in self.dead_ends_of(flow) {
            end.flow = None;
        }
        self.tidy();
    }

    /// Of what is sure the latest is enough. What was begun and is not any more is sure: nobody came back.
    fn tidy(&mut self) {
        for end in &mut self.dead_ends {
            let under_way = &self.under_way;
            end.flow = end
                .flow
                .filter(|flow| under_way.iter().any(|open| open.flow == *flow));
        }
        let mut kept: Vec<DeadEnd> = Vec::with_capacity(self.dead_ends.len());
        for end in self.dead_ends.drain(..) {
            let known = kept
                .iter_mut()
                .find(|known| end.flow.is_none() && known.is_like(&end));
            match known {
                Some(known) => known.at = known.at.max(end.at),
                None => kept.push(end),
            }
        }
        let too_many = kept.len().saturating_sub(MOST_DEAD_ENDS);
        kept.drain(..too_many);
        self.dead_ends = kept;
    }
}

#[cfg(test)]
mod tests;
