//! Whatever a user asks for, and wherever they want the answer: nothing of ours changes.

use assent_dev_stack::{NatsServer, NatsUser};
use async_nats::HeaderMap;
use futures::StreamExt;
use serde_json::json;

use crate::configuration::{Account, TEXT, User, accounts, covers};
use crate::dangerous::{STREAMS, owner, subjects};
use crate::fixture::{Fixture, ask};
use crate::nats_client::{NatsClient, PATIENCE};
use crate::requests::{Request, refused, requests};
use crate::spies::{Spies, configuration_with_spies};

/// By which the server tells, on a subject of the sender's choice, how a message travelled.
const TRACE: &str = "Nats-Trace-Dest";

/// The user with this name, as this library knows them.
fn known(name: &str) -> NatsUser {
    let known = NatsUser::ALL.into_iter().find(|user| user.name() == name);
    known.unwrap_or_else(|| panic!("{name} is a new user: add it to NatsUser"))
}

async fn send(client: &NatsClient, request: &Request, headers: HeaderMap, reply: Option<&str>) {
    let (subject, body) = (request.subject.clone(), request.body.clone().into());
    let sent = match reply {
        Some(reply) => {
            let reply = reply.to_owned();
            client
                .client
                .publish_with_reply_and_headers(subject, reply, headers, body)
                .await
        }
        None => {
            client
                .client
                .publish_with_headers(subject, headers, body)
                .await
        }
    };
    sent.unwrap();
}

/// Each request with each dangerous subject as its reply, and as the subject of its trace. The server
/// traces to where the sender may publish, which needs no steering.
async fn steer(client: &NatsClient, user: &User, requests: &[Request]) {
    let mut traced: Vec<_> = requests.iter().collect();
    traced.dedup_by_key(|request| &request.subject);
    for reply in subjects() {
        for request in requests {
            send(client, request, request.headers.clone(), Some(&reply)).await;
        }
        if user.publish.iter().any(|pattern| covers(pattern, &reply)) {
            continue;
        }
        for request in &traced {
            let mut headers = request.headers.clone();
            headers.insert(TRACE, reply.as_str());
            send(client, request, headers, None).await;
        }
    }
    client.client.flush().await.unwrap();
}

/// Whether it is JetStream that hears this, which knows from which account it came.
fn is_of_jetstream(listening: &str, subject: &str) -> bool {
    listening == "SYS" && (subject.starts_with("$JS.API.") || subject.starts_with("$JS.ACK."))
}

/// What a user may send arrives in another account; that is what it is for. By its own name there.
fn may_send(account: &Account, subject: &str) -> bool {
    let users = account.users.iter().flat_map(|user| &user.publish);
    let own = users.flat_map(|pattern| {
        let imported = account
            .imports
            .iter()
            .filter(|import| covers(pattern, &import.local));
        imported.map(|import| &import.subject).chain([pattern])
    });
    own.into_iter().any(|pattern| covers(pattern, subject))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_can_be_steered_into_another_account() {
    let accounts = accounts();
    let server = NatsServer::start_configured(&configuration_with_spies(&accounts))
        .await
        .unwrap();
    let fixture = Fixture::build(&server).await;
    let worker = NatsClient::connect(&server, NatsUser::SyncWorker).await;
    let mut told = worker
        .client
        .subscribe("consent.changes.v1.>")
        .await
        .unwrap();
    worker.client.flush().await.unwrap();
    let spies = Spies::send_out(&server, &accounts).await;
    let before = fixture.state().await;

    // Those with streams of their own can do to them what they like, and come last.
    let (with_streams, others): (Vec<_>, Vec<_>) =
        accounts.iter().partition(|account| account.has_jetstream);
    for account in others.into_iter().chain(with_streams) {
        for user in &account.users {
            // Who writes the log need not steer an answer into it.
            if user.name == "gateway" {
                continue;
            }
            let requests = requests(account, user);
            assert!(!requests.is_empty(), "{}", user.name);
            let client = NatsClient::connect(&server, known(&user.name)).await;
            spies.report().await;
            steer(&client, user, &requests).await;

            let heard = spies.report().await;
            assert!(!heard.is_empty(), "{}: nothing was asked at all", user.name);
            let dangerous = subjects();
            for (listening, subjects) in &heard {
                let steered: Vec<_> = subjects
                    .iter()
                    .filter(|subject| dangerous.contains(subject) && !may_send(account, subject))
                    // Where an account has streams, JetStream listens to what is asked of them.
                    .filter(|it| !(account.has_jetstream && is_of_jetstream(listening, it)))
                    .collect();
                assert!(
                    *listening == account.name || steered.is_empty(),
                    "an answer to {} arrived in {listening}: {steered:?}",
                    user.name
                );
            }
            // Whoever writes a stream need not steer an answer into it.
            let mut now = fixture.state().await;
            for stream in STREAMS
                .into_iter()
                .filter(|it| owner(it).name() == user.name)
            {
                now.insert(stream, before[stream].clone());
            }
            assert_eq!(now, before, "after {}", user.name);
        }
    }

    // Every service answers as before, and what is announced is told.
    for (user, subject) in [
        (NatsUser::LoginHook, "consent.query.v1.permissions"),
        (NatsUser::SyncWorker, "consent.query.v1.permissions"),
        (NatsUser::Operator, "consent.query.v1.permissions"),
        (NatsUser::TokenBroker, "consent.query.v1.permissions"),
        (NatsUser::SyncWorker, "consent.token.v1.get"),
        (NatsUser::LoginHook, "consent.custody.v1.deposit"),
        (NatsUser::LoginHook, "consent.custody.v1.status"),
        (NatsUser::Gateway, "consent.custody.v1.status"),
        (NatsUser::Operator, "consent.custody.v1.status"),
        (NatsUser::Operator, "consent.projection.v1.status"),
        (
            NatsUser::Operator,
            "consent.command.v1.rebuild-view.instance",
        ),
        (
            NatsUser::LoginHook,
            "consent.command.v1.record-automatic-grant",
        ),
    ] {
        let client = NatsClient::connect(&server, user).await.client;
        let answer = client.request(subject, "question".into()).await.unwrap();
        assert_eq!(answer.payload, "answer to question");
    }
    fixture
        .tell(&server, "consent.announce.v1.acme.user.ben")
        .await;
    let heard = async {
        while let Some(message) = told.next().await {
            if message.subject.as_str() == "consent.changes.v1.acme.user.ben" {
                return message;
            }
        }
        panic!("nothing more is told");
    };
    let heard = tokio::time::timeout(PATIENCE, heard).await.unwrap();
    let headers = heard.headers.unwrap();
    assert_eq!(
        headers.get("Nats-Stream").unwrap().as_str(),
        "CONSENT_CHANGES"
    );
}

/// The gateway writes one subject of the token broker's, and asks it: nothing else comes of that there, wherever it wants the
/// answers.
#[tokio::test]
async fn the_gateway_steers_nothing_into_the_account_of_the_tokens() {
    let accounts = accounts();
    let server = NatsServer::start().await.unwrap();
    let fixture = Fixture::build(&server).await;
    let gateway = NatsClient::connect(&server, NatsUser::Gateway).await;
    let own = accounts.iter().find(|it| it.name == "ASSENT").unwrap();
    let tokens = async || {
        let mut all = fixture.state().await;
        all.retain(|stream, _| owner(stream) == NatsUser::TokenBroker);
        all
    };
    let before = tokens().await;

    let mut requests = refused("$KV.CONSENT_TOKENS.acme.ana");
    requests.push(Request {
        subject: "consent.custody.v1.status".to_owned(),
        headers: HeaderMap::new(),
        body: "question".to_owned(),
    });
    for reply in subjects() {
        if !may_send(own, &reply) {
            for request in &requests {
                send(&gateway, request, request.headers.clone(), Some(&reply)).await;
            }
        }
    }
    // It is answered after all of them.
    let answer = gateway
        .client
        .request("consent.custody.v1.status", "last".into())
        .await
        .unwrap();

    assert_eq!(answer.payload, "answer to last");
    assert_eq!(tokens().await, before);
}

/// Those who hold the password of the sync workers can have an answer sent to one another's ears. What
/// tells it from a change is the header that the server gives to what the stream tells.
#[tokio::test]
async fn an_answer_steered_among_sync_workers_is_not_taken_for_a_change() {
    let server = NatsServer::start().await.unwrap();
    let fixture = Fixture::build(&server).await;
    let worker = NatsClient::connect(&server, NatsUser::SyncWorker)
        .await
        .client;
    let mut told = worker
        .subscribe("consent.changes.v1.acme.user.ana")
        .await
        .unwrap();
    worker.flush().await.unwrap();

    let reply = "consent.changes.v1.acme.user.ana".to_owned();
    worker
        .publish_with_reply("consent.query.v1.permissions", reply, "steered".into())
        .await
        .unwrap();
    let mut next = async || {
        tokio::time::timeout(PATIENCE, told.next())
            .await
            .unwrap()
            .unwrap()
    };
    let answer = next().await;
    fixture
        .tell(&server, "consent.announce.v1.acme.user.ana")
        .await;
    let change = next().await;

    let stream = |message: &async_nats::Message| {
        let header = message.headers.as_ref()?.get("Nats-Stream")?;
        Some(header.as_str().to_owned())
    };
    assert_eq!(answer.payload, "answer to steered");
    assert_eq!(stream(&answer), None);
    assert_eq!(stream(&change).as_deref(), Some("CONSENT_CHANGES"));
}

#[tokio::test]
async fn nobody_can_create_a_consumer_and_have_it_deliver_somewhere() {
    let server = NatsServer::start().await.unwrap();
    let fixture = Fixture::build(&server).await;
    let before = fixture.state().await;

    for user in NatsUser::ALL {
        let flood = NatsClient::connect(&server, user).await;
        let client = NatsClient::connect(&server, user).await;
        for stream in STREAMS {
            for deliver in subjects() {
                let config = json!({
                    "deliver_subject": deliver, "deliver_policy": "all", "ack_policy": "none",
                    "flow_control": true, "idle_heartbeat": 100_000_000, "mem_storage": true,
                });
                let question = json!({ "stream_name": stream, "config": config }).to_string();
                let subject = format!("$JS.API.CONSUMER.CREATE.{stream}");
                flood
                    .client
                    .publish(subject, question.into())
                    .await
                    .unwrap();
            }
            for form in [
                format!("$JS.API.CONSUMER.CREATE.{stream}"),
                format!("$JS.API.CONSUMER.CREATE.{stream}.name"),
                format!("$JS.API.CONSUMER.CREATE.{stream}.name.>"),
                format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.name"),
                format!("JS.ASSENT.API.CONSUMER.CREATE.{stream}"),
                format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.name"),
            ] {
                client.assert_refused_to_publish(&form).await;
            }
        }
        flood.client.flush().await.unwrap();
    }

    assert_eq!(fixture.state().await, before);
}

/// What the tests above would see if somebody who asks shared the account of the log.
#[tokio::test]
async fn within_the_account_of_the_log_an_answer_deletes_it() {
    let occasional = r#"users: [
      { user: "occasional", password: $ASSENT_NATS_PASSWORD_OPERATOR, permissions: {
        publish: { allow: [ "$JS.API.DIRECT.GET.CONSENT_CHANGES", "$JS.API.STREAM.INFO.CONSENT_CHANGES",
          "$JS.API.CONSUMER.CREATE.CONSENT_EVENTS" ] }
        subscribe: { allow: [ "_INBOX_occasional.>" ] } } }
"#;
    let (before, rest) = TEXT.split_once("\n  ASSENT {").unwrap();
    let rest = rest.replacen("users: [", occasional, 1);
    let server = NatsServer::start_configured(&format!("{before}\n  ASSENT {{{rest}"))
        .await
        .unwrap();
    let fixture = Fixture::build(&server).await;
    let worker = NatsClient::connect(&server, NatsUser::SyncWorker)
        .await
        .client;
    let mut told = worker
        .subscribe("consent.changes.v1.acme.user.ana")
        .await
        .unwrap();
    worker.flush().await.unwrap();
    let (_, password) = server.credentials(NatsUser::Operator);
    let inside =
        async_nats::ConnectOptions::with_user_and_password("occasional".to_owned(), password)
            .custom_inbox_prefix("_INBOX_occasional")
            .connect(server.url())
            .await
            .unwrap();

    // A consumer tells the sync workers an event as if it were a change.
    let config = json!({
        "deliver_subject": "consent.changes.v1.acme.user.ana", "deliver_policy": "all",
        "ack_policy": "none", "mem_storage": true,
    });
    let question = json!({ "stream_name": "CONSENT_EVENTS", "config": config });
    let created = ask(&inside, "$JS.API.CONSUMER.CREATE.CONSENT_EVENTS", &question).await;
    assert!(created.get("error").is_none(), "{created}");
    let delivered = tokio::time::timeout(PATIENCE, told.next())
        .await
        .unwrap()
        .unwrap();
    assert!(
        delivered
            .reply
            .unwrap()
            .starts_with("$JS.ACK.CONSENT_EVENTS.")
    );

    let before = fixture.state().await;
    for (request, body, reply) in [
        (
            "$JS.API.STREAM.INFO.CONSENT_CHANGES",
            "",
            "consent.announce.v1.steered.company",
        ),
        (
            "$JS.API.DIRECT.GET.CONSENT_CHANGES",
            r#"{"seq":99999}"#,
            "$JS.API.STREAM.DELETE.CONSENT_EVENTS",
        ),
    ] {
        let reply = reply.to_owned();
        inside
            .publish_with_reply(request, reply, body.into())
            .await
            .unwrap();
    }
    let changed = async {
        loop {
            let now = fixture.state().await;
            let stored = now["CONSENT_CHANGES"] != before["CONSENT_CHANGES"];
            if stored && now["CONSENT_EVENTS"]["info"].get("error").is_some() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.unwrap();
}
