use std::time::Duration;

use assent_dev_stack::NatsUser;
use assent_messaging::{Bucket, BucketError, BucketSettings, Entry, JetStreamError};
use futures::future::join_all;

use crate::support::{PATIENCE, connect, server, until};

fn flows() -> BucketSettings {
    BucketSettings {
        name: "CONSENT_FLOWS".to_owned(),
        max_age: Duration::from_hours(1),
        replicas: 1,
        max_bytes: 16 * 1024 * 1024,
        anew: false,
        allow_rollup: true,
    }
}

#[tokio::test]
async fn of_several_who_make_it_with_other_sizes_one_does_and_all_have_it() {
    let server = server().await;
    let connection = connect(&server, NatsUser::Gateway).await;
    let sizes = (1..=8).map(|megabytes| BucketSettings {
        max_bytes: megabytes * 1024 * 1024,
        ..flows()
    });
    let opened =
        join_all(sizes.map(|settings| Bucket::open_or_create(&connection, settings))).await;
    for bucket in opened {
        bucket.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_racing_writers_exactly_one_wins() {
    let server = server().await;
    let mut buckets = Vec::new();
    for _ in 0..20 {
        let connection = connect(&server, NatsUser::Gateway).await;
        buckets.push(Bucket::open_or_create(&connection, flows()).await.unwrap());
    }

    let created = join_all(
        buckets
            .iter()
            .zip(0u8..)
            .map(|(bucket, number)| bucket.create("flow", vec![number])),
    )
    .await;
    let winners: Vec<_> = created
        .iter()
        .enumerate()
        .filter(|(_, created)| created.is_ok())
        .collect();
    assert_eq!(winners.len(), 1);
    let losers = created
        .iter()
        .filter(|created| matches!(created, Err(BucketError::AlreadyExists)));
    assert_eq!(losers.count(), 19);
    let entry = buckets[0].get("flow").await.unwrap().unwrap();
    assert_eq!(usize::from(entry.value[0]), winners[0].0);

    let rivals = buckets.iter().zip(100u8..);
    let updated = join_all(
        rivals.map(|(bucket, number)| bucket.update("flow", vec![number], entry.revision)),
    )
    .await;
    assert_eq!(updated.iter().filter(|updated| updated.is_ok()).count(), 1);
    let losers = updated
        .iter()
        .filter(|updated| matches!(updated, Err(BucketError::WrongRevision { .. })));
    assert_eq!(losers.count(), 19);

    buckets[3].delete("flow").await.unwrap();
    assert_eq!(buckets[5].get("flow").await.unwrap(), None);

    // What was removed can be created again, by one.
    let created = join_all(
        buckets
            .iter()
            .map(|bucket| bucket.create("flow", b"again".to_vec())),
    )
    .await;
    assert_eq!(created.iter().filter(|created| created.is_ok()).count(), 1);
}

#[tokio::test]
async fn values_are_kept_removed_and_forgotten() {
    let server = server().await;
    let connection = connect(&server, NatsUser::Gateway).await;
    let short_lived = BucketSettings {
        max_age: Duration::from_secs(2),
        ..flows()
    };
    let bucket = Bucket::open_or_create(&connection, short_lived)
        .await
        .unwrap();
    assert_eq!(bucket.get("a.b").await.unwrap(), None);
    let revision = bucket.create("a.b", b"one".to_vec()).await.unwrap();
    assert_eq!(
        bucket.get("a.b").await.unwrap(),
        Some(Entry {
            value: b"one".to_vec(),
            revision
        })
    );
    bucket.delete("a.b").await.unwrap();
    assert_eq!(bucket.get("a.b").await.unwrap(), None);
    for bad in ["", ".", "a..b", "a b", "*", ">", "a.>"] {
        let error = bucket.get(bad).await.unwrap_err();
        assert!(matches!(error, BucketError::BadName(_)), "{bad:?}");
    }
    bucket.create("old", b"x".to_vec()).await.unwrap();
    until("the value is too old", async || {
        bucket.get("old").await.unwrap().is_none()
    })
    .await;
}

#[tokio::test]
async fn keys_are_listed_by_what_they_stand_below() {
    let server = server().await;
    let connection = connect(&server, NatsUser::Gateway).await;
    let bucket = Bucket::open_or_create(&connection, flows()).await.unwrap();
    assert!(bucket.keys_below("acme").await.unwrap().is_empty());
    for key in ["acme.1", "acme.2", "acme2.3", "acme.1.deeper", "acme"] {
        bucket.create(key, b"x".to_vec()).await.unwrap();
    }
    let mut keys = bucket.keys_below("acme").await.unwrap();
    keys.sort();
    assert_eq!(keys, ["acme.1", "acme.2"]);
    let error = bucket.keys_below("*").await.unwrap_err();
    assert!(matches!(error, BucketError::BadName(_)), "{error}");
}

#[tokio::test]
async fn a_bucket_configured_otherwise_is_refused() {
    let server = server().await;
    let connection = connect(&server, NatsUser::Gateway).await;
    Bucket::open_or_create(&connection, flows()).await.unwrap();
    let other = BucketSettings {
        max_age: Duration::from_mins(5),
        ..flows()
    };
    let error = Bucket::open_or_create(&connection, other)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("max_age"), "{error}");

    let outsider = connect(&server, NatsUser::LoginHook).await;
    let error = tokio::time::timeout(PATIENCE, Bucket::open_or_create(&outsider, flows()))
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(
            error,
            BucketError::JetStream {
                source: JetStreamError::NotPermitted { .. },
                ..
            }
        ),
        "{error:?}"
    );
}
