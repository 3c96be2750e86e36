//! What each service may do on NATS is what deploy/nats says, and the server holds it to that.

use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser};
use futures::StreamExt;

use crate::dangerous::{STREAMS, owner};
use crate::nats_client::{NatsClient, changes, log};

const EVENT: &str = "consent.events.v1.acme.company";
const CHANGE: &str = "consent.announce.v1.acme.company";

/// A server with both streams, one event and one change.
pub(crate) async fn server_with_streams() -> NatsServer {
    let server = NatsServer::start().await.unwrap();
    let gateway = NatsClient::connect(&server, NatsUser::Gateway)
        .await
        .jetstream();
    gateway.create_stream(log()).await.unwrap();
    gateway.create_stream(changes()).await.unwrap();
    gateway
        .publish(EVENT, "{}".into())
        .await
        .unwrap()
        .await
        .unwrap();
    let projection = NatsClient::connect(&server, NatsUser::Projection)
        .await
        .jetstream();
    projection
        .publish(CHANGE, "{}".into())
        .await
        .unwrap()
        .await
        .unwrap();
    server
}

pub(crate) async fn messages(server: &NatsServer, stream: &str) -> u64 {
    let operator = NatsClient::connect(server, NatsUser::Operator)
        .await
        .jetstream();
    operator
        .get_stream(stream)
        .await
        .unwrap()
        .info()
        .await
        .unwrap()
        .state
        .messages
}

#[tokio::test]
async fn only_the_gateway_writes_to_the_log_and_only_the_projection_announces_changes() {
    let server = server_with_streams().await;

    for (writer, subject, stream) in [
        (NatsUser::Gateway, EVENT, "CONSENT_EVENTS"),
        (NatsUser::Projection, CHANGE, "CONSENT_CHANGES"),
    ] {
        for user in NatsUser::ALL.into_iter().filter(|user| *user != writer) {
            let client = NatsClient::connect(&server, user).await;
            client.assert_refused_to_publish(subject).await;
        }
        assert_eq!(messages(&server, stream).await, 1);
    }
}

#[tokio::test]
async fn nobody_rewrites_history() {
    let server = server_with_streams().await;

    for user in NatsUser::ALL {
        let client = NatsClient::connect(&server, user).await;
        for call in [
            "DELETE",
            "PURGE",
            "UPDATE",
            "MSG.DELETE",
            "RESTORE",
            "SNAPSHOT",
        ] {
            client
                .assert_refused_to_publish(&format!("$JS.API.STREAM.{call}.CONSENT_EVENTS"))
                .await;
        }
    }

    assert_eq!(messages(&server, "CONSENT_EVENTS").await, 1);
}

#[tokio::test]
async fn whoever_makes_a_bucket_sets_its_size_and_nobody_changes_anything_else() {
    let server = server_with_streams().await;

    for user in NatsUser::ALL {
        let client = NatsClient::connect(&server, user).await;
        for stream in STREAMS {
            if user != owner(stream) || !stream.starts_with("KV_") {
                client
                    .assert_refused_to_publish(&format!("$JS.API.STREAM.UPDATE.{stream}"))
                    .await;
            }
        }
    }
    let gateway = NatsClient::connect(&server, NatsUser::Gateway)
        .await
        .jetstream();
    let mut config = async_nats::jetstream::stream::Config {
        name: "KV_CONSENT_FLOWS".to_owned(),
        subjects: vec!["$KV.CONSENT_FLOWS.>".to_owned()],
        max_bytes: 1 << 20,
        ..async_nats::jetstream::stream::Config::default()
    };
    gateway.create_stream(&config).await.unwrap();
    config.max_bytes = 2 << 20;
    let updated = gateway.update_stream(&config).await.unwrap();
    assert_eq!(updated.config.max_bytes, 2 << 20);
}

#[tokio::test]
async fn the_log_is_hidden_from_those_who_only_ask_and_hear_of_changes() {
    let server = server_with_streams().await;

    for user in [NatsUser::SyncWorker, NatsUser::LoginHook] {
        let client = NatsClient::connect(&server, user).await;
        client
            .assert_refused_to_subscribe("consent.events.v1.>")
            .await;
        client
            .assert_refused_to_publish("$JS.API.STREAM.INFO.CONSENT_EVENTS")
            .await;
        client
            .assert_refused_to_publish("$JS.API.STREAM.MSG.GET.CONSENT_EVENTS")
            .await;
        client
            .assert_refused_to_publish("$JS.API.DIRECT.GET.CONSENT_EVENTS.1")
            .await;
        client
            .assert_refused_to_publish("$JS.API.CONSUMER.CREATE.CONSENT_EVENTS.mine")
            .await;
    }
}

#[tokio::test]
async fn replies_to_others_cannot_be_overheard() {
    let server = server_with_streams().await;
    let sync_worker = NatsClient::connect(&server, NatsUser::SyncWorker).await;

    sync_worker
        .assert_refused_to_subscribe("_INBOX_gateway.>")
        .await;
    sync_worker.assert_refused_to_subscribe("_INBOX.>").await;
    sync_worker.assert_refused_to_subscribe(">").await;
}

#[tokio::test]
async fn an_outsider_is_not_let_in() {
    let server = NatsServer::start().await.unwrap();

    let nobody = async_nats::connect(server.url()).await;
    let wrong = async_nats::ConnectOptions::with_user_and_password(
        "gateway".to_owned(),
        "guessed".to_owned(),
    )
    .connect(server.url())
    .await;

    for refused in [nobody, wrong] {
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("authorization violation")
        );
    }
}

#[tokio::test]
async fn services_answer_those_who_may_ask() {
    let server = NatsServer::start().await.unwrap();

    for (service, subject, askers) in [
        (
            NatsUser::Gateway,
            "consent.command.v1.begin-user-consent",
            vec![NatsUser::LoginHook],
        ),
        (
            NatsUser::Projection,
            "consent.query.v1.ask",
            vec![
                NatsUser::Gateway,
                NatsUser::LoginHook,
                NatsUser::SyncWorker,
                NatsUser::Operator,
            ],
        ),
        (
            NatsUser::Projection,
            "consent.projection.v1.digest.instance",
            vec![NatsUser::Operator],
        ),
        (
            NatsUser::Projection,
            "consent.command.v1.rebuild-view.instance",
            vec![NatsUser::Operator],
        ),
    ] {
        let service = NatsClient::connect(&server, service).await.client;
        let mut requests = service
            .queue_subscribe(subject, "q".to_owned())
            .await
            .unwrap();
        service.flush().await.unwrap();
        let answering = tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                service
                    .publish(request.reply.unwrap(), "answer".into())
                    .await
                    .unwrap();
            }
        });
        for asker in askers {
            let client = NatsClient::connect(&server, asker).await.client;
            let answer = client.request(subject, "question".into()).await.unwrap();
            assert_eq!(answer.payload, "answer", "{asker:?}");
        }
        answering.abort();
    }
}

#[tokio::test]
async fn each_projection_by_itself_is_asked_by_operators_only_and_whether_it_runs_by_who_restores()
{
    let server = NatsServer::start().await.unwrap();

    for user in NatsUser::ALL {
        let client = NatsClient::connect(&server, user).await;
        for subject in [
            "consent.projection.v1.status",
            "consent.projection.v1.digest.instance",
            "consent.projection.v1.rows.instance",
            "consent.command.v1.rebuild-view.instance",
        ] {
            let restores = user == NatsUser::Gateway && subject.ends_with(".status");
            if user != NatsUser::Operator && !restores {
                client.assert_refused_to_publish(subject).await;
            }
            // The gateway may listen to commands, but this one does not come into its account.
            let hears_its_own =
                user == NatsUser::Gateway && subject.starts_with("consent.command.");
            if user != NatsUser::Projection && !hears_its_own {
                client.assert_refused_to_subscribe(subject).await;
            }
        }
    }
}

#[tokio::test]
async fn commands_come_from_the_login_hook_only() {
    let server = NatsServer::start().await.unwrap();

    for user in [
        NatsUser::Projection,
        NatsUser::TokenBroker,
        NatsUser::SyncWorker,
        NatsUser::Operator,
    ] {
        let client = NatsClient::connect(&server, user).await;
        for command in [
            "record-automatic-grant",
            "begin-user-consent",
            "begin-connection",
        ] {
            client
                .assert_refused_to_publish(&format!("consent.command.v1.{command}"))
                .await;
        }
        client
            .assert_refused_to_subscribe("consent.command.v1.>")
            .await;
    }
}

#[tokio::test]
async fn what_the_gateway_keeps_in_buckets_is_the_gateways_alone() {
    let server = NatsServer::start().await.unwrap();
    let gateway = NatsClient::connect(&server, NatsUser::Gateway)
        .await
        .jetstream();
    for bucket in [
        "CONSENT_FLOWS",
        "CONSENT_SESSIONS",
        "CONSENT_HAND_OFFS",
        "CONSENT_OBSERVATIONS",
    ] {
        let config = async_nats::jetstream::kv::Config {
            bucket: bucket.to_owned(),
            history: 1,
            max_age: Duration::from_mins(10),
            ..async_nats::jetstream::kv::Config::default()
        };

        let kept = gateway.create_key_value(config).await.unwrap();
        let revision = kept.create("key", "pending".into()).await.unwrap();
        kept.update("key", "completed".into(), revision)
            .await
            .unwrap();
        assert_eq!(kept.get("key").await.unwrap().unwrap(), "completed");

        for user in [
            NatsUser::Projection,
            NatsUser::LoginHook,
            NatsUser::SyncWorker,
            NatsUser::Operator,
        ] {
            let client = NatsClient::connect(&server, user).await;
            client
                .assert_refused_to_publish(&format!("$KV.{bucket}.key"))
                .await;
            client
                .assert_refused_to_publish(&format!(
                    "$JS.API.DIRECT.GET.KV_{bucket}.$KV.{bucket}.key"
                ))
                .await;
            client
                .assert_refused_to_subscribe(&format!("$KV.{bucket}.>"))
                .await;
        }
    }
}

/// The gateway may put one token at a time, and that is all that anybody else may do with them.
#[tokio::test]
async fn sealed_tokens_are_the_token_brokers_alone() {
    let server = NatsServer::start().await.unwrap();
    let broker = NatsClient::connect(&server, NatsUser::TokenBroker)
        .await
        .jetstream();
    for bucket in ["CONSENT_TOKENS", "CONSENT_TOKEN_RECEIPTS"] {
        let config = async_nats::jetstream::stream::Config {
            name: format!("KV_{bucket}"),
            subjects: vec![format!("$KV.{bucket}.>")],
            ..async_nats::jetstream::stream::Config::default()
        };
        broker.create_stream(config).await.unwrap();
        let key = format!("$KV.{bucket}.acme.ana");
        for user in NatsUser::ALL {
            if user == NatsUser::TokenBroker {
                continue;
            }
            let client = NatsClient::connect(&server, user).await;
            let puts = user == NatsUser::Gateway && bucket == "CONSENT_TOKENS";
            if !puts {
                client.assert_refused_to_publish(&key).await;
            }
            client
                .assert_refused_to_publish(&format!("$KV.{bucket}.acme"))
                .await;
            client
                .assert_refused_to_publish(&format!("$KV.{bucket}.acme.ana.more"))
                .await;
            for call in [
                "STREAM.MSG.GET",
                "DIRECT.GET",
                "STREAM.PURGE",
                "STREAM.DELETE",
                "STREAM.UPDATE",
                "STREAM.CREATE",
                "STREAM.MSG.DELETE",
                "STREAM.SNAPSHOT",
                "STREAM.RESTORE",
                "CONSUMER.CREATE",
                "CONSUMER.NAMES",
            ] {
                client
                    .assert_refused_to_publish(&format!("$JS.API.{call}.KV_{bucket}"))
                    .await;
            }
            client
                .assert_refused_to_publish(&format!("$JS.API.DIRECT.GET.KV_{bucket}.{key}"))
                .await;
            if user != NatsUser::Operator {
                client
                    .assert_refused_to_publish(&format!("$JS.API.STREAM.INFO.KV_{bucket}"))
                    .await;
            }
            for heard in [format!("$KV.{bucket}.>"), key.clone()] {
                client.assert_refused_to_subscribe(&heard).await;
            }
        }
        // Nor may the broker itself undo all at once, or have them delivered somewhere.
        let own = NatsClient::connect(&server, NatsUser::TokenBroker).await;
        for call in [
            "STREAM.PURGE",
            "STREAM.DELETE",
            "STREAM.SNAPSHOT",
            "CONSUMER.CREATE",
        ] {
            own.assert_refused_to_publish(&format!("$JS.API.{call}.KV_{bucket}"))
                .await;
        }
    }
    let gateway = NatsClient::connect(&server, NatsUser::Gateway).await.client;
    let put = gateway
        .request("$KV.CONSENT_TOKENS.acme.ana", "sealed".into())
        .await
        .unwrap();
    assert!(
        put.payload
            .starts_with(b"{\"stream\":\"KV_CONSENT_TOKENS\"")
    );
    let read = broker.get_stream("KV_CONSENT_TOKENS").await.unwrap();
    let read = read.get_last_raw_message_by_subject("$KV.CONSENT_TOKENS.acme.ana");
    assert_eq!(read.await.unwrap().payload, "sealed");
}

#[tokio::test]
async fn tokens_are_asked_for_by_sync_workers_and_left_by_logins() {
    let server = NatsServer::start().await.unwrap();
    for user in NatsUser::ALL {
        let client = NatsClient::connect(&server, user).await;
        for (subject, askers) in [
            ("consent.token.v1.get", &[NatsUser::SyncWorker][..]),
            ("consent.custody.v1.deposit", &[NatsUser::LoginHook]),
            (
                "consent.custody.v1.status",
                &[NatsUser::Gateway, NatsUser::LoginHook, NatsUser::Operator],
            ),
            (
                "consent.command.v1.record-withdrawal",
                &[NatsUser::TokenBroker],
            ),
        ] {
            if !askers.contains(&user) {
                client.assert_refused_to_publish(subject).await;
            }
            let answers = match subject.strip_prefix("consent.command.") {
                Some(_) => NatsUser::Gateway,
                None => NatsUser::TokenBroker,
            };
            if user != answers {
                client.assert_refused_to_subscribe(subject).await;
            }
        }
    }
}
