use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser};
use assent_messaging::{
    Connection, ConnectionSettings, Endpoint, RequestError, ServeError, ServiceDefinition,
    ServiceError, serve,
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, connect, raw, server, until};

/// How long others are waited for after one has answered.
const QUIET: Duration = Duration::from_millis(500);

const SERVICE: ServiceDefinition = ServiceDefinition {
    name: "consent-projection",
    version: "1.2.3",
    description: "answers questions in tests",
};

struct Replica {
    handled: Arc<AtomicUsize>,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Replica {
    async fn start(server: &NatsServer) -> Self {
        let connection = connect(server, NatsUser::Projection).await;
        let handled = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&handled);
        let echo = Endpoint::new("echo", "consent.query.v1.echo", move |request| {
            let counted = Arc::clone(&counted);
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                if request.payload == "refuse" {
                    return Err(ServiceError {
                        status: 409,
                        code: "conflict".to_owned(),
                        body: Vec::new(),
                    });
                }
                Ok(request.payload.into())
            }
        });
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { serve(&connection, SERVICE, vec![echo], 8, shutdown).await }
        });
        Self {
            handled,
            shutdown,
            serving,
        }
    }

    async fn stop(self) -> usize {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.serving)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        self.handled.load(Ordering::SeqCst)
    }
}

async fn replicas_known(client: &async_nats::Client, how_many: usize) {
    until("the replicas can be discovered", async || {
        let inbox = client.new_inbox();
        let mut pongs = client.subscribe(inbox.clone()).await.unwrap();
        client
            .publish_with_reply("$SRV.PING", inbox, "".into())
            .await
            .unwrap();
        let mut seen = 0;
        while let Ok(Some(_)) = tokio::time::timeout(Duration::from_millis(200), pongs.next()).await
        {
            seen += 1;
        }
        seen == how_many
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_load_and_stopping_one_loses_no_request() {
    let server = server().await;
    let (first, second) = (Replica::start(&server).await, Replica::start(&server).await);
    replicas_known(&raw(&server, NatsUser::Operator).await, 2).await;

    let client = connect(&server, NatsUser::SyncWorker).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let asking = tokio::spawn({
        let asked = Arc::clone(&asked);
        async move {
            futures::stream::iter(0..4000u32)
                .for_each_concurrent(32, |number| {
                    let (client, asked) = (client.clone(), Arc::clone(&asked));
                    async move {
                        let number = number.to_string().into_bytes();
                        let answer = client
                            .request("consent.query.v1.echo", number.clone(), None, PATIENCE)
                            .await;
                        assert_eq!(answer.unwrap(), number);
                        asked.fetch_add(1, Ordering::SeqCst);
                    }
                })
                .await;
        }
    });
    until("half of it is asked", async || {
        asked.load(Ordering::SeqCst) > 2000
    })
    .await;
    let by_first = first.stop().await;
    asking.await.unwrap();
    let by_second = second.stop().await;
    assert_eq!(by_first + by_second, 4000, "each request is handled once");
    assert!(
        by_first > 200 && by_second > 200,
        "{by_first} and {by_second}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_replica_answers_what_is_asked_of_all() {
    let server = server().await;
    let shutdown = CancellationToken::new();
    let asker = connect(&server, NatsUser::Operator).await;
    let subject = "consent.projection.v1.status";
    let nobody = asker
        .request_all(subject, Vec::new(), PATIENCE, QUIET)
        .await;
    assert!(
        matches!(nobody, Err(RequestError::NoResponders { .. })),
        "{nobody:?}"
    );

    for number in 0..3_u8 {
        let connection = connect(&server, NatsUser::Projection).await;
        let endpoint = Endpoint::new("status", subject, move |request| async move {
            if request.payload == "refuse" && number == 1 {
                return Err(ServiceError {
                    status: 503,
                    code: "view_not_ready".to_owned(),
                    body: Vec::new(),
                });
            }
            Ok(vec![number])
        });
        let shutdown = shutdown.clone();
        let endpoints = vec![endpoint.for_every_replica()];
        tokio::spawn(async move { serve(&connection, SERVICE, endpoints, 8, shutdown).await });
    }
    until("all answer", async || {
        let answers = asker
            .request_all(subject, Vec::new(), PATIENCE, QUIET)
            .await;
        answers.is_ok_and(|answers| answers.len() == 3)
    })
    .await;

    let answers = asker
        .request_all(subject, "refuse".into(), PATIENCE, QUIET)
        .await;
    let mut told = Vec::new();
    let mut refused = 0;
    for answer in answers.unwrap() {
        match answer {
            Ok(answer) => told.extend(answer),
            Err(RequestError::Service { status: 503, .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    told.sort_unstable();
    assert_eq!((told, refused), (vec![0, 2], 1));
    shutdown.cancel();
}

#[tokio::test]
async fn nats_tools_can_discover_it() {
    let server = server().await;
    let operator = connect(&server, NatsUser::Operator).await;
    let replica = Replica::start(&server).await;
    replicas_known(&raw(&server, NatsUser::Operator).await, 1).await;
    assert_eq!(
        operator
            .request("consent.query.v1.echo", b"x".to_vec(), None, PATIENCE)
            .await
            .unwrap(),
        b"x"
    );
    let refused = operator
        .request("consent.query.v1.echo", b"refuse".to_vec(), None, PATIENCE)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, RequestError::Service { status: 409, .. }),
        "{refused:?}"
    );

    // Read with the types of NATS's own service library, for each form of the subject.
    let pong = operator
        .request("$SRV.PING", Vec::new(), None, PATIENCE)
        .await
        .unwrap();
    let pong: async_nats::service::PingResponse = serde_json::from_slice(&pong).unwrap();
    assert_eq!(
        (pong.kind.as_str(), pong.name.as_str()),
        ("io.nats.micro.v1.ping_response", SERVICE.name)
    );
    let info = operator
        .request("$SRV.INFO.consent-projection", Vec::new(), None, PATIENCE)
        .await
        .unwrap();
    let info: async_nats::service::Info = serde_json::from_slice(&info).unwrap();
    assert_eq!(
        (info.version.as_str(), info.description.as_str()),
        (SERVICE.version, SERVICE.description)
    );
    assert_eq!(
        (
            info.endpoints[0].subject.as_str(),
            info.endpoints[0].queue_group.as_str()
        ),
        ("consent.query.v1.echo", "q")
    );
    let stats = format!("$SRV.STATS.consent-projection.{}", pong.id);
    let stats = operator
        .request(&stats, Vec::new(), None, PATIENCE)
        .await
        .unwrap();
    let stats: serde_json::Value = serde_json::from_slice(&stats).unwrap();
    assert_eq!(stats["type"], "io.nats.micro.v1.stats_response");
    let endpoint = &stats["endpoints"][0];
    assert_eq!(
        (
            endpoint["num_requests"].as_u64(),
            endpoint["num_errors"].as_u64()
        ),
        (Some(2), Some(1))
    );
    assert_eq!(endpoint["last_error"], "409:conflict");
    assert!(
        endpoint["processing_time"].as_u64().unwrap()
            >= endpoint["average_processing_time"].as_u64().unwrap()
    );
    replica.stop().await;
}

#[tokio::test]
async fn no_more_are_handled_at_once_than_allowed() {
    let server = server().await;
    let connection = connect(&server, NatsUser::Projection).await;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Semaphore::new(0));
    // Two endpoints and fewer places than endpoints times callers: an idle one keeps no place.
    let endpoints = ["left", "right"].map(|name| {
        let (running, most, gate) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&gate));
        Endpoint::new(name, format!("consent.query.v1.{name}"), move |_| {
            let (running, most, gate) =
                (Arc::clone(&running), Arc::clone(&most), Arc::clone(&gate));
            async move {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(Vec::new())
            }
        })
    });
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { serve(&connection, SERVICE, endpoints.into(), 1, shutdown).await }
    });
    replicas_known(&raw(&server, NatsUser::Operator).await, 1).await;

    let asker = connect(&server, NatsUser::SyncWorker).await;
    let asking: Vec<_> = (0..20)
        .map(|number| {
            let asker = asker.clone();
            let subject = if number % 2 == 0 {
                "consent.query.v1.left"
            } else {
                "consent.query.v1.right"
            };
            tokio::spawn(async move {
                asker
                    .request(subject, Vec::new(), None, PATIENCE)
                    .await
                    .unwrap()
            })
        })
        .collect();
    until("one is running", async || {
        running.load(Ordering::SeqCst) == 1
    })
    .await;
    gate.add_permits(20);
    for asked in asking {
        asked.await.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 1);
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}

/// A service where nobody is kept from anything, so it is the service itself that does not answer.
struct Unguarded {
    asker: Connection,
    client: async_nats::Client,
    handled: Arc<AtomicUsize>,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
    _server: NatsServer,
}

impl Unguarded {
    async fn start() -> Self {
        let server = NatsServer::start_plain().await.unwrap();
        let connect = async || {
            let settings = ConnectionSettings::new(server.url(), "messaging-test");
            Connection::connect(settings).await.unwrap()
        };
        let (connection, asker) = (connect().await, connect().await);
        let handled = Arc::new(AtomicUsize::new(0));
        let endpoint = Endpoint::new("echo", "consent.query.v1.echo", {
            let handled = Arc::clone(&handled);
            move |request| {
                handled.fetch_add(1, Ordering::SeqCst);
                async move { Ok(request.payload.into()) }
            }
        });
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { serve(&connection, SERVICE, vec![endpoint], 8, shutdown).await }
        });
        let client = async_nats::connect(server.url()).await.unwrap();
        replicas_known(&client, 1).await;
        Self {
            asker,
            client,
            handled,
            shutdown,
            serving,
            _server: server,
        }
    }

    /// How many requests it handled.
    async fn stop(self) -> usize {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
        self.handled.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn answers_go_into_inboxes_and_nowhere_else() {
    let service = Unguarded::start().await;
    let client = &service.client;
    let mut heard = client.subscribe(">").await.unwrap();

    let requests = [
        "consent.query.v1.echo",
        "$SRV.PING",
        "$SRV.INFO",
        "$SRV.STATS",
        "$SRV.PING.consent-projection",
        "$SRV.INFO.consent-projection",
        "$SRV.STATS.consent-projection",
    ];
    let replies = [
        "consent.events.v1.acme.company",
        "consent.operations.v1.x",
        "consent.announce.v1.acme.company",
        "consent.changes.v1.acme.company",
        "consent.command.v1.record-automatic-grant",
        "$KV.CONSENT_SESSIONS.session.evil",
        "$JS.API.STREAM.DELETE.CONSENT_EVENTS",
        "$JS.FC.CONSENT_EVENTS.consumer.1",
        "$SYS.REQ.SERVER.PING",
        "somebody.listens.here",
        "_INBOXES.a",
    ];
    for request in requests {
        for reply in replies {
            let reply = reply.to_owned();
            let sent = client.publish_with_reply(request, reply, "steered".into());
            sent.await.unwrap();
        }
    }
    // The service takes one after another, so whatever it would have answered came before this. Over the same connection
    // as all of it: between two the server keeps no order.
    for request in requests {
        let answer = client.request(request, "last".into());
        let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap();
        assert!(!answer.unwrap().payload.is_empty(), "{request}");
    }
    client.publish("the.end", "".into()).await.unwrap();
    let mut requested = 0;
    loop {
        let message = tokio::time::timeout(PATIENCE, heard.next()).await;
        let subject = message.unwrap().unwrap().subject.into_string();
        if subject == "the.end" {
            break;
        }
        assert!(
            !replies.contains(&subject.as_str()),
            "an answer went to {subject}"
        );
        requested += usize::from(requests.contains(&subject.as_str()));
    }
    assert_eq!(requested, requests.len() * (replies.len() + 1));
    assert_eq!(service.stop().await, 1);
}

/// Nobody may name the subject of an acknowledgement, but what JetStream delivers carries one.
#[tokio::test]
async fn what_jetstream_delivers_is_no_request() {
    let service = Unguarded::start().await;
    let asker = &service.asker;
    let stream = json!({ "name": "X", "subjects": ["x"], "storage": "memory", "retention": "limits",
        "discard": "old", "max_consumers": -1, "num_replicas": 1 });
    let ask = async |subject: String, question: Value| {
        let answer = asker.request(&subject, question.to_string().into(), None, PATIENCE);
        serde_json::from_slice::<Value>(&answer.await.unwrap()).unwrap()
    };
    ask("$JS.API.STREAM.CREATE.X".to_owned(), stream).await;
    ask("x".to_owned(), json!("delivered")).await;
    for (name, deliver, group) in [
        ("discovery", "$SRV.PING", Value::Null),
        ("endpoint", "consent.query.v1.echo", json!("q")),
    ] {
        let config = json!({ "name": name, "deliver_subject": deliver, "deliver_group": group,
            "deliver_policy": "all", "ack_policy": "explicit" });
        let create = json!({ "stream_name": "X", "config": config });
        ask(format!("$JS.API.CONSUMER.CREATE.X.{name}"), create).await;
        until("it is delivered", async || {
            let info = ask(format!("$JS.API.CONSUMER.INFO.X.{name}"), json!({})).await;
            info["delivered"]["stream_seq"] == 1
        })
        .await;
        assert!(
            !asker
                .request(deliver, b"last".to_vec(), None, PATIENCE)
                .await
                .unwrap()
                .is_empty()
        );
        let info = ask(format!("$JS.API.CONSUMER.INFO.X.{name}"), json!({})).await;
        assert_eq!(info["num_ack_pending"], 1, "an answer acknowledged it");
    }
    assert_eq!(service.stop().await, 1);
}
