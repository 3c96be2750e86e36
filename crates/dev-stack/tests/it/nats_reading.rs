//! Who reads can: the projection and the operator the streams, the operator how full they are, monitoring the servers.

use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser};
use futures::StreamExt;
use serde_json::json;

use crate::dangerous::{STREAMS, owner};
use crate::fixture::{Fixture, ask};
use crate::nats_client::{NatsClient, PATIENCE};
use crate::nats_permissions::{messages, server_with_streams};

/// By requests alone, each of which gets one answer: an account without JetStream says so itself unless
/// what it is asked goes by another name.
#[tokio::test]
async fn those_who_read_the_streams_can() {
    let server = server_with_streams().await;

    for user in [NatsUser::Projection, NatsUser::Operator] {
        let client = NatsClient::connect(&server, user).await.client;
        for stream in ["CONSENT_EVENTS", "CONSENT_CHANGES"] {
            for (call, question, says) in [
                ("STREAM.INFO", "", "stream_info_response"),
                ("STREAM.MSG.GET", r#"{"seq":1}"#, "stream_msg_get_response"),
            ] {
                let inbox = client.new_inbox();
                let mut answers = client.subscribe(inbox.clone()).await.unwrap();
                let subject = format!("$JS.API.{call}.{stream}");
                client
                    .publish_with_reply(subject, inbox, question.into())
                    .await
                    .unwrap();
                let mut next =
                    async |patience| tokio::time::timeout(patience, answers.next()).await;

                let answer = next(PATIENCE).await.unwrap().unwrap();
                let answer = String::from_utf8_lossy(&answer.payload).into_owned();
                assert!(
                    answer.contains(says) && !answer.contains("\"error\""),
                    "{answer}"
                );
                let second = next(Duration::from_millis(50)).await;
                assert!(second.is_err(), "{user:?} {call}: {second:?}");
            }
        }
        let batch = r#"{"seq":1,"batch":10}"#;
        let inbox = client.new_inbox();
        let answers = client.subscribe(inbox.clone()).await.unwrap();
        client
            .publish_with_reply("$JS.API.DIRECT.GET.CONSENT_EVENTS", inbox, batch.into())
            .await
            .unwrap();
        let statuses = answers.map(|message| message.status.map(|status| status.as_u16()));
        let statuses: Vec<_> = tokio::time::timeout(PATIENCE, statuses.take(2).collect())
            .await
            .unwrap();
        assert_eq!(statuses, [None, Some(204)], "{user:?}");
    }
}

#[tokio::test]
async fn the_operator_sees_how_full_the_buckets_are_and_not_what_is_in_them() {
    let server = NatsServer::start().await.unwrap();
    let _house = Fixture::build(&server).await;
    let operator = NatsClient::connect(&server, NatsUser::Operator).await;

    for stream in STREAMS {
        let info = ask(
            &operator.client,
            &format!("$JS.API.STREAM.INFO.{stream}"),
            &json!({}),
        )
        .await;
        assert_ne!(info["state"]["messages"], 0, "{info}");
    }
    let account = ask(&operator.client, "$JS.API.INFO", &json!({})).await;
    let of_the_gateway = STREAMS.iter().filter(|it| owner(it) == NatsUser::Gateway);
    assert_eq!(account["streams"], of_the_gateway.count(), "{account}");

    for bucket in STREAMS.iter().filter(|stream| stream.starts_with("KV_")) {
        for call in ["STREAM.MSG.GET", "DIRECT.GET"] {
            operator
                .assert_refused_to_publish(&format!("$JS.API.{call}.{bucket}"))
                .await;
        }
    }
    for call in [
        "STREAM.NAMES",
        "STREAM.LIST",
        "CONSUMER.NAMES.CONSENT_EVENTS",
        "CONSUMER.LIST.CONSENT_EVENTS",
    ] {
        operator
            .assert_refused_to_publish(&format!("$JS.API.{call}"))
            .await;
    }
}

#[tokio::test]
async fn monitoring_asks_how_the_servers_are_and_can_do_nothing_to_them() {
    let server = server_with_streams().await;
    let system = NatsClient::connect(&server, NatsUser::System).await;

    for kind in ["", ".HEALTHZ", ".IDZ", ".JSZ", ".STATSZ", ".VARZ"] {
        let answer = ask(
            &system.client,
            &format!("$SYS.REQ.SERVER.PING{kind}"),
            &json!({}),
        )
        .await;
        assert!(answer.is_object(), "{kind}: {answer}");
    }
    let mut reports = system.client.subscribe("$SYS.SERVER.>").await.unwrap();
    let report = tokio::time::timeout(Duration::from_secs(30), reports.next()).await;
    assert!(report.unwrap().unwrap().subject.ends_with(".STATSZ"));

    for forbidden in [
        "$JS.API.ACCOUNT.PURGE.ASSENT",
        "$JS.API.SERVER.REMOVE",
        "$SYS.REQ.SERVER.PING.CONNZ",
        "$SYS.REQ.SERVER.ID.RELOAD",
        "$SYS.REQ.SERVER.ID.KICK",
        "$SYS.REQ.SERVER.ID.LDM",
        "$SYS.REQ.CLAIMS.UPDATE",
    ] {
        system.assert_refused_to_publish(forbidden).await;
    }
    system.assert_refused_to_subscribe("$SYS.>").await;
    assert_eq!(messages(&server, "CONSENT_EVENTS").await, 1);
}
