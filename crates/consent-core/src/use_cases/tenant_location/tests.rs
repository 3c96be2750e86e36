use crate::clock::Clock;
use assent_domain::decide::administrator_consent::Mailboxes;
use assent_domain::decide::own_consent::{self, GrantOwnPermissions};
use assent_domain::ids::{
    AccountId, Cloud, Epoch, MicrosoftIdentity, ObjectId, Scope, Sequence, Tenant, TenantId, UserId,
};
use assent_domain::permissions::{Kinds, PermissionSet};
use assent_microsoft_identity::MailboxLocation::{self, ExchangeOnline, OnPremises};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{locate_tenant, mailboxes};
use crate::gateway::Gateway;
use crate::observations::Mailbox;
use crate::test_gateway;
use crate::use_cases::revoke_own_grant::revoke_own_grant;

const CONTOSO: Tenant = tenant(1);
const EVES_OWN: Tenant = tenant(2);

const fn tenant(number: u128) -> Tenant {
    Tenant {
        cloud: Cloud::Worldwide,
        id: TenantId(Uuid::from_u128(number)),
    }
}

fn acme() -> AccountId {
    AccountId::parse("acme").unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// A user grants the calendar with an account of this tenant, and their mailbox is seen somewhere.
async fn grants(gateway: &Gateway, name: &str, tenant: Tenant, seen: MailboxLocation) {
    let identity = MicrosoftIdentity {
        tenant,
        object_id: ObjectId(Uuid::now_v7()),
    };
    let calendar = PermissionSet {
        calendar: true,
        ..PermissionSet::NOTHING
    };
    let command = GrantOwnPermissions {
        account: acme(),
        user: user(name),
        begun_in: Epoch::default(),
        // Just now.
        begun_after: Sequence(u64::MAX),
        asked: calendar,
        held: calendar,
        scopes: Vec::from([Scope("Calendars.ReadWrite".to_owned())]),
        identity,
        expected: Some(identity),
    };
    gateway
        .executor
        .execute_on_user(&acme(), &user(name), |company, user| {
            own_consent::grant(company, user, command.clone())
        })
        .await
        .unwrap();
    let seen = Mailbox::seen(seen, gateway.now());
    gateway
        .observations
        .note_mailbox(&acme(), &user(name), tenant, seen)
        .await;
}

async fn asked(gateway: &Gateway, tenant: Option<Tenant>) -> Mailboxes {
    locate_tenant(gateway, &acme(), tenant, false)
        .await
        .mailboxes
}

#[tokio::test]
async fn one_employee_with_a_tenant_of_her_own_says_nothing_of_the_company() {
    let (_nats, gateway) = test_gateway::start().await;
    grants(&gateway, "eve", EVES_OWN, OnPremises).await;
    for tenant in [None, Some(CONTOSO)] {
        assert_eq!(asked(&gateway, tenant).await, Mailboxes::NothingAgainst);
    }
    assert_eq!(
        asked(&gateway, Some(EVES_OWN)).await,
        Mailboxes::OnPremisesOnly
    );
}

#[tokio::test]
async fn only_mailboxes_of_users_with_a_grant_in_force_count() {
    let (_nats, gateway) = test_gateway::start().await;
    grants(&gateway, "ana", CONTOSO, OnPremises).await;
    assert_eq!(
        asked(&gateway, Some(CONTOSO)).await,
        Mailboxes::OnPremisesOnly
    );
    let calendar = Kinds {
        calendar: true,
        ..Kinds::default()
    };
    revoke_own_grant(&gateway, &acme(), &user("ana"), calendar)
        .await
        .unwrap();
    assert_eq!(
        asked(&gateway, Some(CONTOSO)).await,
        Mailboxes::NothingAgainst
    );

    // Somebody whose mailbox was seen and who never granted anything.
    let seen = Mailbox::seen(OnPremises, gateway.now());
    gateway
        .observations
        .note_mailbox(&acme(), &user("dana"), CONTOSO, seen)
        .await;
    assert_eq!(
        asked(&gateway, Some(CONTOSO)).await,
        Mailboxes::NothingAgainst
    );
    // Ana's grant is of another tenant by now.
    grants(&gateway, "ana", EVES_OWN, MailboxLocation::Missing).await;
    assert_eq!(
        asked(&gateway, Some(CONTOSO)).await,
        Mailboxes::NothingAgainst
    );
}

#[tokio::test]
async fn one_mailbox_in_exchange_online_speaks_against_it_and_so_does_the_super_admin() {
    let (_nats, gateway) = test_gateway::start().await;
    grants(&gateway, "ana", CONTOSO, OnPremises).await;
    let vouched = locate_tenant(&gateway, &acme(), Some(CONTOSO), true).await;
    assert_eq!(vouched.mailboxes, Mailboxes::NothingAgainst);
    assert_eq!(vouched.cloud, Some(Cloud::Worldwide));
    grants(&gateway, "ben", CONTOSO, ExchangeOnline).await;
    assert_eq!(
        asked(&gateway, Some(CONTOSO)).await,
        Mailboxes::NothingAgainst
    );
}

#[tokio::test]
async fn what_was_seen_long_ago_counts_no_more() {
    let (_nats, gateway) = test_gateway::start().await;
    grants(&gateway, "ana", CONTOSO, ExchangeOnline).await;
    let long_ago = Mailbox {
        checked_at: Clock::default().now() - SignedDuration::from_hours(31 * 24),
        ..Mailbox::seen(OnPremises, gateway.now())
    };
    let of_late = Mailbox {
        checked_at: Clock::default().now() - SignedDuration::from_hours(29 * 24),
        ..long_ago
    };
    for (seen, expected) in [
        (long_ago, Mailboxes::NothingAgainst),
        (of_late, Mailboxes::OnPremisesOnly),
    ] {
        gateway
            .observations
            .note_mailbox(&acme(), &user("ana"), CONTOSO, seen)
            .await;
        assert_eq!(mailboxes(&gateway, &acme(), None).await, expected);
    }
}
