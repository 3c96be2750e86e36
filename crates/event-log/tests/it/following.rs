//! Following the log while nothing goes wrong around it.

use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, FollowError};

use crate::world::{
    ONE, PATIENCE, append, connect, raw, sequences, server_with_log, stream, take, user,
};

#[tokio::test]
async fn the_log_is_followed_from_its_beginning_and_live() {
    let (_server, log) = server_with_log().await;
    append(&log, "ana", 5).await;
    let mut follow = log.follow(Sequence(0));

    let old = take(&mut follow, 5).await;
    assert_eq!(sequences(&old), [1, 2, 3, 4, 5]);

    append(&log, "bob", 2).await;
    let new = take(&mut follow, 2).await;
    assert_eq!(sequences(&new), [6, 7]);

    let entry = &new[1];
    let history = log.read(&user("bob")).await.unwrap();
    assert_eq!(entry.aggregate(), Some(user("bob")));
    assert_eq!(entry.hash(), history.tail.hash);
    assert_eq!(entry.decode().unwrap(), history.events()[1].decoded);
    let stored = log.entry(Sequence(7)).await.unwrap().unwrap();
    assert_eq!(entry.recorded_at(), stored.recorded_at());
    assert!(entry.recorded_at() > old[0].recorded_at());
}

#[tokio::test]
async fn the_log_is_followed_from_a_sequence_on() {
    let (_server, log) = server_with_log().await;
    append(&log, "ana", 5).await;

    let entries = take(&mut log.follow(Sequence(3)), 2).await;
    assert_eq!(sequences(&entries), [4, 5]);

    let mut at_the_end = log.follow(Sequence(5));
    let wait = Duration::from_millis(100);
    assert!(at_the_end.next_batch(10, wait).await.unwrap().is_empty());
    append(&log, "ana", 1).await;
    assert_eq!(sequences(&take(&mut at_the_end, 1).await), [6]);
}

#[tokio::test]
async fn batches_are_large_when_catching_up_and_never_larger_than_asked_for() {
    let (server, log) = server_with_log().await;
    let raw = raw(&server).await;
    for number in 0..3000 {
        let subject = format!("consent.events.v1.acme.user.user-{number}");
        raw.publish(subject, "{}".into()).await.unwrap();
    }
    let last = raw.publish("consent.events.v1.acme.company", "{}".into());
    last.await.unwrap().await.unwrap();

    let mut follow = log.follow(Sequence(0));
    let mut batches = Vec::new();
    let mut taken = 0;
    while taken < 3001 {
        let batch = follow.next_batch(1000, PATIENCE).await.unwrap();
        assert!((1..=1000).contains(&batch.len()));
        taken += batch.len();
        batches.push(batch.len());
    }

    assert_eq!(taken, 3001);
    assert!(batches.len() < 300, "{batches:?}");
}

#[tokio::test]
async fn following_may_be_cancelled_at_any_time() {
    let (_server, log) = server_with_log().await;
    append(&log, "ana", 300).await;
    let mut follow = log.follow(Sequence(0));
    let mut seen = Vec::new();
    let mut patience = Duration::from_micros(1);
    while seen.len() < 300 {
        let next = tokio::time::timeout(patience, follow.next_batch(7, PATIENCE)).await;
        match next {
            Ok(batch) => seen.extend(sequences(&batch.unwrap())),
            Err(_) => patience = (patience * 2).min(PATIENCE),
        }
    }
    assert_eq!(seen, (1..=300).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_read_is_given_out_and_what_follows_it_too() {
    let (server, log) = server_with_log().await;
    append(&log, "ana", 1).await;
    let raw = raw(&server).await;
    let stored = raw.publish("consent.events.v1.acme.user.ana", "what?".into());
    stored.await.unwrap().await.unwrap();
    append(&log, "bob", 1).await;

    let entries = take(&mut log.follow(Sequence(0)), 3).await;

    let readable: Vec<_> = entries.iter().map(|entry| entry.decode().is_ok()).collect();
    assert_eq!(readable, [true, false, true]);
    assert_eq!(entries[1].aggregate(), Some(user("ana")));
}

#[tokio::test]
async fn a_stream_that_is_gone_or_created_anew_is_noticed() {
    let (server, log) = server_with_log().await;
    append(&log, "ana", 3).await;
    let (mut live, mut gone) = (log.follow(Sequence(0)), log.follow(Sequence(0)));
    take(&mut live, 3).await;
    take(&mut gone, 3).await;
    let raw = raw(&server).await;

    raw.delete_stream("CONSENT_EVENTS").await.unwrap();
    let noticed = until_error(&mut gone).await;
    assert!(matches!(noticed, FollowError::NotThere), "{noticed:?}");

    let anew = EventLog::create_or_check(&connect(&server.url()).await, ONE)
        .await
        .unwrap();
    append(&anew, "ana", 5).await;
    for mut follow in [live, log.follow(Sequence(3)), log.follow(Sequence(0))] {
        let noticed = until_error(&mut follow).await;
        let FollowError::StreamReplaced { expected, found } = noticed else {
            panic!("{noticed:?}");
        };
        assert_eq!((&expected, &found), (log.identity(), anew.identity()));
    }
}

#[tokio::test]
async fn a_log_that_ends_before_the_cursor_is_noticed() {
    let (_server, log) = server_with_log().await;
    append(&log, "ana", 3).await;

    let noticed = until_error(&mut log.follow(Sequence(4))).await;

    assert!(
        matches!(
            noticed,
            FollowError::RolledBack {
                seen: Sequence(4),
                last: Sequence(3)
            }
        ),
        "{noticed:?}"
    );
}

#[tokio::test]
async fn the_test_stream_is_the_real_one() {
    let (server, _log) = server_with_log().await;
    // Creating it again as the tests know it changes nothing, so it is the same.
    let found = raw(&server)
        .await
        .get_stream("CONSENT_EVENTS")
        .await
        .unwrap();
    let found = found.cached_info().config.clone();
    assert_eq!(found.subjects, stream().subjects);
    assert_eq!(found.storage, stream().storage);
}

async fn until_error(follow: &mut assent_event_log::Follow) -> FollowError {
    let failed = async {
        loop {
            if let Err(error) = follow.next_batch(10, PATIENCE).await {
                break error;
            }
        }
    };
    tokio::time::timeout(PATIENCE, failed).await.unwrap()
}
