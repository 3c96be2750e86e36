//! The server takes an event, but its answer never comes.

use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_event_log::{AppendError, EventLog, Tail};
use assent_messaging::ConnectionState;

use crate::proxy::Proxy;
use crate::world::{PATIENCE, append, connect, draft, server_with_log, user};

/// Waits until the log holds this many events.
async fn stored(log: &EventLog, count: u64) {
    let stored = async {
        while log.status().await.unwrap().last_sequence < Sequence(count) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
}

async fn disconnected(connection: &assent_messaging::Connection) {
    let gone = async {
        while connection.state() == ConnectionState::Connected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_acknowledgement_is_lost_is_found_in_the_log() {
    let (server, log) = server_with_log().await;
    let proxy = Proxy::before(&server).await;
    let connection = connect(&proxy.url()).await;
    let far = EventLog::open(&connection).await.unwrap();
    let mut before = 0;
    for (name, drafts) in [
        ("ana", vec![draft("ana")]),
        ("bob", vec![draft("bob"), draft("bob")]),
    ] {
        let count = before + u64::try_from(drafts.len()).unwrap();
        proxy.swallow();
        let append = tokio::spawn({
            let far = far.clone();
            async move { far.append(Tail::EMPTY, drafts).await }
        });
        stored(&log, count).await;
        proxy.cut();

        let appended = append.await.unwrap().unwrap();

        assert_eq!(appended.tail, log.read(&user(name)).await.unwrap().tail);
        let sequences: Vec<_> = (before + 1..=count).map(Sequence).collect();
        assert_eq!(appended.sequences, sequences);
        before = count;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_acknowledgement_is_lost_may_have_been_overtaken() {
    let (server, log) = server_with_log().await;
    let proxy = Proxy::before(&server).await;
    let far = EventLog::open(&connect(&proxy.url()).await).await.unwrap();
    proxy.swallow();
    let late = tokio::spawn(async move { far.append(Tail::EMPTY, vec![draft("ana")]).await });
    stored(&log, 1).await;
    append(&log, "ana", 2).await;
    proxy.cut();

    let appended = late.await.unwrap().unwrap();

    assert_eq!(appended.sequences, [Sequence(1)]);
    assert_eq!(appended.tail.sequence, Sequence(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_answer_the_outcome_is_unknown_and_the_same_draft_finds_out() {
    let (server, log) = server_with_log().await;
    let proxy = Proxy::before(&server).await;
    let connection = connect(&proxy.url()).await;
    let far = EventLog::open(&connection).await.unwrap();
    let draft = draft("ana");
    proxy.swallow();

    let unknown = far.append(Tail::EMPTY, vec![draft.clone()]).await;
    assert!(
        matches!(unknown, Err(AppendError::OutcomeUnknown { .. })),
        "{unknown:?}"
    );

    proxy.cut();
    let retried = async {
        loop {
            match far.append(Tail::EMPTY, vec![draft.clone()]).await {
                Ok(appended) => break appended,
                Err(AppendError::NotReachable | AppendError::OutcomeUnknown { .. }) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    let appended = tokio::time::timeout(PATIENCE, retried).await.unwrap();
    assert_eq!(appended.sequences, [Sequence(1)]);
    assert_eq!(log.status().await.unwrap().last_sequence, Sequence(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_under_way_when_the_server_is_killed_are_stored_once_or_not_at_all() {
    const USERS: usize = 200;
    // One after the other, or all would be stored before the kill.
    const EACH: usize = 20;
    let (mut server, log) = server_with_log().await;
    let mut appends = tokio::task::JoinSet::new();
    for number in 0..USERS {
        let log = log.clone();
        appends.spawn(async move {
            let name = format!("user-{number}");
            let mut tail = Tail::EMPTY;
            for _ in 0..EACH {
                let draft = draft(&name);
                tail = loop {
                    match log.append(tail, vec![draft.clone()]).await {
                        Ok(appended) => break appended.tail,
                        Err(AppendError::NotReachable | AppendError::OutcomeUnknown { .. }) => {
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                };
            }
            (name, tail)
        });
    }
    stored(&log, 20).await;
    let all = Sequence(u64::try_from(USERS * EACH).unwrap());
    assert!(log.status().await.unwrap().last_sequence < all);
    server.restart().await.unwrap();

    let appended = tokio::time::timeout(PATIENCE, appends.join_all())
        .await
        .unwrap();

    for (name, tail) in &appended {
        let history = log.read(&user(name)).await.unwrap();
        assert_eq!(history.events().len(), EACH);
        assert_eq!(history.tail, *tail);
    }
    assert_eq!(log.status().await.unwrap().last_sequence, all);
}

#[tokio::test]
async fn an_append_without_a_connection_fails_at_once_and_is_never_stored() {
    let (mut server, log) = server_with_log().await;
    let connection = connect(&server.url()).await;
    let cut_off = EventLog::open(&connection).await.unwrap();
    server.kill();
    disconnected(&connection).await;

    let begun = std::time::Instant::now();
    let refused = cut_off.append(Tail::EMPTY, vec![draft("ana")]).await;
    assert!(
        matches!(refused, Err(AppendError::NotReachable)),
        "{refused:?}"
    );
    assert!(begun.elapsed() < Duration::from_millis(500));

    server.restart().await.unwrap();
    // The next append on the same connection comes after whatever that connection had kept.
    let stored = async {
        while cut_off
            .append(Tail::EMPTY, vec![draft("bob")])
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
    let log = log.with_deadline(PATIENCE);
    assert_eq!(log.read(&user("ana")).await.unwrap().events(), []);
}
