//! Reading and following a log of which records are damaged on the server's disk.
//!
//! nats-server answers for them as if they had never been, says nothing in its log, and goes on
//! counting them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assent_contract::event_hash::EventHash;
use assent_dev_stack::NatsServer;
use assent_domain::ids::Sequence;
use assent_event_log::{
    AppendError, Damage, EventLog, FollowError, Missing, ReadError, Tail,
    create_or_check_operations,
};

use crate::world::{
    ONE, PATIENCE, append, connect, draft, grant, heard, listen, raw, sequences, server_with_log,
    take, user,
};

const STREAM: &str = "CONSENT_EVENTS";

/// Grants alternate between the two users: ana has the odd sequences, bob the even ones.
async fn server_with_grants(each: usize) -> (NatsServer, EventLog) {
    let (server, log) = server_with_log().await;
    let mut tails = [Tail::EMPTY; 2];
    for _ in 0..each {
        for (name, tail) in ["ana", "bob"].into_iter().zip(&mut tails) {
            *tail = log.append(*tail, vec![grant(name)]).await.unwrap().tail;
        }
    }
    (server, log)
}

/// Flips a bit in these records, or back; the log as it is then.
async fn flip(server: &mut NatsServer, damaged: &[u64]) -> EventLog {
    server.stop().await;
    for sequence in damaged {
        server.flip_bit(STREAM, *sequence).unwrap();
    }
    server.restart().await.unwrap();
    EventLog::open(&connect(&server.url()).await).await.unwrap()
}

async fn damage(log: &EventLog, name: &str) -> Damage {
    let damaged = match log.read(&user(name)).await {
        Err(ReadError::Damaged(damage)) => Ok(*damage),
        other => Err(other),
    };
    damaged.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_event_is_named_wherever_it_is_in_its_history() {
    for damaged in [&[1][..], &[3], &[5], &[1, 3], &[3, 5], &[1, 5], &[1, 3, 5]] {
        let (mut server, _) = server_with_grants(3).await;
        let log = flip(&mut server, damaged).await;

        let found = damage(&log, "ana").await;

        let missing = damaged.iter().map(|sequence| Sequence(*sequence)).collect();
        assert_eq!(found.missing, Missing::At(missing), "{damaged:?}");
        assert_eq!(found.counted, 3, "{damaged:?}");
        let count = u64::try_from(damaged.len()).unwrap();
        assert_eq!(found.found, 3 - count, "{damaged:?}");
        assert_eq!(found.aggregate, user("ana"));
        assert_eq!(found.subject, "consent.events.v1.acme.user.ana");
        assert!(!found.server.is_empty());
        // Nobody else's history is doubted.
        assert_eq!(log.read(&user("bob")).await.unwrap().events().len(), 3);
        assert_eq!(log.read(&user("eve")).await.unwrap().events().len(), 0);

        let healed = flip(&mut server, damaged).await;
        assert_eq!(healed.read(&user("ana")).await.unwrap().events().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_damage_of_a_long_history_is_found_in_few_questions() {
    for damaged in [2_500, 4_500] {
        let (mut server, log) = server_with_log().await;
        let mut tail = Tail::EMPTY;
        for _ in 0..5 {
            let drafts = (0..900).map(|_| grant("ana")).collect();
            tail = log.append(tail, drafts).await.unwrap().tail;
        }
        let log = flip(&mut server, &[damaged]).await;

        let (listener, mut questions) = listen(&server).await;

        let found = damage(&log.with_deadline(PATIENCE), "ana").await;

        assert_eq!(found.missing, Missing::At(vec![Sequence(damaged)]));
        // Not one for each event: there is no time for as many.
        let asked = heard(&listener, &mut questions).await.len();
        assert!(asked < 100, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_event_in_a_long_stretch_is_said_to_be_somewhere_in_it() {
    let (mut server, log) = server_with_log().await;
    log.append(Tail::EMPTY, vec![grant("ana")]).await.unwrap();
    append(&log, "bob", 100).await;
    let log = flip(&mut server, &[1]).await;

    let found = damage(&log, "ana").await;

    assert_eq!(found.missing, Missing::Between(Sequence(0), Sequence(102)));
    let said = found.to_string();
    assert!(said.contains("1 of 1 events"), "{said}");
    assert!(said.contains("between sequence 0 and 102"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_recorded_past_the_damage_is_read_once_it_is_healed() {
    // What is damaged, and which event the revocation names.
    for (damaged, named) in [(&[1, 3, 5][..], None), (&[5], Some(1)), (&[3], None)] {
        let (mut server, _) = server_with_grants(3).await;
        let log = flip(&mut server, damaged).await;
        let found = damage(&log, "ana").await;
        let appended = log.append(found.tail, vec![draft("ana")]).await.unwrap();
        let revocation = appended.tail.sequence;
        assert_eq!(revocation, Sequence(7));

        // It changes nothing of that the history can't be believed, and is what is known now.
        let still = damage(&log, "ana").await;
        assert_eq!((still.counted, still.missing), (4, found.missing));
        let latest: Vec<_> = still
            .latest
            .events()
            .iter()
            .map(|event| event.sequence)
            .collect();
        assert_eq!(latest.last(), Some(&revocation));

        let healed = flip(&mut server, damaged).await;
        let history = healed.read(&user("ana")).await.unwrap();
        assert_eq!(history.events().len(), 4, "{damaged:?}");
        assert_eq!(history.tail.sequence, revocation);
        let (last, before) = history.events().split_last().unwrap();
        let previous = last.decoded.metadata.previous;
        let follows = previous == before.last().unwrap().hash;
        assert_eq!(follows, damaged == [3], "{damaged:?}");
        let past_damage = if follows { vec![] } else { vec![revocation] };
        assert_eq!(history.past_damage, past_damage, "{damaged:?}");
        match named {
            Some(index) => assert_eq!(previous, before[index].hash),
            None if !follows => assert_eq!(previous, EventHash::NONE),
            None => {}
        }
        // The history goes on as any other.
        let tail = healed
            .append(history.tail, vec![grant("ana")])
            .await
            .unwrap();
        assert_eq!(healed.read(&user("ana")).await.unwrap().tail, tail.tail);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_void_is_counted_and_hides_no_damage() {
    let (mut server, log) = server_with_log().await;
    create_or_check_operations(&connect(&server.url()).await, ONE)
        .await
        .unwrap();
    let two = vec![grant("ana"), grant("ana")];
    let tail = log.append(Tail::EMPTY, two).await.unwrap().tail;
    let context = raw(&server).await;
    let junk = context
        .publish("consent.events.v1.acme.user.ana", "junk".into())
        .await
        .unwrap();
    let junk = Sequence(junk.await.unwrap().sequence);
    log.declare_void(junk, "junk", "kim", jiff::Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    let history = log.read(&user("ana")).await.unwrap();
    assert_eq!((history.events().len(), history.voids.len()), (2, 1));
    assert_eq!(
        (history.tail.sequence, history.tail.hash),
        (junk, tail.hash)
    );

    // The last event is damaged, and only what is void comes after it.
    let log = flip(&mut server, &[2]).await;
    let found = damage(&log, "ana").await;
    assert_eq!(found.missing, Missing::At(vec![Sequence(2)]));
    assert_eq!((found.counted, found.found), (3, 2));
    assert_eq!(found.latest.events(), [], "event 1 is not the last one");
    assert_eq!(found.tail.sequence, junk);
    // A no is recorded past both, and read once the event is back.
    log.append(found.tail, vec![draft("ana")]).await.unwrap();

    let healed = flip(&mut server, &[2]).await;
    let history = healed.read(&user("ana")).await.unwrap();
    assert_eq!((history.events().len(), history.voids.len()), (3, 1));
    assert_eq!(history.past_damage, [Sequence(4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_recorded_while_a_damaged_history_is_read_does_not_make_it_whole() {
    let (mut server, _) = server_with_grants(3).await;
    let log = flip(&mut server, &[5]).await;
    let is_over = AtomicBool::new(false);
    let revoking = async {
        let mut tail = damage(&log, "ana").await.tail;
        for _ in 0..300 {
            tail = log.append(tail, vec![draft("ana")]).await.unwrap().tail;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let reading = async {
        while !is_over.load(Ordering::Relaxed) {
            let read = log.read(&user("ana")).await;
            assert!(matches!(read, Err(ReadError::Damaged(_))), "{read:?}");
        }
    };
    tokio::join!(revoking, reading);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_stored_past_the_damage_stays_a_broken_chain() {
    let (mut server, _) = server_with_grants(2).await;
    let log = flip(&mut server, &[1, 3]).await;
    let found = damage(&log, "ana").await;
    log.append(found.tail, vec![grant("ana")]).await.unwrap();

    let healed = flip(&mut server, &[1, 3]).await;

    let refused = healed.read(&user("ana")).await;
    let Err(ReadError::BrokenChain { sequence, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(sequence, Sequence(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_events_are_lost_only_a_history_that_goes_on_after_them_is_believed() {
    let (mut server, log) = server_with_log().await;
    // A block of the server's files holds 8 MB.
    let raw = raw(&server).await;
    let mut bob = Tail::EMPTY;
    let mut cleo = Tail::EMPTY;
    for number in 0..60 {
        let filler = "x".repeat(200_000).into();
        let stored = raw.publish("consent.events.v1.acme.user.filler", filler);
        stored.await.unwrap().await.unwrap();
        if matches!(number, 2 | 30 | 55) {
            bob = log.append(bob, vec![grant("bob")]).await.unwrap().tail;
        }
        if matches!(number, 2 | 55) {
            cleo = log.append(cleo, vec![grant("cleo")]).await.unwrap().tail;
        }
        if number == 30 {
            log.append(Tail::EMPTY, vec![grant("ana")]).await.unwrap();
        }
    }
    server.stop().await;
    server.halve_first_block(STREAM).unwrap();
    server.restart().await.unwrap();
    let log = EventLog::open(&connect(&server.url()).await).await.unwrap();
    let status = log.status().await.unwrap();
    assert_eq!(
        (status.last_sequence, 0 < status.missing),
        (Sequence(66), true)
    );

    // The only event is counted no more; there may have been one; one is missing in the middle.
    for name in ["ana", "eve", "bob"] {
        let found = damage(&log, name).await;
        assert!(
            matches!(found.missing, Missing::Between(..)),
            "{name} {found:?}"
        );
        assert_eq!(found.lost, status.missing, "{name}");
    }
    let said = damage(&log, "ana").await.to_string();
    assert!(
        said.contains("some may be of consent.events.v1.acme.user.ana"),
        "{said}"
    );
    assert_eq!(log.read(&user("cleo")).await.unwrap().events().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sound_history_is_never_taken_for_a_damaged_one() {
    let (_server, log) = server_with_log().await;
    let log = log.with_deadline(PATIENCE);
    let writers: Vec<_> = (0..64)
        .map(|_| {
            let log = log.clone();
            tokio::spawn(async move {
                loop {
                    let history = log.read(&user("ana")).await.unwrap();
                    match log.append(history.tail, vec![grant("ana")]).await {
                        Ok(_) => break,
                        Err(AppendError::Conflict) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(log.read(&user("ana")).await.unwrap().events().len(), 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_is_told_what_is_missing_also_at_the_very_end() {
    for (damaged, after) in [(&[3][..], 0), (&[6], 0), (&[6], 5), (&[5, 6], 0), (&[1], 0)] {
        let (mut server, _) = server_with_grants(3).await;
        let log = flip(&mut server, damaged).await;
        let missing = damaged[0];
        let mut follow = log.follow(Sequence(after));
        let before = usize::try_from(missing - 1 - after).unwrap();
        let taken = sequences(&take(&mut follow, before).await);
        assert_eq!(taken, (after + 1..missing).collect::<Vec<_>>());

        // In the short steps in which a projection asks.
        let told = tokio::time::timeout(PATIENCE, async {
            loop {
                match follow.next_batch(10, Duration::from_millis(100)).await {
                    Ok(batch) => assert_eq!(sequences(&batch), Vec::<u64>::new()),
                    Err(error) => break error,
                }
            }
        });
        let told = told.await.unwrap();
        assert!(
            matches!(told, FollowError::Gap { sequence } if sequence.0 == missing),
            "{damaged:?} {told:?}"
        );

        let healed = flip(&mut server, damaged).await;
        let mut follow = healed.follow(Sequence(missing - 1));
        let rest = usize::try_from(6 - (missing - 1)).unwrap();
        assert_eq!(take(&mut follow, rest).await.len(), rest);
    }
}
