//! Whoever may read the log could have JetStream send a copy of an event back into it: the
//! server does not check the subject that an answer goes to.

use std::time::Duration;

use assent_contract::names::{EVENT_STREAM, event_subject};
use assent_dev_stack::NatsServer;
use assent_event_log::EventLog;
use async_nats::jetstream::{self, message::PublishMessage};
use bytes::Bytes;

use crate::world::{ONE, PATIENCE, append, connect, draft, user};

/// The events themselves say which sequence they were appended after, and so does a copy.
#[tokio::test]
async fn a_copy_of_an_older_event_is_not_taken() {
    let server = NatsServer::start_plain().await.unwrap();
    let log = EventLog::create_or_check(&connect(&server.url()).await, ONE)
        .await
        .unwrap();
    append(&log, "ana", 1).await;
    let tail = log.read(&user("ana")).await.unwrap().tail;
    log.append(tail, vec![draft("ana"), draft("ana")])
        .await
        .unwrap();
    append(&log, "ana", 1).await;

    // Message ids must not be what stops a copy: they are remembered for minutes only.
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = jetstream::new(client.clone());
    let stream = jetstream.get_stream(EVENT_STREAM).await.unwrap();
    let mut config = stream.cached_info().config.clone();
    config.duplicate_window = Duration::from_millis(100);
    jetstream.update_stream(config).await.unwrap();
    let probe = event_subject(&user("probe"));
    let forgotten = async {
        loop {
            let message = PublishMessage::build()
                .message_id("probe")
                .payload("x".into());
            let ack = jetstream
                .send_publish(probe.clone(), message)
                .await
                .unwrap()
                .await
                .unwrap();
            if 5 < ack.sequence && !ack.duplicate {
                return ack.sequence;
            }
        }
    };
    let probed = tokio::time::timeout(PATIENCE, forgotten).await.unwrap();

    let copy = async |sequence: u64, to: &str| {
        let asked = Bytes::from(format!("{{\"seq\":{sequence}}}"));
        let subject = format!("$JS.API.DIRECT.GET.{EVENT_STREAM}");
        client
            .publish_with_reply(subject, to.to_owned(), asked)
            .await
            .unwrap();
    };
    for sequence in 1..=4 {
        copy(sequence, &event_subject(&user("ana"))).await;
    }
    // A message without a guard does get in this way, which shows that the others were refused.
    let control = event_subject(&user("control"));
    let ack = jetstream
        .publish(control.clone(), "x".into())
        .await
        .unwrap()
        .await
        .unwrap();
    assert_eq!(ack.sequence, probed + 1);
    copy(ack.sequence, &control).await;
    let arrived = async {
        while log.status().await.unwrap().last_sequence.0 == ack.sequence {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap();
    assert_eq!(log.read(&user("ana")).await.unwrap().events().len(), 4);
    assert_eq!(
        log.status().await.unwrap().last_sequence.0,
        ack.sequence + 1
    );
}
