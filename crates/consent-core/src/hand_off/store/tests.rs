use crate::clock::Clock;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::cutoff::Generation;
use crate::failure::Failure;
use crate::flow::HandOffPurpose;
use crate::hand_off::{HandOff, HandOffStage, HandOffToken};
use crate::limits::Limit;
use crate::names::Names;
use crate::test_gateway;

fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

fn link(account: &AccountId, by: &str) -> HandOff {
    let token = HandOffToken::new(account.clone(), Uuid::now_v7());
    let now = Clock::default().now();
    HandOff {
        id: token.id,
        account: account.clone(),
        requested_by: UserId::parse(by).unwrap(),
        generation: Generation::default(),
        made_in: Some(0),
        is_outdated: false,
        names: Names::default(),
        purpose: HandOffPurpose::Approval,
        permissions: PermissionSet::EVERYTHING.into(),
        mailboxes_in_exchange_online: false,
        tenant: None,
        tenant_domain: None,
        secret: token.digest(),
        created_at: now,
        expires_at: now + SignedDuration::from_hours(1),
        opened_at: None,
        stage: HandOffStage::Idle,
    }
}

fn limit_of<T: std::fmt::Debug>(result: Result<T, Failure>) -> Limit {
    match result {
        Err(Failure::TooMany(limited)) => limited.limit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn as_many_links_as_may_be_and_one_more_for_each_that_is_over() {
    let (_nats, gateway) = test_gateway::start().await;
    let store = &gateway.hand_offs;
    let acme = account("acme");
    let mut made = Vec::new();
    for number in 0..20 {
        // Nobody of them reaches the limit of a day.
        let new = link(&acme, &format!("u{}", number % 4));
        made.push(store.create(new).await.unwrap().value.id);
    }
    assert_eq!(
        limit_of(store.create(link(&acme, "ana")).await),
        Limit::OpenLinks
    );
    store.create(link(&account("other"), "ana")).await.unwrap();

    let cancelled = store
        .change(&acme, made[7], |link| {
            link.cancel(UserId::parse("sam").unwrap(), Clock::default().now())
        })
        .await;
    cancelled.unwrap().unwrap().unwrap();
    store.create(link(&acme, "ana")).await.unwrap();
    assert_eq!(
        limit_of(store.create(link(&acme, "ana")).await),
        Limit::OpenLinks
    );
}

#[tokio::test]
async fn making_and_cancelling_all_day_ends_at_twenty_also_for_another_replica() {
    let (nats, gateway) = test_gateway::start().await;
    let acme = account("acme");
    let cancel = async |id| {
        let cancelled = gateway.hand_offs.change(&acme, id, |link| {
            link.cancel(UserId::parse("ana").unwrap(), Clock::default().now())
        });
        cancelled.await.unwrap().unwrap().unwrap();
    };
    for _ in 0..20 {
        let made = gateway.hand_offs.create(link(&acme, "ana")).await.unwrap();
        cancel(made.value.id).await;
    }
    let replica = test_gateway::connect_to(&nats).await;
    for store in [&gateway.hand_offs, &replica.hand_offs] {
        match store.create(link(&acme, "ana")).await {
            Err(Failure::TooMany(limited)) => {
                assert_eq!(limited.limit, Limit::LinksADay);
                assert!(limited.retry_after.as_secs() > 23 * 60 * 60, "{limited:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    replica.hand_offs.create(link(&acme, "ben")).await.unwrap();
    let ben = UserId::parse("ben").unwrap();
    let listed = async |only_of| {
        gateway
            .hand_offs
            .of_account(&acme, only_of, 100)
            .await
            .unwrap()
    };
    assert_eq!(listed(Some(&ben)).await.len(), 1);
    assert_eq!(listed(None).await.len(), 21);
}

#[tokio::test]
async fn many_at_once_make_no_more_than_may_be() {
    let (nats, gateway) = test_gateway::start().await;
    let replica = test_gateway::connect_to(&nats).await;
    let gateways = std::sync::Arc::new([gateway, replica]);
    let acme = account("acme");
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (gateways, new) = (gateways.clone(), link(&acme, &format!("u{number}")));
        tasks.spawn(async move { gateways[number % 2].hand_offs.create(new).await });
    }
    let results = tasks.join_all().await;
    let made = results.iter().filter(|result| result.is_ok()).count();
    assert!((15..=20).contains(&made), "{made}");
    let open = gateways[0].hand_offs.of_account(&acme, None, 100).await;
    assert!(open.unwrap().len() <= 20);
}

/// An account may be called as the records about links are.
#[tokio::test]
async fn no_accounts_name_is_taken_for_another_record() {
    let (_nats, gateway) = test_gateway::start().await;
    for name in ["links", "of", "made", "by"] {
        let account = account(name);
        let made = gateway.hand_offs.create(link(&account, "of")).await;
        let listed = gateway.hand_offs.of_account(&account, None, 100).await;
        assert_eq!(listed.unwrap().len(), 1, "{name}: {made:?}");
    }
}

#[tokio::test]
async fn links_from_before_they_were_noted_by_account_are_listed_and_count() {
    let (_nats, gateway) = test_gateway::start().await;
    let store = &gateway.hand_offs;
    let acme = account("acme");
    let mut before = Vec::new();
    for _ in 0..20 {
        let old = link(&acme, "ana");
        before.insert(0, old.id);
        let key = super::key(&acme, old.id);
        store.records.create(&key, old).await.unwrap();
    }
    let listed = store.of_account(&acme, None, 100).await.unwrap();
    assert_eq!(
        listed.iter().map(|link| link.id).collect::<Vec<_>>(),
        before
    );
    assert_eq!(
        limit_of(store.create(link(&acme, "ben")).await),
        Limit::OpenLinks
    );
}
