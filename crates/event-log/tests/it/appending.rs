//! Appending, and reading what was appended.

use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_event_log::{AppendError, Draft, ReadError, Tail};

use crate::world::{append, draft, grant, raw, server_with_log, user};

#[tokio::test]
async fn what_is_appended_is_read_again() {
    let (_server, log) = server_with_log().await;
    let nothing = log.read(&user("ana")).await.unwrap();
    assert_eq!(nothing.events(), []);
    assert_eq!(nothing.tail, Tail::EMPTY);

    let (first, second) = (draft("ana"), draft("ana"));
    let appended = log.append(Tail::EMPTY, vec![first.clone()]).await.unwrap();
    append(&log, "bob", 1).await;
    let last = log
        .append(appended.tail, vec![second.clone()])
        .await
        .unwrap();

    let history = log.read(&user("ana")).await.unwrap();
    assert_eq!(history.tail, last.tail);
    assert_eq!(history.events().len(), 2);
    for (event, (draft, sequence)) in history.events().iter().zip([(first, 1), (second, 3)]) {
        assert_eq!(event.sequence, Sequence(sequence));
        assert_eq!(event.decoded.event, draft.event);
        assert_eq!(event.decoded.metadata.id, draft.id);
        assert_eq!(event.decoded.metadata.time, draft.time);
        assert_eq!(event.decoded.metadata.traceparent, draft.traceparent);
    }
    assert_eq!(
        history.events()[1].decoded.metadata.previous,
        history.events()[0].hash
    );
    assert_eq!(
        log.read(&user("bob")).await.unwrap().tail.sequence,
        Sequence(2)
    );
}

#[tokio::test]
async fn a_single_entry_can_be_looked_at() {
    let (_server, log) = server_with_log().await;
    append(&log, "ana", 2).await;
    let history = log.read(&user("ana")).await.unwrap();

    let entry = log.entry(Sequence(2)).await.unwrap().unwrap();

    assert_eq!(entry.hash(), history.tail.hash);
    assert_eq!(entry.aggregate(), Some(user("ana")));
    assert_eq!(entry.subject(), "consent.events.v1.acme.user.ana");
    assert_eq!(entry.traceparent(), draft("ana").traceparent.as_deref());
    for absent in [0, 3] {
        assert!(log.entry(Sequence(absent)).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_append_after_an_old_tail_is_a_conflict() {
    let (_server, log) = server_with_log().await;
    append(&log, "ana", 1).await;

    let late = log.append(Tail::EMPTY, vec![draft("ana")]).await;

    assert!(matches!(late, Err(AppendError::Conflict)), "{late:?}");
    assert_eq!(log.read(&user("ana")).await.unwrap().events().len(), 1);
}

#[tokio::test]
async fn several_events_are_stored_together_and_chained() {
    let (_server, log) = server_with_log().await;
    append(&log, "ana", 1).await;
    let tail = log.read(&user("ana")).await.unwrap().tail;

    let drafts = vec![draft("ana"), draft("ana"), draft("ana")];
    let appended = log.append(tail, drafts).await.unwrap();
    assert_eq!(appended.sequences, [2, 3, 4].map(Sequence));

    let history = log.read(&user("ana")).await.unwrap();
    assert_eq!(history.events().len(), 4);
    assert_eq!(history.tail, appended.tail);
    append(&log, "ana", 1).await;
}

#[tokio::test]
async fn of_several_events_none_is_stored_after_an_old_tail() {
    let (_server, log) = server_with_log().await;
    append(&log, "ana", 1).await;

    let late = log
        .append(Tail::EMPTY, vec![draft("ana"), draft("ana")])
        .await;

    assert!(matches!(late, Err(AppendError::Conflict)), "{late:?}");
    assert_eq!(log.status().await.unwrap().last_sequence, Sequence(1));
}

#[tokio::test]
async fn events_of_two_aggregates_are_refused() {
    let (_server, log) = server_with_log().await;

    let mixed = log
        .append(Tail::EMPTY, vec![draft("ana"), draft("bob")])
        .await;
    assert!(
        matches!(mixed, Err(AppendError::MixedAggregates)),
        "{mixed:?}"
    );

    let nothing = log.append(Tail::EMPTY, Vec::new()).await.unwrap();
    assert_eq!(nothing.sequences, []);
    assert_eq!(log.status().await.unwrap().last_sequence, Sequence(0));
}

#[tokio::test]
async fn the_same_drafts_are_never_stored_twice() {
    let (_server, log) = server_with_log().await;
    for drafts in [vec![draft("ana")], vec![draft("bob"), draft("bob")]] {
        let first = log.append(Tail::EMPTY, drafts.clone()).await.unwrap();

        let again = log.append(Tail::EMPTY, drafts.clone()).await.unwrap();
        assert_eq!(again, first);

        // Nor when others have appended since.
        let aggregate = drafts[0].event.aggregate();
        let Aggregate::User(_, name) = &aggregate else {
            panic!("not a user")
        };
        append(&log, name.as_str(), 1).await;
        let later = log.append(Tail::EMPTY, drafts.clone()).await.unwrap();
        assert_eq!(later, first);
        let history = log.read(&aggregate).await.unwrap();
        assert_eq!(history.events().len(), drafts.len() + 1);
    }
}

#[tokio::test]
async fn a_draft_that_was_stored_and_read_since_is_not_stored_again() {
    let (_server, log) = server_with_log().await;
    let draft = draft("ana");
    let first = log.append(Tail::EMPTY, vec![draft.clone()]).await.unwrap();

    let again = log.append(first.tail, vec![draft]).await.unwrap();

    assert_eq!(again, first);
    assert_eq!(log.status().await.unwrap().last_sequence, Sequence(1));
}

#[tokio::test]
async fn an_id_that_another_event_has_is_told() {
    let (_server, log) = server_with_log().await;
    let taken = draft("ana");
    log.append(Tail::EMPTY, vec![taken.clone()]).await.unwrap();

    let refused = log
        .append(
            Tail::EMPTY,
            vec![Draft {
                id: taken.id,
                ..draft("bob")
            }],
        )
        .await;

    assert!(
        matches!(refused, Err(AppendError::IdInUse { id }) if id == taken.id),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_id_that_another_event_has_is_told_of_several_events_too() {
    let (_server, log) = server_with_log().await;
    let taken = vec![draft("ana"), draft("ana")];
    log.append(Tail::EMPTY, taken.clone()).await.unwrap();
    let drafts = |ids: [uuid::Uuid; 2]| ids.map(|id| Draft { id, ..draft("bob") }).to_vec();
    let fresh = draft("bob").id;
    for ids in [[taken[0].id, fresh], [fresh, taken[1].id], [fresh, fresh]] {
        let refused = log.append(Tail::EMPTY, drafts(ids)).await;
        assert!(
            matches!(refused, Err(AppendError::IdInUse { .. })),
            "{refused:?}"
        );
    }
    // The ids of events that were appended together are remembered like any other.
    let refused = log
        .append(Tail::EMPTY, drafts([taken[1].id, fresh])[..1].to_vec())
        .await;
    assert!(
        matches!(refused, Err(AppendError::IdInUse { .. })),
        "{refused:?}"
    );
    assert_eq!(log.status().await.unwrap().last_sequence, Sequence(2));
}

#[tokio::test]
async fn an_event_that_is_too_large_is_told() {
    let (_server, log) = server_with_log().await;
    let mut large = draft("ana");
    large.traceparent = Some("x".repeat(2_000_000));

    let refused = log.append(Tail::EMPTY, vec![large]).await;

    assert!(matches!(refused, Err(AppendError::TooLarge)), "{refused:?}");
}

#[tokio::test]
async fn an_unreadable_event_makes_its_aggregate_unreadable_and_no_other() {
    let (server, log) = server_with_log().await;
    append(&log, "ana", 1).await;
    append(&log, "bob", 1).await;
    let raw = raw(&server).await;
    let stored = raw.publish("consent.events.v1.acme.user.ana", "what?".into());
    stored.await.unwrap().await.unwrap();

    let refused = log.read(&user("ana")).await;

    let Err(ReadError::Unreadable {
        aggregate,
        sequence,
        ..
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((aggregate, sequence), (user("ana"), Sequence(3)));
    assert_eq!(log.read(&user("bob")).await.unwrap().events().len(), 1);
}

#[tokio::test]
async fn an_event_that_does_not_follow_on_its_predecessor_is_found() {
    let (server, log) = server_with_log().await;
    let granted = log.append(Tail::EMPTY, vec![grant("ana")]).await.unwrap();
    log.append(granted.tail, vec![draft("ana")]).await.unwrap();
    // Somebody stores the first event once more, at the end: it names no predecessor.
    let stream = raw(&server)
        .await
        .get_stream("CONSENT_EVENTS")
        .await
        .unwrap();
    let first = stream.get_raw_message(1).await.unwrap();
    let mut headers = async_nats::HeaderMap::new();
    for (name, values) in first.headers.iter() {
        let name: &str = name.as_ref();
        if name.starts_with("ce-") {
            headers.insert(name, values[0].as_str());
        }
    }
    let raw = raw(&server).await;
    let stored = raw.publish_with_headers(first.subject, headers, first.payload);
    stored.await.unwrap().await.unwrap();

    let refused = log.read(&user("ana")).await;

    assert!(
        matches!(
            &refused,
            Err(ReadError::BrokenChain {
                sequence: Sequence(3),
                ..
            })
        ),
        "{refused:?}"
    );
}
