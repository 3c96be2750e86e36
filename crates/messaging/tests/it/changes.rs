use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assent_dev_stack::{NatsServer, NatsUser};
use assent_messaging::{
    Change, ChangePublisher, ChangeStream, ChangeStreamError, ChangeStreamSettings,
    PublishChangesError, Published,
};
use async_nats::jetstream::stream::Stream;
use futures::StreamExt as _;

use crate::support::{PATIENCE, connect, server, until};

const SOURCE: &str = "CONSENT_EVENTS@2026-01-01T00:00:00Z";
const MANY: u64 = 500;

async fn create(server: &NatsServer) {
    let gateway = connect(server, NatsUser::Gateway).await;
    ChangeStream::create_or_check(&gateway, ChangeStreamSettings::consent_changes(1))
        .await
        .unwrap();
}

async fn publisher(server: &NatsServer, source: &str) -> ChangePublisher {
    let connection = connect(server, NatsUser::Projection).await;
    let stream = ChangeStream::open(&connection).await.unwrap();
    ChangePublisher::resume(stream, source).await.unwrap()
}

/// Every other event of the source yields a change. Each has a subject of its own, so that the
/// stream keeps them all and a reader that is slow sees them all.
fn changes_after(sequence: u64) -> Vec<Change> {
    let changes = (1..=MANY).map(|number| Change {
        source_sequence: number * 2,
        subject: format!("consent.changes.v1.account.user.u{number}"),
        payload: number.to_string().into_bytes(),
        traceparent: None,
    });
    changes
        .filter(|change| change.source_sequence > sequence)
        .collect()
}

/// Reads the stream from its beginning, as an operator may.
struct Follower(Stream);

impl Follower {
    async fn start(server: &NatsServer) -> Self {
        let operator = connect(server, NatsUser::Operator).await;
        let jetstream = operator.dangerous_jetstream();
        Self(jetstream.get_stream("CONSENT_CHANGES").await.unwrap())
    }

    async fn expect_all(self) {
        for number in 1..=MANY {
            let mut found = None;
            until("the next message is there", async || {
                found = self.0.get_raw_message(number).await.ok();
                found.is_some()
            })
            .await;
            let message = found.unwrap();
            let sequence = message.headers.get("Assent-Sequence").unwrap();
            assert_eq!(sequence.as_str(), (number * 2).to_string());
            assert_eq!(message.payload, number.to_string());
        }
    }
}

async fn last_sequence(server: &NatsServer) -> u64 {
    let Follower(stream) = Follower::start(server).await;
    stream.cached_info().state.last_sequence
}

#[tokio::test]
async fn the_stream_is_created_by_one_and_opened_by_another() {
    let server = server().await;
    let projection = connect(&server, NatsUser::Projection).await;
    let error = ChangeStream::open(&projection).await.unwrap_err();
    assert!(
        matches!(error, ChangeStreamError::NotThere { .. }),
        "{error:?}"
    );
    create(&server).await;
    create(&server).await;
    ChangeStream::open(&projection).await.unwrap();

    let gateway = connect(&server, NatsUser::Gateway).await;
    let mut other = ChangeStreamSettings::consent_changes(1);
    other.replicas = 3;
    let error = ChangeStream::create_or_check(&gateway, other)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("num_replicas"), "{error}");
}

#[tokio::test]
async fn publishing_again_publishes_nothing_and_another_source_begins_anew() {
    let server = server().await;
    create(&server).await;
    let mut first = publisher(&server, SOURCE).await;
    assert_eq!(first.published_through(), 0);
    let subject = "consent.changes.v1.a.company";
    assert_eq!(
        first
            .publish(7, subject, b"x".to_vec(), Some("00-a".to_owned()))
            .await
            .unwrap(),
        Published::Now
    );
    assert_eq!(
        first
            .publish(7, subject, b"x".to_vec(), None)
            .await
            .unwrap(),
        Published::AlreadyThere
    );

    // One that was there before knows nothing of what another published since.
    let mut second = publisher(&server, SOURCE).await;
    assert_eq!(second.published_through(), 7);
    assert_eq!(
        second
            .publish(9, subject, b"y".to_vec(), None)
            .await
            .unwrap(),
        Published::Now
    );
    assert_eq!(
        first
            .publish(9, subject, b"y".to_vec(), None)
            .await
            .unwrap(),
        Published::AlreadyThere
    );
    assert_eq!(last_sequence(&server).await, 2);

    let mut anew = publisher(&server, "CONSENT_EVENTS@2027").await;
    assert_eq!(anew.published_through(), 0);
    assert_eq!(
        anew.publish(1, subject, b"z".to_vec(), None).await.unwrap(),
        Published::Now
    );
    assert_eq!(last_sequence(&server).await, 3);

    let mut swapped = changes_after(0);
    swapped.swap(3, 4);
    let error = anew.publish_batch(swapped).await.unwrap_err();
    assert!(
        matches!(
            error,
            PublishChangesError::OutOfOrder {
                before: 10,
                after: 8
            }
        ),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_publishers_publish_each_change_once_and_in_order() {
    let server = server().await;
    create(&server).await;
    let follower = Follower::start(&server).await;
    let listener = connect(&server, NatsUser::SyncWorker).await;
    let mut heard = listener.subscribe("consent.changes.v1.>").await.unwrap();
    listener.dangerous_client().flush().await.unwrap();
    let mut racing = Vec::new();
    // Sizes that never fall together: one at a time, a few, everything at once.
    for size in [1, 13, 500] {
        let mut publisher = publisher(&server, SOURCE).await;
        racing.push(tokio::spawn(async move {
            let mut now = 0;
            for part in changes_after(0).chunks(size) {
                let outcomes = publisher.publish_batch(part.to_vec()).await.unwrap();
                assert_eq!(outcomes.len(), part.len());
                now += outcomes
                    .iter()
                    .filter(|published| **published == Published::Now)
                    .count();
            }
            assert_eq!(publisher.published_through(), MANY * 2);
            now
        }));
    }
    let mut now = 0;
    for publisher in racing {
        now += publisher.await.unwrap();
    }
    assert_eq!(last_sequence(&server).await, MANY);
    assert_eq!(
        u64::try_from(now).unwrap(),
        MANY,
        "each was published by exactly one"
    );
    follower.expect_all().await;
    // A plain subscriber hears what the stream took, and nothing else.
    for number in 1..=MANY {
        let message = tokio::time::timeout(PATIENCE, heard.next())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            message.header("Assent-Sequence"),
            Some((number * 2).to_string().as_str())
        );
        assert_eq!(
            message.subject,
            format!("consent.changes.v1.account.user.u{number}")
        );
    }
    let more = tokio::time::timeout(std::time::Duration::from_millis(100), heard.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_killed_half_way_is_resumed_while_another_goes_on() {
    let server = server().await;
    create(&server).await;
    let follower = Follower::start(&server).await;
    let doomed = tokio::spawn({
        let mut publisher = publisher(&server, SOURCE).await;
        async move { publisher.publish_batch(changes_after(0)).await }
    });
    until("it is on its way", async || {
        last_sequence(&server).await > 20
    })
    .await;
    doomed.abort();
    drop(doomed.await);

    let mut racing = Vec::new();
    for size in [7, 50] {
        let mut publisher = publisher(&server, SOURCE).await;
        racing.push(tokio::spawn(async move {
            for part in changes_after(publisher.published_through()).chunks(size) {
                publisher.publish_batch(part.to_vec()).await.unwrap();
            }
        }));
    }
    for publisher in racing {
        publisher.await.unwrap();
    }
    assert_eq!(last_sequence(&server).await, MANY);
    follower.expect_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_half_way_leaves_no_hole_and_no_double() {
    let mut server = server().await;
    create(&server).await;
    let mut publisher = publisher(&server, SOURCE).await;
    let finished = Arc::new(AtomicBool::new(false));
    let publishing = tokio::spawn({
        let finished = Arc::clone(&finished);
        async move {
            while publisher.published_through() < MANY * 2 {
                // The way a service does it: an error is a reason to try again, from where it knows it was.
                let left = changes_after(publisher.published_through());
                let some = left.into_iter().take(20).collect();
                if publisher.publish_batch(some).await.is_err() {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
            finished.store(true, Ordering::SeqCst);
        }
    });
    for _ in 0..3 {
        let before = last_sequence(&server).await;
        until("it goes on", async || {
            finished.load(Ordering::SeqCst) || last_sequence(&server).await > before
        })
        .await;
        server.restart().await.unwrap();
    }
    tokio::time::timeout(PATIENCE, publishing)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last_sequence(&server).await, MANY);
    Follower::start(&server).await.expect_all().await;
}
