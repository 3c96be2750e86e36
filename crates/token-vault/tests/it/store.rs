//! The bucket on a real server: who may do what to it, and in which order.

use assent_dev_stack::{NatsServer, NatsUser};
use assent_messaging::{Connection, ConnectionSettings};
use assent_token_vault::{Held, StoreError, TokenStore, TokenStoreSettings, TokenWriter};

use crate::fixture::{TOKEN, account, ana, ring, sealed, user};

async fn connect(server: &NatsServer, who: NatsUser) -> Connection {
    let (name, password) = server.credentials(who);
    let settings = ConnectionSettings::new(server.url(), "test").with_user(name, password);
    Connection::connect(settings).await.unwrap()
}

async fn store(server: &NatsServer) -> TokenStore {
    let settings = TokenStoreSettings {
        replicas: 1,
        max_bytes: 1 << 20,
    };
    let broker = connect(server, NatsUser::TokenBroker).await;
    TokenStore::open_or_create(&broker, settings).await.unwrap()
}

#[tokio::test]
async fn the_gateway_puts_and_the_broker_gets() {
    let server = NatsServer::start().await.unwrap();
    let (_home, _, ring) = ring().await;
    let gateway = TokenWriter::new(&connect(&server, NatsUser::Gateway).await);
    let record = sealed(&ring, TOKEN, &ana()).await;

    // Before the broker ever ran there is no place to put it.
    let early = gateway.put(&ana().account, &ana().user, &record).await;
    assert!(early.unwrap_err().is_out_of_reach());

    let store = store(&server).await;
    assert_eq!(store.get(&ana().account, &ana().user).await.unwrap(), None);
    gateway
        .put(&ana().account, &ana().user, &record)
        .await
        .unwrap();
    let held = store.get(&ana().account, &ana().user).await.unwrap();
    let held = held.unwrap();
    assert_eq!(held.record, record);

    // A later one takes its place, without a look at it.
    let later = sealed(&ring, "another", &ana()).await;
    gateway
        .put(&ana().account, &ana().user, &later)
        .await
        .unwrap();
    let stale = store.replace(&held, record.clone()).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    let stale = store.destroy(&held).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    let now = store.get(&ana().account, &ana().user).await.unwrap();
    assert_eq!(now.unwrap().record, later);
}

#[tokio::test]
async fn a_record_is_replaced_and_destroyed_by_who_saw_it_last() {
    let server = NatsServer::start().await.unwrap();
    let (_home, _, ring) = ring().await;
    let store = store(&server).await;
    let (account, user) = (ana().account, ana().user);
    let record = sealed(&ring, TOKEN, &ana()).await;

    let held = store.create(&account, &user, record.clone()).await.unwrap();
    let twice = store.create(&account, &user, record.clone()).await;
    assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
    let mut verified = record.clone();
    verified.reauthentication_required = true;
    let held = store.replace(&held, verified).await.unwrap();
    let read = store.get(&account, &user).await.unwrap().unwrap();
    assert_eq!(read, held);

    store.destroy(&held).await.unwrap();
    assert_eq!(store.get(&account, &user).await.unwrap(), None);
    let gone = store.destroy(&held).await;
    assert!(matches!(gone, Err(StoreError::Conflict)), "{gone:?}");
    let gone = store.replace(&held, record.clone()).await;
    assert!(matches!(gone, Err(StoreError::Conflict)), "{gone:?}");
    store.create(&account, &user, record).await.unwrap();
}

#[tokio::test]
async fn pages_have_every_record_once_and_what_is_none_by_its_key() {
    let server = NatsServer::start().await.unwrap();
    let (_home, _, ring) = ring().await;
    let store = store(&server).await;
    let record = sealed(&ring, TOKEN, &ana()).await;
    let users: Vec<_> = (0..25).map(|n| user(&format!("user|{n}"))).collect();
    for user in &users {
        store.put(&account("ac.me"), user, &record).await.unwrap();
    }
    let read = store.get(&account("ac.me"), &users[3]).await.unwrap();
    store.destroy(&read.unwrap()).await.unwrap();
    // Whoever has the gateway's password can put what is none.
    let gateway = connect(&server, NatsUser::Gateway).await;
    let junk = assent_messaging::BucketWriter::new(&gateway, "CONSENT_TOKENS");
    junk.put("acme.ana", b"{}".to_vec()).await.unwrap();
    let refused = store.get(&account("acme"), &user("ana")).await;
    assert!(matches!(refused, Err(StoreError::Unreadable(_))));
    let shown = refused.unwrap_err().to_string();
    assert!(!shown.contains("ana"), "{shown}");

    let mut all: Vec<Held> = Vec::new();
    let (mut unreadable, mut from, mut pages) = (Vec::new(), Some(0), 0);
    while let Some(next) = from {
        let page = store.page(next, 4).await.unwrap();
        all.extend(page.held);
        unreadable.extend(page.unreadable);
        from = page.next;
        pages += 1;
    }
    let mut found: Vec<_> = all.iter().map(|held| held.user.clone()).collect();
    found.sort();
    let mut wanted = users.clone();
    wanted.remove(3);
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(unreadable, ["acme.ana"]);
    assert!(6 < pages, "{pages}");
}

/// Whoever may write could take everything away by one message, if the bucket took messages that take others' place.
#[tokio::test]
async fn the_gateway_cannot_replace_all_by_one() {
    let server = NatsServer::start().await.unwrap();
    let (_home, _, ring) = ring().await;
    let store = store(&server).await;
    let record = sealed(&ring, TOKEN, &ana()).await;
    for name in ["ana", "ben"] {
        store
            .put(&account("acme"), &user(name), &record)
            .await
            .unwrap();
    }
    let gateway = connect(&server, NatsUser::Gateway).await;
    for (header, value) in [
        ("Nats-Rollup", "all"),
        ("Nats-Rollup", "sub"),
        ("Nats-TTL", "1s"),
        ("Nats-Incr", "+1"),
    ] {
        let sent = gateway
            .publish("$KV.CONSENT_TOKENS.acme.eve", &[(header, value)], "{}")
            .await;
        sent.unwrap();
    }
    // What comes after them is taken after them.
    let writer = TokenWriter::new(&gateway);
    writer
        .put(&account("acme"), &user("last"), &record)
        .await
        .unwrap();
    let page = store.page(0, 100).await.unwrap();
    let users: Vec<_> = page.held.iter().map(|held| held.user.as_str()).collect();
    assert_eq!(users, ["ana", "ben", "last"]);
    assert_eq!(page.unreadable, Vec::<String>::new());
}

/// Each open goes to what is there: a smaller bucket than was asked for is not an obstacle, another kind of stream is.
#[tokio::test]
async fn a_bucket_that_is_there_is_opened_as_it_is() {
    let server = NatsServer::start().await.unwrap();
    let broker = connect(&server, NatsUser::TokenBroker).await;
    assert!(TokenStore::open(&broker).await.unwrap().is_none());
    let made = store(&server).await;
    assert!(TokenStore::open(&broker).await.unwrap().is_some());
    assert!(made.resize(2 << 20).await.unwrap());
    let again = store(&server).await;
    assert_eq!(again.space().await.unwrap().max_bytes, Some(2 << 20));
    let gateway = connect(&server, NatsUser::Gateway).await;
    assert!(TokenStore::open(&gateway).await.is_err());
}
