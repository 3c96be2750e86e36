use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assent_dev_stack::{NatsServer, NatsUser};
use assent_messaging::{
    Anew, Change, ChangePublisher, ChangeStream, ChangeStreamError, ChangeStreamSettings, Position,
    PublishChangesError, Published, RequestError, Stamp,
};
use async_nats::jetstream::stream::Stream;
use futures::StreamExt as _;

use crate::support::{PATIENCE, connect, raw, server, until};

const SOURCE: &str = "CONSENT_EVENTS@2026-01-01T00:00:00Z";
const MANY: u64 = 500;

async fn create(server: &NatsServer) {
    let gateway = connect(server, NatsUser::Gateway).await;
    ChangeStream::create_or_check(&gateway, ChangeStreamSettings::consent_changes(1))
        .await
        .unwrap();
}

/// Where telling has got to, for a caller who believes whatever is in the form of ours, and looks
/// past the rest.
async fn place(stream: &ChangeStream, source: &str) -> (u64, Position) {
    let end = stream.end().await.unwrap();
    for sequence in (1..=end).rev() {
        let told = stream.at(sequence).await.unwrap();
        if let Some(Stamp::Full { position, .. }) = told.map(|told| told.stamp)
            && position.log == source
        {
            return (end, position);
        }
    }
    (end, beginning(source))
}

fn beginning(source: &str) -> Position {
    Position {
        log: source.to_owned(),
        through: 0,
        hash: "0".to_owned(),
        mending: None,
    }
}

async fn stream(server: &NatsServer) -> ChangeStream {
    let connection = connect(server, NatsUser::Projection).await;
    ChangeStream::open(&connection).await.unwrap()
}

async fn publisher(server: &NatsServer, source: &str) -> ChangePublisher {
    let stream = stream(server).await;
    let (end, position) = place(&stream, source).await;
    ChangePublisher::new(stream, end, position)
}

/// Publishes the way a service does it: overtaken, it looks where telling has got to.
async fn publish(
    stream: &ChangeStream,
    publisher: &mut ChangePublisher,
    changes: &[Change],
) -> Result<Vec<Published>, PublishChangesError> {
    loop {
        match publisher.publish_batch(changes.to_vec()).await {
            Err(PublishChangesError::Overtaken { .. }) => {
                let (end, position) = place(stream, SOURCE).await;
                publisher.go_on_from(end, position);
            }
            ended => return ended,
        }
    }
}

fn change(source_sequence: u64, subject: &str, payload: &str) -> Change {
    Change {
        source_sequence,
        hash: format!("hash of {source_sequence}"),
        subject: subject.to_owned(),
        payload: payload.as_bytes().to_vec(),
        traceparent: None,
    }
}

/// Every other event of the source yields a change. Each has a subject of its own, so that the
/// stream keeps them all and a reader that is slow sees them all.
fn changes_after(sequence: u64) -> Vec<Change> {
    let changes = (1..=MANY).map(|number| Change {
        source_sequence: number * 2,
        hash: number.to_string(),
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
        let operator = raw(server, NatsUser::Operator).await;
        let jetstream = async_nats::jetstream::new(operator);
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
    assert_eq!(first.position(), &beginning(SOURCE));
    let subject = "consent.changes.v1.a.company";
    let seven = Change {
        traceparent: Some("00-a".to_owned()),
        ..change(7, subject, "x")
    };
    let told = first.publish_batch(vec![seven.clone()]).await.unwrap();
    assert_eq!(told, [Published::Now]);
    let told = first.publish_batch(vec![seven]).await.unwrap();
    assert_eq!(told, [Published::AlreadyThere]);

    // One that was there before knows nothing of what another published since.
    let mut second = publisher(&server, SOURCE).await;
    assert_eq!(second.position().through, 7);
    assert_eq!(second.position().hash, "hash of 7");
    let nine = change(9, subject, "y");
    let told = second.publish_batch(vec![nine.clone()]).await.unwrap();
    assert_eq!(told, [Published::Now]);
    let told = first.publish_batch(vec![nine]).await.unwrap();
    assert_eq!(told, [Published::AlreadyThere]);
    assert_eq!(last_sequence(&server).await, 2);

    let mut anew = publisher(&server, "CONSENT_EVENTS@2027").await;
    assert_eq!(anew.position().through, 0);
    let one = change(1, subject, "z");
    let told = anew.publish_batch(vec![one]).await.unwrap();
    assert_eq!(told, [Published::Now]);
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

#[tokio::test]
async fn somebody_elses_message_overtakes_and_stops_nobody() {
    let server = server().await;
    create(&server).await;
    let (stream, outsider) = (
        stream(&server).await,
        connect(&server, NatsUser::Projection).await,
    );
    let mut publisher = publisher(&server, SOURCE).await;
    let subject = "consent.changes.v1.a.user.ana";
    let announced = "consent.announce.v1.a.user.ana";
    let headers: [&[(&str, &str)]; 4] = [
        &[],
        &[("Assent-Source", SOURCE)],
        &[("Assent-Source", SOURCE), ("Assent-Sequence", "many")],
        &[
            ("Assent-Source", SOURCE),
            ("Assent-Sequence", "99"),
            ("Assent-Told-Through", "99"),
        ],
    ];
    for (next, headers) in (1..).zip(headers) {
        let before = last_sequence(&server).await;
        outsider.publish(announced, headers, "junk").await.unwrap();
        until("it is stored", async || {
            last_sequence(&server).await > before
        })
        .await;
        let kept = stream.last_on(subject).await.unwrap().unwrap();
        assert_eq!(kept.stamp, Stamp::Missing, "{headers:?}");
        let changes = [change(next, subject, "x")];
        let error = publisher.publish_batch(changes.to_vec()).await.unwrap_err();
        assert!(
            matches!(error, PublishChangesError::Overtaken { .. }),
            "{error:?}"
        );
        let told = publish(&stream, &mut publisher, &changes).await.unwrap();
        assert_eq!(told, [Published::Now]);
        assert_eq!(publisher.position().through, next);
    }
}

#[tokio::test]
async fn what_is_told_anew_carries_the_position_on() {
    let server = server().await;
    create(&server).await;
    let stream = stream(&server).await;
    let mut first = publisher(&server, SOURCE).await;
    let mut second = publisher(&server, SOURCE).await;
    let subject = "consent.changes.v1.a.user.ana";
    first
        .publish_batch(vec![change(7, subject, "x")])
        .await
        .unwrap();
    let anew = Anew {
        sequence: 3,
        subject: "consent.changes.v1.a.user.ben".to_owned(),
        payload: b"ben".to_vec(),
        position: Position {
            mending: Some("known ben".to_owned()),
            ..first.position().clone()
        },
    };
    assert_eq!(first.tell_anew(anew.clone()).await.unwrap(), Published::Now);
    assert_eq!(place(&stream, SOURCE).await, (2, anew.position.clone()));
    // Whoever was about to say the same finds it said.
    let said = second.tell_anew(anew.clone()).await.unwrap();
    assert_eq!(said, Published::AlreadyThere);
    assert_eq!(second.position(), &anew.position);
    let error = second
        .publish_batch(vec![change(9, "consent.events.v1.a.company", "x")])
        .await
        .unwrap_err();
    assert!(
        matches!(error, PublishChangesError::NotAChange { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn subjects_come_in_order() {
    let server = server().await;
    create(&server).await;
    let mut publisher = publisher(&server, SOURCE).await;
    publisher.publish_batch(changes_after(0)).await.unwrap();
    let page = stream(&server).await.subjects(0).await.unwrap();
    assert_eq!(u64::try_from(page.subjects.len()).unwrap(), MANY);
    assert_eq!(page.next, None);
    assert!(page.subjects.is_sorted());
    let rest = stream(&server).await.subjects(3).await.unwrap();
    assert_eq!(rest.subjects, page.subjects[3..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_publishers_publish_each_change_once_and_in_order() {
    let server = server().await;
    create(&server).await;
    let follower = Follower::start(&server).await;
    let listener = connect(&server, NatsUser::SyncWorker).await;
    let mut heard = listener.subscribe("consent.changes.v1.>").await.unwrap();
    // The server takes one after another, so by this answer it knows of the subscription.
    let nobody = listener.request("consent.query.v1.changes", Vec::new(), None, PATIENCE);
    assert!(matches!(
        nobody.await,
        Err(RequestError::NoResponders { .. })
    ));
    let mut racing = Vec::new();
    // Sizes that never fall together: one at a time, a few, everything at once.
    for size in [1, 13, 500] {
        let mut publisher = publisher(&server, SOURCE).await;
        let stream = stream(&server).await;
        racing.push(tokio::spawn(async move {
            for part in changes_after(0).chunks(size) {
                let outcomes = publish(&stream, &mut publisher, part).await.unwrap();
                assert_eq!(outcomes.len(), part.len());
            }
            assert_eq!(publisher.position().through, MANY * 2);
            publisher.published()
        }));
    }
    let mut now = 0;
    for publisher in racing {
        now += publisher.await.unwrap();
    }
    assert_eq!(last_sequence(&server).await, MANY);
    assert_eq!(now, MANY, "each was published by exactly one");
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
        let stream = stream(&server).await;
        racing.push(tokio::spawn(async move {
            for part in changes_after(publisher.position().through).chunks(size) {
                publish(&stream, &mut publisher, part).await.unwrap();
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
    let stream = stream(&server).await;
    let finished = Arc::new(AtomicBool::new(false));
    let publishing = tokio::spawn({
        let finished = Arc::clone(&finished);
        async move {
            while publisher.position().through < MANY * 2 {
                // The way a service does it: an error is a reason to try again, from where it knows it was.
                let left = changes_after(publisher.position().through);
                let some: Vec<_> = left.into_iter().take(20).collect();
                if publish(&stream, &mut publisher, &some).await.is_err() {
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
