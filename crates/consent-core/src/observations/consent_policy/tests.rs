use assent_domain::ids::{Cloud, Tenant, TenantId};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Approval, ConsentPolicies, ConsentPolicy, approval};

const CALENDAR: &str = "Calendars.ReadWrite";
const CONTACTS: &str = "Contacts.Read";
const SENDING: &str = "Mail.Send";
const READING: &str = "Mail.ReadWrite";

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

fn scopes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn tenant(id: u128) -> Tenant {
    Tenant {
        cloud: Cloud::Worldwide,
        id: TenantId(Uuid::from_u128(id)),
    }
}

fn needs(policy: &ConsentPolicy, names: &[&str]) -> Approval {
    approval(Some(policy), &scopes(names))
}

#[test]
fn before_any_answer_microsofts_default_is_the_guess() {
    for (names, expected) in [
        (&[CALENDAR][..], Approval::Likely),
        (&[CONTACTS], Approval::NotNeeded),
        (&[SENDING], Approval::NotNeeded),
        (&[READING, SENDING], Approval::Likely),
        (&["Something.Unheard"], Approval::Likely),
        (&[], Approval::NotNeeded),
    ] {
        assert_eq!(approval(None, &scopes(names)), expected, "{names:?}");
    }
}

#[test]
fn a_refusal_is_for_what_the_default_closes() {
    let mut policy = ConsentPolicy::default();
    policy.refused(&scopes(&[CALENDAR, CONTACTS]), at(1));
    assert_eq!(needs(&policy, &[CALENDAR]), Approval::Required);
    assert_eq!(needs(&policy, &[CONTACTS]), Approval::NotNeeded);
    assert_eq!(needs(&policy, &[READING, SENDING]), Approval::Likely);
}

#[test]
fn a_refusal_of_what_everybody_may_is_for_all_of_it() {
    let mut policy = ConsentPolicy::default();
    policy.refused(&scopes(&[SENDING, CONTACTS]), at(1));
    assert_eq!(needs(&policy, &[CONTACTS]), Approval::Required);
    assert_eq!(needs(&policy, &[READING, SENDING]), Approval::Required);
}

#[test]
fn the_newest_answer_counts() {
    let mut policy = ConsentPolicy::default();
    policy.note_granted(&scopes(&[CALENDAR]), at(1));
    assert_eq!(needs(&policy, &[CALENDAR]), Approval::NotNeeded);
    policy.refused(&scopes(&[CALENDAR]), at(2));
    assert_eq!(needs(&policy, &[CALENDAR]), Approval::Required);
    assert!(!policy.is_open_since(&scopes(&[CALENDAR]), at(0)));
    policy.note_granted(&scopes(&[CALENDAR]), at(3));
    assert!(policy.is_open_since(&scopes(&[CALENDAR]), at(3)));
    assert!(!policy.is_open_since(&scopes(&[CALENDAR]), at(4)));
    // Nobody was seen to get it, whatever the default is.
    assert!(!policy.is_open_since(&scopes(&[CALENDAR, SENDING]), at(3)));
    assert!(!policy.is_open_since(&scopes(&[READING]), at(0)));
}

#[test]
fn a_company_has_few_tenants_and_each_its_own_policy() {
    let mut policies = ConsentPolicies::default();
    assert!(policies.policy(None).is_none());
    policies
        .policy_mut(tenant(1))
        .refused(&scopes(&[CALENDAR]), at(1));
    assert_eq!(policies.policy(None), policies.policy(Some(tenant(1))));
    policies
        .policy_mut(tenant(2))
        .note_granted(&scopes(&[CALENDAR]), at(1));
    assert!(policies.policy(None).is_none());
    assert_eq!(
        approval(policies.policy(Some(tenant(2))), &scopes(&[CALENDAR])),
        Approval::NotNeeded
    );
    for id in 3..50 {
        policies.policy_mut(tenant(id));
    }
    assert_eq!(policies.tenants.len(), super::MOST_TENANTS);
}
