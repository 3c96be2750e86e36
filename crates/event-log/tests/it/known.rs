//! What was read before is believed only as long as the log says that it is still all of it.

use std::time::Duration;

use assent_contract::names::EVENT_STREAM;
use assent_dev_stack::NatsServer;
use assent_domain::ids::Sequence;
use assent_event_log::{
    AppendError, Draft, EventLog, History, ReadError, Tail, create_or_check_operations,
};
use assent_messaging::{ChangeStream, ChangeStreamSettings};

use async_nats::Message;
use async_nats::jetstream::stream::Config;
use futures::StreamExt as _;
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::world::{
    ONE, append, connect, draft, grant, heard, listen, raw, scribble, server_with_log,
    server_without_batches, stream, user,
};

/// The same log as somebody sees it who has read nothing yet.
async fn stranger(server: &NatsServer) -> EventLog {
    EventLog::open(&connect(&server.url()).await).await.unwrap()
}

/// Reads Ana's history with both: with what is known, and without.
async fn read(server: &NatsServer, log: &EventLog) -> History {
    let known = log.read(&user("ana")).await.unwrap();
    let unknown = stranger(server).await.read(&user("ana")).await.unwrap();
    assert_eq!(known, unknown);
    assert!(known.user_state().is_ok());
    History::clone(&known)
}

/// Waits until the log answers again after its server was away.
async fn read_again(log: &EventLog) -> Result<History, ReadError> {
    loop {
        match log.read(&user("ana")).await {
            Err(ReadError::JetStream(error)) if error.is_out_of_reach() => {}
            other => return other.map(|history| History::clone(&history)),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn drafts(count: usize) -> Vec<Draft> {
    (0..count).map(|_| grant("ana")).collect()
}

#[tokio::test]
async fn what_others_append_is_seen() {
    let (server, log) = server_with_log().await;
    let other = stranger(&server).await;
    for round in 0..4 {
        append(&other, "ana", round).await;
        append(&other, "bob", 1).await;
        let had = read(&server, &log).await.events().len();
        append(&log, "ana", 1).await;
        assert_eq!(read(&server, &other).await.events().len(), had + 1);
        assert_eq!(read(&server, &log).await.events().len(), had + 1);
    }
}

#[tokio::test]
async fn a_long_history_is_read_in_batches() {
    let (server, log) = server_with_log().await;
    let mut tail = Tail::EMPTY;
    for _ in 0..5 {
        tail = log.append(tail, drafts(900)).await.unwrap().tail;
        append(&log, "bob", 1).await;
    }
    assert_eq!(read(&server, &log).await.events().len(), 4_500);
    log.append(tail, vec![draft("ana"), grant("ana")])
        .await
        .unwrap();
    assert_eq!(read(&server, &log).await.events().len(), 4_502);
}

#[tokio::test]
async fn a_log_that_was_made_anew_is_another() {
    let (server, log) = server_with_log().await;
    append(&log, "ana", 3).await;
    let before = read(&server, &log).await;
    // As many events at the same places, fewer, more, and none.
    for count in [3, 2, 5, 0] {
        raw(&server)
            .await
            .delete_stream(EVENT_STREAM)
            .await
            .unwrap();
        EventLog::create_or_check(&connect(&server.url()).await, ONE)
            .await
            .unwrap();
        let other = stranger(&server).await;
        append(&other, "ana", count).await;
        let now = read(&server, &log).await;
        assert_eq!(now.events().len(), count);
        assert!(
            now.events()
                .iter()
                .all(|event| !before.events().contains(event))
        );
    }
}

#[tokio::test]
async fn a_log_that_was_set_back_is_read_as_it_is() {
    let (mut server, log) = server_with_log().await;
    append(&log, "ana", 2).await;
    // By which the server's files are found while the log's are away.
    let changes = ChangeStreamSettings::consent_changes(1);
    let gateway = connect(&server.url()).await;
    ChangeStream::create_or_check(&gateway, changes)
        .await
        .unwrap();
    server.stop().await;
    server.back_up(EVENT_STREAM).unwrap();
    server.restart().await.unwrap();
    read_again(&log).await.unwrap();
    append(&log, "ana", 3).await;
    append(&log, "bob", 1).await;
    let before = read(&server, &log).await;
    assert_eq!(before.events().len(), 5);
    // The last ones are gone; then others are in their place; then there are more than there were.
    for (round, count) in [(0, 2), (3, 5), (6, 8)] {
        server.stop().await;
        server.restore(EVENT_STREAM).unwrap();
        server.restart().await.unwrap();
        append(&stranger(&server).await, "ana", round).await;
        let now = read_again(&log).await.unwrap();
        assert_eq!(now, read(&server, &log).await);
        assert_eq!(now.events().len(), count);
        assert_eq!(now.events()[..2], before.events()[..2]);
        assert!(
            now.events()[2..]
                .iter()
                .all(|event| !before.events().contains(event))
        );
    }
}

#[tokio::test]
async fn junk_blocks_what_was_known_until_it_is_void() {
    let (server, log) = server_with_log().await;
    create_or_check_operations(&connect(&server.url()).await, ONE)
        .await
        .unwrap();
    append(&log, "ana", 2).await;
    read(&server, &log).await;
    for place in [3, 5] {
        let junk = scribble(&server, &[], "junk").await;
        assert_eq!(junk, Sequence(place));
        let blocked = log.read(&user("ana")).await;
        assert!(
            matches!(blocked, Err(ReadError::Unreadable { sequence, .. }) if sequence == junk),
            "{blocked:?}"
        );
        let at = jiff::Timestamp::UNIX_EPOCH;
        log.declare_void(junk, "junk", "kim", at).await.unwrap();
        // Once it was read, and once more.
        for _ in 0..2 {
            assert_eq!(read(&server, &log).await.tail.sequence, junk);
        }
        append(&log, "ana", 1).await;
        assert_eq!(read(&server, &log).await.tail.sequence, Sequence(place + 1));
    }
}

#[tokio::test]
async fn what_is_damaged_after_it_was_read_blocks_once_its_server_was_away() {
    for damaged in [1, 2, 3] {
        let (mut server, log) = server_with_log().await;
        log.append(Tail::EMPTY, drafts(3)).await.unwrap();
        let before = read(&server, &log).await;

        server.stop().await;
        server.flip_bit(EVENT_STREAM, damaged).unwrap();
        server.restart().await.unwrap();
        let blocked = read_again(&log).await;
        assert!(
            matches!(blocked, Err(ReadError::Damaged(_))),
            "{damaged} {blocked:?}"
        );

        server.stop().await;
        server.flip_bit(EVENT_STREAM, damaged).unwrap();
        server.restart().await.unwrap();
        assert_eq!(read_again(&log).await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_server_that_permits_no_batches_is_asked_for_each_event() {
    let (_server, log) = server_without_batches().await;
    let appended = log.append(Tail::EMPTY, drafts(5)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(log.read(&user("ana")).await.unwrap().tail, appended.tail);
    }
}

#[tokio::test]
async fn batches_that_nobody_answers_delay_a_read_only_a_little() {
    let (server, log) = server_with_log().await;
    let appended = log.append(Tail::EMPTY, drafts(20)).await.unwrap();
    let administrator = raw(&server).await;
    let silent = Config {
        allow_direct: false,
        ..stream()
    };
    administrator.update_stream(silent).await.unwrap();
    // Hears what is asked, and says nothing: a replica that hangs.
    let client = async_nats::connect(server.url()).await.unwrap();
    let questions = client.subscribe("$JS.API.DIRECT.GET.>").await.unwrap();
    client.flush().await.unwrap();
    let read = timeout(Duration::from_secs(5), log.read(&user("ana"))).await;
    assert_eq!(read.unwrap().unwrap().tail, appended.tail);
    let asked = questions.take(3).collect::<Vec<_>>();
    assert_eq!(asked.await.len(), 3);
}

#[tokio::test]
async fn a_known_history_is_proved_by_two_questions_asked_at_once() {
    let (server, log) = server_with_log().await;
    let appended = log.append(Tail::EMPTY, drafts(20)).await.unwrap();
    let proxy = Proxy::before(&server).await;
    let log = EventLog::open(&connect(&proxy.url()).await).await.unwrap();
    log.read(&user("ana")).await.unwrap();
    let (listener, mut questions) = listen(&server).await;

    let known = log.read(&user("ana")).await.unwrap();
    assert_eq!(known.tail, appended.tail);
    let asked = heard(&listener, &mut questions).await;
    let mut subjects: Vec<_> = asked.iter().map(|asked| asked.subject.as_str()).collect();
    subjects.sort_unstable();
    let two = [
        "$JS.API.STREAM.INFO.CONSENT_EVENTS",
        "$JS.API.STREAM.MSG.GET.CONSENT_EVENTS",
    ];
    assert_eq!(subjects, two);

    // Neither waits for the answer to the other.
    proxy.swallow();
    log.read(&user("ana")).await.unwrap_err();
    assert_eq!(heard(&listener, &mut questions).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_known_history_is_not_read_anew_because_others_append() {
    let (server, log) = server_with_log().await;
    log.append(Tail::EMPTY, drafts(20)).await.unwrap();
    log.read(&user("ana")).await.unwrap();
    let (listener, mut questions) = listen(&server).await;
    let writers = (0..3).map(|_| {
        let log = log.clone();
        tokio::spawn(async move {
            for _ in 0..40 {
                let tail = log.read(&user("ana")).await.unwrap().tail;
                let appended = log.append(tail, drafts(1)).await;
                assert!(matches!(appended, Ok(_) | Err(AppendError::Conflict)));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let asked = heard(&listener, &mut questions).await;
    let is_whole = |asked: &&Message| asked.payload.starts_with(br#"{"seq":1,"#);
    assert_eq!(asked.iter().filter(is_whole).count(), 0);
    read(&server, &log).await;
}
