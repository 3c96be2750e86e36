//! A message that is no event is passed over since an operator said so; an event never is.

use std::time::Duration;

use assent_contract::operation::VoidRecord;
use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::ids::Sequence;
use assent_event_log::{
    AppendError, EventLog, ReadError, Tail, VoidError, create_or_check_operations,
};
use jiff::Timestamp;

use crate::world::{
    ONE, PATIENCE, append, connect, connect_as, draft, grant, raw, scribble, server_with_log, user,
};

const ANA: &str = "consent.events.v1.acme.user.ana";

async fn server() -> (NatsServer, EventLog) {
    let (server, log) = server_with_log().await;
    let connection = connect(&server.url()).await;
    create_or_check_operations(&connection, ONE).await.unwrap();
    (server, log)
}

async fn void(log: &EventLog, sequence: Sequence) -> Result<(VoidRecord, bool), VoidError> {
    let reason = "an answer that somebody had stored here";
    log.declare_void(sequence, reason, "kim", Timestamp::UNIX_EPOCH)
        .await
}

async fn sequences(log: &EventLog) -> Vec<u64> {
    let history = log.read(&user("ana")).await.unwrap();
    history
        .events()
        .iter()
        .map(|event| event.sequence.0)
        .collect()
}

#[tokio::test]
async fn a_void_message_is_passed_over_wherever_it_stands() {
    let (server, log) = server().await;
    let first = scribble(&server, &[], "junk").await;
    void(&log, first).await.unwrap();
    append(&log, "ana", 2).await;
    let middle = scribble(&server, &[("ce-type", "x")], "{}").await;
    let twice = scribble(&server, &[], "").await;
    assert!(matches!(
        log.read(&user("ana")).await,
        Err(ReadError::Unreadable { sequence, .. }) if sequence == middle
    ));
    void(&log, middle).await.unwrap();
    assert!(matches!(
        log.read(&user("ana")).await,
        Err(ReadError::Unreadable { sequence, .. }) if sequence == twice
    ));
    void(&log, twice).await.unwrap();
    append(&log, "ana", 2).await;
    let last = scribble(&server, &[], "junk").await;
    void(&log, last).await.unwrap();

    let history = log.read(&user("ana")).await.unwrap();
    assert_eq!(sequences(&log).await, [2, 3, 6, 7]);
    let passed: Vec<_> = history.voids.iter().map(|void| void.sequence).collect();
    assert_eq!(passed, [first.0, middle.0, twice.0, last.0]);
    // The next event follows on the last event, and comes after the last message.
    assert_eq!(history.tail.sequence, last);
    assert_eq!(history.tail.hash, history.events().last().unwrap().hash);
    append(&log, "ana", 1).await;
    assert_eq!(sequences(&log).await, [2, 3, 6, 7, 9]);
}

#[tokio::test]
async fn an_append_is_still_held_against_the_last_message() {
    let (server, log) = server().await;
    append(&log, "ana", 1).await;
    let before = log.read(&user("ana")).await.unwrap().tail;
    let junk = scribble(&server, &[], "junk").await;
    void(&log, junk).await.unwrap();
    let stale = log.append(before, vec![draft("ana")]).await;
    assert!(matches!(stale, Err(AppendError::Conflict)), "{stale:?}");
    let tail = log.read(&user("ana")).await.unwrap().tail;
    assert_eq!(
        tail,
        Tail {
            sequence: junk,
            ..before
        }
    );
    log.append(tail, vec![draft("ana"), draft("ana")])
        .await
        .unwrap();
    assert_eq!(sequences(&log).await, [1, 3, 4]);
}

#[tokio::test]
async fn another_reader_and_a_newer_connection_see_it_at_once() {
    let (server, log) = server().await;
    let other = EventLog::open(&connect(&server.url()).await).await.unwrap();
    let junk = scribble(&server, &[], "junk").await;
    assert!(other.read(&user("ana")).await.is_err());
    void(&log, junk).await.unwrap();
    assert_eq!(other.read(&user("ana")).await.unwrap().tail.sequence, junk);
}

#[tokio::test]
async fn what_can_be_read_is_never_void() {
    let (server, log) = server().await;
    log.append(Tail::EMPTY, vec![grant("ana")]).await.unwrap();
    let refused = void(&log, Sequence(1)).await;
    assert!(
        matches!(refused, Err(VoidError::IsAnEvent { .. })),
        "{refused:?}"
    );

    // An event that follows on nothing can be read, too: it says something.
    let event = log.entry(Sequence(1)).await.unwrap().unwrap();
    let body = std::str::from_utf8(event.payload()).unwrap();
    let mut headers = event.headers();
    headers.retain(|(name, _)| name.starts_with("ce-"));
    let copy = scribble(&server, &headers, body).await;
    assert!(matches!(
        log.read(&user("ana")).await,
        Err(ReadError::BrokenChain { .. })
    ));
    let refused = void(&log, copy).await;
    assert!(
        matches!(refused, Err(VoidError::IsAnEvent { .. })),
        "{refused:?}"
    );

    // Not even a record that is there makes it so.
    let entry = log.entry(copy).await.unwrap().unwrap();
    let forged = VoidRecord {
        log: log.identity().to_string(),
        sequence: copy.0,
        subject: entry.subject().to_owned(),
        hash: entry.hash(),
        reason: "forged".to_owned(),
        recorded_at: Timestamp::UNIX_EPOCH,
        operator: "mallory".to_owned(),
    };
    record(&server, &forged).await;
    assert!(log.read(&user("ana")).await.is_err());
    assert_eq!(
        log.operations().await.unwrap().unwrap().last_sequence,
        Sequence(1)
    );
}

async fn record(server: &NatsServer, record: &VoidRecord) {
    let subject = assent_contract::names::void_subject(&record.log, record.sequence);
    let body = serde_json::to_vec(record).unwrap();
    let context = raw(server).await;
    let sent = context.publish(subject, body.into()).await.unwrap();
    sent.await.unwrap();
}

#[tokio::test]
async fn a_newer_programs_event_is_no_junk() {
    let (server, log) = server().await;
    append(&log, "ana", 1).await;
    let event = log.entry(Sequence(1)).await.unwrap().unwrap();
    let mut headers: Vec<_> = event
        .headers()
        .into_iter()
        .filter(|(name, _)| name.starts_with("ce-") && !matches!(*name, "ce-type" | "ce-prevhash"))
        .collect();
    headers.push(("ce-type", "assent.consent.UserScopeRevoked.v2"));
    let hash = event.hash().to_string();
    let in_its_place = [headers.as_slice(), &[("ce-prevhash", &hash)]].concat();
    let newer = scribble(&server, &in_its_place, "{}").await;
    let refused = void(&log, newer).await;
    assert!(
        matches!(&refused, Err(VoidError::IsNewerEvent { event_type, .. }) if event_type.ends_with("v2")),
        "{refused:?}"
    );

    // One that follows on nothing was appended by nobody.
    let nobody = "a".repeat(64);
    let slipped_in = [headers.as_slice(), &[("ce-prevhash", &nobody)]].concat();
    let (server, log) = self::server().await;
    let slipped_in = scribble(&server, &slipped_in, "{}").await;
    void(&log, slipped_in).await.unwrap();
}

#[tokio::test]
async fn a_torn_event_is_no_event() {
    let (server, log) = server().await;
    append(&log, "ana", 1).await;
    let event = log.entry(Sequence(1)).await.unwrap().unwrap();
    let hash = event.hash().to_string();
    let mut headers = event.headers();
    headers.retain(|(name, _)| name.starts_with("ce-") && *name != "ce-prevhash");
    headers.push(("ce-prevhash", &hash));
    let body = std::str::from_utf8(event.payload()).unwrap();
    let torn = scribble(&server, &headers, &body[..body.len() / 2]).await;
    assert!(log.read(&user("ana")).await.is_err());
    void(&log, torn).await.unwrap();
    append(&log, "ana", 1).await;
    assert_eq!(sequences(&log).await, [1, 3]);
}

#[tokio::test]
async fn a_record_of_another_log_or_message_voids_nothing() {
    let (server, log) = server().await;
    let junk = scribble(&server, &[], "junk").await;
    let (genuine, _) = {
        let (other_server, other) = self::server().await;
        let same = scribble(&other_server, &[], "junk").await;
        assert_eq!(same, junk);
        void(&other, same).await.unwrap()
    };
    let entry = log.entry(junk).await.unwrap().unwrap();
    assert_eq!(genuine.hash, entry.hash(), "the very same message");
    // As it is, on the subject where this log's record would be.
    let subject = assent_contract::names::void_subject(log.identity().as_str(), junk.0);
    let context = raw(&server).await;
    for record in [
        genuine.clone(),
        VoidRecord {
            log: log.identity().to_string(),
            hash: assent_contract::event_hash::EventHash::NONE,
            ..genuine.clone()
        },
        VoidRecord {
            log: log.identity().to_string(),
            subject: "consent.events.v1.acme.company".to_owned(),
            ..genuine.clone()
        },
    ] {
        let body = serde_json::to_vec(&record).unwrap();
        let sent = context.publish(subject.clone(), body.into()).await.unwrap();
        sent.await.unwrap();
        assert!(log.read(&user("ana")).await.is_err(), "{record:?}");
    }
    let sent = context.publish(subject, "nonsense".into()).await.unwrap();
    sent.await.unwrap();
    assert!(log.read(&user("ana")).await.is_err());
}

#[tokio::test]
async fn who_was_first_is_recorded_and_asking_again_finds_out() {
    let (server, log) = server().await;
    let junk = scribble(&server, &[], "junk").await;
    let other = EventLog::open(&connect(&server.url()).await).await.unwrap();
    let (one, two) = tokio::join!(
        log.declare_void(junk, "one", "kim", Timestamp::UNIX_EPOCH),
        other.declare_void(junk, "two", "lee", Timestamp::UNIX_EPOCH),
    );
    let ((one, one_already), (two, two_already)) = (one.unwrap(), two.unwrap());
    assert_eq!(one, two);
    assert_eq!(one_already, one.reason != "one");
    assert_eq!(two_already, one.reason != "two");
    // As whoever crashed between the record and the answer would ask again.
    let again = EventLog::open(&connect(&server.url()).await).await.unwrap();
    assert_eq!(void(&again, junk).await.unwrap(), (one, true));
    let status = log.operations().await.unwrap().unwrap();
    assert_eq!(status.last_sequence, Sequence(1));
    assert_eq!(
        log.void_records(Sequence(0), Sequence(1)).await.unwrap(),
        [two]
    );

    let absent = void(&log, Sequence(99)).await;
    assert!(matches!(absent, Err(VoidError::NotThere { .. })));
}

#[tokio::test]
async fn only_the_gateway_records_and_the_others_read() {
    let server = NatsServer::start().await.unwrap();
    let gateway = connect_as(&server, NatsUser::Gateway).await;
    let log = EventLog::create_or_check(&gateway, ONE).await.unwrap();
    // Before there is such a stream, nothing is void.
    assert_eq!(log.operations().await.unwrap(), None);
    gateway.publish(ANA, &[], "junk").await.unwrap();
    let stored = async {
        while log.entry(Sequence(1)).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
    assert!(log.read(&user("ana")).await.is_err());

    create_or_check_operations(&gateway, ONE).await.unwrap();
    create_or_check_operations(&gateway, ONE).await.unwrap();
    for user in [NatsUser::Projection, NatsUser::Operator] {
        let reader = EventLog::open(&connect_as(&server, user).await)
            .await
            .unwrap();
        assert!(void(&reader, Sequence(1)).await.is_err(), "{user:?}");
    }
    void(&log, Sequence(1)).await.unwrap();
    for reader in [NatsUser::Projection, NatsUser::Operator] {
        let reader = EventLog::open(&connect_as(&server, reader).await)
            .await
            .unwrap();
        assert!(reader.read(&user("ana")).await.is_ok());
        assert!(reader.operations().await.unwrap().is_some());
    }
}
