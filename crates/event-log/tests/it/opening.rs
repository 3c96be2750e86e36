//! Creating the stream, checking it, refusing it.

use std::time::Duration;

use assent_dev_stack::NatsServer;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, OpenError};
use async_nats::jetstream::stream::{Config, StorageType};

use crate::world::{ONE, append, connect, raw, server_with_log, stream};

#[tokio::test]
async fn the_stream_is_created_once_and_checked_from_then_on() {
    let server = NatsServer::start_plain().await.unwrap();
    let connection = connect(&server.url()).await;

    let before = EventLog::open(&connection).await;
    assert!(matches!(before, Err(OpenError::NotThere)), "{before:?}");

    let created = EventLog::create_or_check(&connection, ONE).await.unwrap();
    let again = EventLog::create_or_check(&connection, ONE).await.unwrap();
    let opened = EventLog::open(&connection).await.unwrap();

    assert_eq!(created.identity(), again.identity());
    assert_eq!(created.identity(), opened.identity());
}

#[tokio::test]
async fn the_status_tells_where_the_log_stands() {
    let (_server, log) = server_with_log().await;
    assert_eq!(log.status().await.unwrap().last_sequence, Sequence(0));

    append(&log, "ana", 3).await;

    let status = log.status().await.unwrap();
    assert_eq!(status.created, *log.identity());
    assert_eq!(status.first_sequence, Sequence(1));
    assert_eq!(status.last_sequence, Sequence(3));
    assert_eq!(status.missing, 0);
}

#[tokio::test]
async fn a_stream_configured_otherwise_is_refused_with_every_difference_named() {
    let otherwise = Config {
        subjects: vec!["consent.events.v1.>".to_owned()],
        storage: StorageType::Memory,
        max_messages: 1000,
        max_age: Duration::from_hours(1),
        duplicate_window: Duration::from_mins(2),
        deny_delete: false,
        deny_purge: false,
        allow_direct: false,
        allow_atomic_publish: false,
        ..stream()
    };
    let server = NatsServer::start_plain().await.unwrap();
    raw(&server).await.create_stream(otherwise).await.unwrap();
    let connection = connect(&server.url()).await;

    for refused in [
        EventLog::create_or_check(&connection, ONE).await,
        EventLog::open(&connection).await,
    ] {
        let Err(OpenError::ConfiguredOtherwise { differences }) = refused else {
            panic!("not refused: {refused:?}");
        };
        let named: Vec<_> = differences
            .iter()
            .filter_map(|difference| difference.split(' ').next())
            .collect();
        assert_eq!(
            named,
            [
                "subjects",
                "storage",
                "max_msgs",
                "max_age",
                "deny_delete",
                "duplicate_window",
                "deny_purge",
                "allow_direct",
                "allow_atomic",
            ]
        );
        let said = OpenError::ConfiguredOtherwise { differences }.to_string();
        assert!(
            said.contains("deny_delete is false, must be true"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_log_that_is_not_reachable_is_told_as_such() {
    let mut server = NatsServer::start_plain().await.unwrap();
    let connection = connect(&server.url()).await;
    server.kill();

    let refused = EventLog::open(&connection.clone()).await;

    // The loss of the connection may be noticed only by the missing answer.
    assert!(
        matches!(&refused, Err(OpenError::JetStream(error)) if error.is_out_of_reach()),
        "{refused:?}"
    );
}
