use assent_dev_stack::{NatsServer, NatsUser};

use crate::nats_client::{NatsClient, log};

#[tokio::test]
async fn two_servers_run_side_by_side() {
    let (one, other) = tokio::join!(NatsServer::start(), NatsServer::start());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.url(), other.url());

    let log_of_one = NatsClient::connect(&one, NatsUser::Gateway)
        .await
        .jetstream();
    log_of_one.create_stream(log()).await.unwrap();

    let log_of_other = NatsClient::connect(&other, NatsUser::Gateway)
        .await
        .jetstream();
    assert!(log_of_other.get_stream("CONSENT_EVENTS").await.is_err());
}

#[tokio::test]
async fn acknowledged_messages_survive_a_kill() {
    let mut server = NatsServer::start().await.unwrap();
    let url = server.url();
    let gateway = NatsClient::connect(&server, NatsUser::Gateway)
        .await
        .jetstream();
    gateway.create_stream(log()).await.unwrap();
    for _ in 0..20 {
        gateway
            .publish("consent.events.v1.a.company", "{}".into())
            .await
            .unwrap()
            .await
            .unwrap();
    }

    server.kill();
    assert_eq!(server.process_id(), None);
    server.restart().await.unwrap();

    assert_eq!(server.url(), url);
    let gateway = NatsClient::connect(&server, NatsUser::Gateway)
        .await
        .jetstream();
    let mut stream = gateway.get_stream("CONSENT_EVENTS").await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 20);
}

#[tokio::test]
async fn a_stopped_server_starts_again_and_a_dropped_one_leaves_nothing() {
    let mut server = NatsServer::start().await.unwrap();
    server.stop().await;
    assert!(
        server.log_text().contains("Server Exiting"),
        "{}",
        server.log_text()
    );
    server.restart().await.unwrap();

    let store = server.store_directory();
    assert!(store.exists());
    drop(server);

    assert!(!store.exists());
}

#[tokio::test]
async fn a_plain_server_asks_nobody_who_they_are() {
    let server = NatsServer::start_plain().await.unwrap();

    let client = async_nats::connect(server.url()).await.unwrap();

    assert!(
        async_nats::jetstream::new(client)
            .create_stream(log())
            .await
            .is_ok()
    );
}
