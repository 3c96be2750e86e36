//! The log as the users of `deploy/nats` may use it.

use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::ids::Sequence;
use assent_event_log::{AppendError, EventLog, FollowError, OpenError, ReadError, Tail};
use assent_messaging::JetStreamError;

use crate::world::{ONE, append, connect_as, draft, sequences, server_without_batches, take, user};

async fn server_with_log() -> (NatsServer, EventLog) {
    let server = NatsServer::start().await.unwrap();
    let gateway = connect_as(&server, NatsUser::Gateway).await;
    let log = EventLog::create_or_check(&gateway, ONE).await.unwrap();
    (server, log)
}

#[tokio::test]
async fn the_gateway_writes_and_reads_the_log() {
    let (_server, log) = server_with_log().await;

    append(&log, "ana", 1).await;
    let tail = log.read(&user("ana")).await.unwrap().tail;
    log.append(tail, vec![draft("ana"), draft("ana")])
        .await
        .unwrap();

    assert_eq!(log.read(&user("ana")).await.unwrap().events().len(), 3);
    assert_eq!(log.status().await.unwrap().last_sequence, Sequence(3));
}

#[tokio::test]
async fn the_projection_and_the_operator_read_and_follow_the_log() {
    let (server, log) = server_with_log().await;
    append(&log, "ana", 3).await;

    for reader in [NatsUser::Projection, NatsUser::Operator] {
        let log = EventLog::open(&connect_as(&server, reader).await)
            .await
            .unwrap();
        assert_eq!(log.read(&user("ana")).await.unwrap().events().len(), 3);
        let entries = take(&mut log.follow(Sequence(0)), 3).await;
        assert_eq!(sequences(&entries), [1, 2, 3]);
    }
}

#[tokio::test]
async fn who_may_not_append_is_told_so() {
    let (server, _log) = server_with_log().await;
    let operator = connect_as(&server, NatsUser::Operator).await;
    let log = EventLog::open(&operator).await.unwrap();

    let refused = log.append(Tail::EMPTY, vec![draft("ana")]).await;
    let Err(AppendError::NotPermitted { complaint }) = refused else {
        panic!("{refused:?}");
    };
    assert!(complaint.contains("consent.events.v1.acme.user.ana"));

    let refused = log
        .append(Tail::EMPTY, vec![draft("ana"), draft("ana")])
        .await;
    assert!(
        matches!(refused, Err(AppendError::NotPermitted { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_may_not_create_or_open_or_follow_is_told_so() {
    let (server, _log) = server_with_log().await;

    let projection = connect_as(&server, NatsUser::Projection).await;
    let refused = EventLog::create_or_check(&projection, ONE).await;
    assert!(
        matches!(
            refused,
            Err(OpenError::JetStream(JetStreamError::NotPermitted { .. }))
        ),
        "{refused:?}"
    );

    let login_hook = connect_as(&server, NatsUser::LoginHook).await;
    let refused = EventLog::open(&login_hook).await;
    assert!(
        matches!(
            refused,
            Err(OpenError::JetStream(JetStreamError::NotPermitted { .. }))
        ),
        "{refused:?}"
    );

    // The log is followed in batches, and a gateway of an older configuration may ask for none.
    let (_server, log) = server_without_batches().await;
    let refused = log
        .follow(Sequence(0))
        .next_batch(1, Duration::from_secs(10))
        .await;
    assert!(
        matches!(
            refused,
            Err(FollowError::Refused(ReadError::JetStream(
                JetStreamError::NotPermitted { .. }
            )))
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_read_that_gets_no_answer_ends_at_its_deadline() {
    let (mut server, log) = server_with_log().await;
    let log = log.with_deadline(Duration::from_millis(100));
    server.kill();

    let refused = log.read(&user("ana")).await;

    assert!(
        matches!(&refused, Err(ReadError::JetStream(error)) if error.is_out_of_reach()),
        "{refused:?}"
    );
}
