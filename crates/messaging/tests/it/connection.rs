use std::time::Duration;

use assent_dev_stack::NatsUser;
use assent_messaging::{
    ConnectError, Connection, ConnectionSettings, ConnectionState, RequestError, ServerVersion,
    ServerVersionError,
};
use futures::StreamExt as _;

use crate::support::{PATIENCE, connect, server, settings, until};

#[tokio::test]
async fn connecting_fails_by_name() {
    let server = server().await;

    let nobody = ConnectionSettings::new("nats://127.0.0.1:1", "t");
    let error = Connection::connect(nobody).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::NotReachable { .. }),
        "{error:?}"
    );

    let stranger = ConnectionSettings::new(server.url(), "t").with_user("gateway", "guessed");
    let error = Connection::connect(stranger).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::NotPermitted { .. }),
        "{error:?}"
    );

    for (bad, what) in [
        (
            ConnectionSettings::new("nats://u:p@127.0.0.1:1", "t"),
            "secrets in the address",
        ),
        (ConnectionSettings::new("::", "t"), "no address"),
        (
            ConnectionSettings {
                user: Some("u".to_owned()),
                ..ConnectionSettings::new(server.url(), "t")
            },
            "no password",
        ),
        (
            ConnectionSettings {
                creds_file: Some("/nowhere".into()),
                ..ConnectionSettings::new(server.url(), "t")
            },
            "no file",
        ),
    ] {
        let error = Connection::connect(bad).await.unwrap_err();
        assert!(
            matches!(error, ConnectError::BadSettings { .. }),
            "{what}: {error:?}"
        );
    }
}

#[tokio::test]
async fn the_server_is_recent_enough() {
    let server = server().await;
    let connection = connect(&server, NatsUser::Gateway).await;
    assert!(connection.require_server_version().unwrap() >= ServerVersion::REQUIRED);
    assert!(connection.server_version().is_some());
}

#[tokio::test]
async fn a_service_may_start_before_nats_and_outlive_its_restart() {
    let mut server = server().await;
    server.kill();
    let connection = Connection::connect_waiting(settings(&server, NatsUser::Projection))
        .await
        .unwrap();
    assert_eq!(connection.state(), ConnectionState::Disconnected);
    assert!(matches!(
        connection.require_server_version(),
        Err(ServerVersionError::NotConnected)
    ));
    let mut changes = connection.state_changes();
    let mut messages = connection.subscribe("consent.query.v1.>").await.unwrap();

    for _ in 0..2 {
        server.restart().await.unwrap();
        let wait = changes.wait_for(|state| *state == ConnectionState::Connected);
        drop(tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap());
        assert_eq!(connection.state(), ConnectionState::Connected);

        // The subscription made before is there again.
        let publisher = connect(&server, NatsUser::SyncWorker).await;
        until("a message arrives", async || {
            publisher
                .publish(
                    "consent.query.v1.a.company",
                    &[("Assent-Sequence", "7")],
                    "x",
                )
                .await
                .unwrap();
            let next = tokio::time::timeout(Duration::from_millis(50), messages.next()).await;
            next.is_ok_and(|message| message.unwrap().header("Assent-Sequence") == Some("7"))
        })
        .await;

        server.kill();
        let wait = changes.wait_for(|state| *state == ConnectionState::Disconnected);
        drop(tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap());
        // At once: a request that were queued would be sent after its caller has gone.
        let error = connection
            .request("consent.query.v1.x", Vec::new(), None, PATIENCE)
            .await
            .unwrap_err();
        assert!(matches!(error, RequestError::NotConnected), "{error:?}");
    }
}

#[tokio::test]
async fn a_denied_operation_is_named() {
    let server = server().await;
    let hook = connect(&server, NatsUser::LoginHook).await;
    let mut violations = hook.permission_violations();

    let asked = hook
        .request(
            "consent.events.v1.a.company",
            Vec::new(),
            None,
            Duration::from_secs(1),
        )
        .await;
    let error = asked.unwrap_err();
    assert!(
        matches!(&error, RequestError::NotPermitted { complaint, .. } if complaint.contains("consent.events")),
        "{error:?}"
    );

    let listening = hook.subscribe("consent.events.v1.>").await.unwrap();
    let heard = violations.wait_for(|text| {
        text.as_ref()
            .is_some_and(|text| text.contains("Subscription"))
    });
    drop(
        tokio::time::timeout(PATIENCE, heard)
            .await
            .unwrap()
            .unwrap(),
    );
    drop(listening);
}

#[tokio::test]
async fn draining_sends_what_is_queued_and_closes() {
    let server = server().await;
    let listener = connect(&server, NatsUser::Projection).await;
    let mut messages = listener.subscribe("consent.query.v1.>").await.unwrap();
    let publisher = connect(&server, NatsUser::SyncWorker).await;
    until("the subscription is there", async || {
        publisher
            .publish("consent.query.v1.probe", &[], "")
            .await
            .unwrap();
        tokio::time::timeout(Duration::from_millis(50), messages.next())
            .await
            .is_ok()
    })
    .await;

    for number in 0..500 {
        publisher
            .publish("consent.query.v1.n", &[], number.to_string())
            .await
            .unwrap();
    }
    publisher.drain(PATIENCE).await.unwrap();
    assert_eq!(publisher.state(), ConnectionState::Disconnected);
    assert!(
        publisher
            .publish("consent.query.v1.n", &[], "late")
            .await
            .is_err()
    );
    publisher.drain(PATIENCE).await.unwrap();

    let received = async {
        loop {
            let message = messages.next().await.unwrap();
            if message.payload == "499" {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, received).await.unwrap();
}
