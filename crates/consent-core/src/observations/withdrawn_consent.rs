//! That an administrator's consent was found withdrawn at Microsoft: one small record for each company.
//!
//! Microsoft tells nobody. It shows where a token of one user is refreshed, and concerns whoever is to be granted something
//! under the same consent. So it holds grants back, and gives none; where the note is lost, the next refresh finds it again.

use assent_contract::command::{Evidence, Reach};
use assent_contract::values::{Permission, kinds_from_list, kinds_to_list};
use assent_domain::account::Consent;
use assent_domain::ids::ConsentId;
use assent_domain::permissions::Kinds;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What of a consent was found withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WithdrawnConsent {
    consent: Uuid,
    permissions: Vec<Permission>,
    /// When it was found first.
    pub(crate) since: Timestamp,
    /// When it was found last.
    found_at: Timestamp,
    /// Whom the last finding concerned.
    pub(crate) reach: Reach,
    error: String,
    suberror: Option<String>,
    code: Option<u32>,
}

impl WithdrawnConsent {
    /// Notes one more finding.
    pub(crate) fn found(
        known: Option<Self>,
        consent: ConsentId,
        gone: Kinds,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Self {
        let known = known.filter(|known| known.consent == consent.0);
        let before = known.as_ref().map_or(Kinds::NONE, Self::kinds);
        Self {
            consent: consent.0,
            permissions: kinds_to_list(before.union(gone)),
            since: known.map_or(now, |known| known.since),
            found_at: now,
            reach: evidence.reach,
            error: evidence.error.clone(),
            suberror: evidence.suberror.clone(),
            code: evidence.code,
        }
    }

    /// What is left of it once Microsoft has given a code for these permissions, at a time.
    pub(crate) fn without(self, living: Kinds, redeemed_at: Timestamp) -> Option<Self> {
        // What was found after that is newer.
        if redeemed_at < self.found_at {
            return Some(self);
        }
        let dead = self.kinds().without(living);
        (!dead.is_empty()).then(|| Self {
            permissions: kinds_to_list(dead),
            ..self
        })
    }

    /// What of this consent is dead: nothing, where another one was found so.
    pub(crate) fn of(&self, consent: ConsentId) -> Kinds {
        if self.consent == consent.0 {
            self.kinds()
        } else {
            Kinds::NONE
        }
    }

    /// What a finding says of a consent: where the application is gone from the tenant, all of it.
    pub(crate) fn concerned(consent: &Consent, gone: Kinds, reach: Reach) -> Kinds {
        let all = consent.permissions.kinds();
        match reach {
            Reach::Tenant => all,
            Reach::User => gone.intersection(all),
        }
    }

    fn kinds(&self) -> Kinds {
        kinds_from_list(&self.permissions)
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::permissions::Permission as Kind;
    use jiff::SignedDuration;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn evidence() -> Evidence {
        Evidence {
            reach: Reach::User,
            error: "invalid_grant".to_owned(),
            suberror: Some("consent_required".to_owned()),
            code: Some(65001),
            correlation_id: None,
            reported_by: None,
        }
    }

    const FIRST: ConsentId = ConsentId(Uuid::from_u128(1));
    const SECOND: ConsentId = ConsentId(Uuid::from_u128(2));

    fn kinds(of: &[Kind]) -> Kinds {
        of.iter().copied().collect()
    }

    #[test]
    fn findings_add_up_and_the_first_one_says_since_when() {
        let calendar = kinds(&[Kind::Calendar]);
        let found = WithdrawnConsent::found(None, FIRST, calendar, &evidence(), at(1));
        let more = kinds(&[Kind::Email]);
        let found = WithdrawnConsent::found(Some(found), FIRST, more, &evidence(), at(2));
        assert_eq!(found.of(FIRST), kinds(&[Kind::Calendar, Kind::Email]));
        assert_eq!(found.of(SECOND), Kinds::NONE);
        assert_eq!(found.since, at(1));
        let other = WithdrawnConsent::found(Some(found), SECOND, more, &evidence(), at(3));
        assert_eq!((other.of(SECOND), other.of(FIRST)), (more, Kinds::NONE));
        assert_eq!(other.since, at(3));
    }

    #[test]
    fn a_code_takes_back_what_it_covers_and_was_found_before_it() {
        let all = kinds(&Kind::ALL);
        let found = WithdrawnConsent::found(None, FIRST, all, &evidence(), at(5));
        assert_eq!(found.clone().without(all, at(4)), Some(found.clone()));
        let calendar = kinds(&[Kind::Calendar]);
        let left = found.without(calendar, at(6)).unwrap();
        assert_eq!(left.of(FIRST), all.without(calendar));
        assert_eq!(left.without(all, at(7)), None);
    }
}
