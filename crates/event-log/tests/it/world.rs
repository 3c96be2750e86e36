//! What every test here needs: connections, logs and events.

use std::time::Duration;

use assent_contract::names::{EVENT_STREAM, EVENT_SUBJECTS};
use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::event::{
    Aggregate, Authority, Event, RevocationReason, UserScopeGranted, UserScopeRevoked,
};
use assent_domain::ids::{
    AccountId, Cloud, Epoch, MicrosoftIdentity, ObjectId, Sequence, Tenant, TenantId, UserId,
};
use assent_domain::permissions::{Kinds, PermissionSet};
use assent_event_log::{Draft, EventLog, Follow, LogEntry, StreamSettings};
use assent_messaging::{Connection, ConnectionSettings};
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::{Client, HeaderMap, Message, Subscriber};
use futures::StreamExt as _;
use futures::future::ready;
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const ONE: StreamSettings = StreamSettings { replicas: 1 };

pub(crate) async fn connect(url: &str) -> Connection {
    Connection::connect(ConnectionSettings::new(url, "test"))
        .await
        .unwrap()
}

pub(crate) async fn connect_as(server: &NatsServer, user: NatsUser) -> Connection {
    let (name, password) = server.credentials(user);
    let settings = ConnectionSettings::new(server.url(), "test").with_user(name, password);
    Connection::connect(settings).await.unwrap()
}

/// A server without users, and the log in it.
pub(crate) async fn server_with_log() -> (NatsServer, EventLog) {
    let server = NatsServer::start_plain().await.unwrap();
    let connection = connect(&server.url()).await;
    let log = EventLog::create_or_check(&connection, ONE).await.unwrap();
    (server, log)
}

/// A server with users, of which the gateway may not ask for batches; and the log as the gateway sees it.
pub(crate) async fn server_without_batches() -> (NatsServer, EventLog) {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/nats/nats-server.conf"
    );
    let configuration = std::fs::read_to_string(file).unwrap();
    let permission = "            \"$JS.API.DIRECT.GET.CONSENT_EVENTS\"\n";
    assert!(configuration.contains(permission));
    let without = configuration.replacen(permission, "", 1);
    let server = NatsServer::start_configured(&without).await.unwrap();
    let connection = connect_as(&server, NatsUser::Gateway).await;
    let log = EventLog::create_or_check(&connection, ONE).await.unwrap();
    (server, log)
}

/// The client library itself, by which a test does what the log never would.
pub(crate) async fn raw(server: &NatsServer) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

/// Stores something on Ana's subject that no program of ours wrote, and answers where.
pub(crate) async fn scribble(
    server: &NatsServer,
    headers: &[(&str, &str)],
    body: &str,
) -> Sequence {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.insert(*name, *value);
    }
    let context = raw(server).await;
    let sent = context
        .publish_with_headers(
            "consent.events.v1.acme.user.ana",
            all,
            body.to_owned().into(),
        )
        .await
        .unwrap();
    Sequence(sent.await.unwrap().sequence)
}

/// Hears what the server is asked from now on.
pub(crate) async fn listen(server: &NatsServer) -> (Client, Subscriber) {
    let listener = async_nats::connect(server.url()).await.unwrap();
    let mut questions = listener.subscribe("$JS.API.>").await.unwrap();
    assert!(heard(&listener, &mut questions).await.is_empty());
    (listener, questions)
}

/// What the server was asked up to now.
pub(crate) async fn heard(listener: &Client, questions: &mut Subscriber) -> Vec<Message> {
    const END: &str = "$JS.API.END";
    listener.publish(END, "".into()).await.unwrap();
    let asked = questions.take_while(|asked| ready(asked.subject.as_str() != END));
    timeout(PATIENCE, asked.collect()).await.unwrap()
}

/// The log's stream as it should be, to be changed.
pub(crate) fn stream() -> Config {
    Config {
        name: EVENT_STREAM.to_owned(),
        subjects: EVENT_SUBJECTS.map(str::to_owned).to_vec(),
        storage: StorageType::File,
        duplicate_window: Duration::from_mins(10),
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        allow_atomic_publish: true,
        ..Config::default()
    }
}

pub(crate) fn account() -> AccountId {
    AccountId::parse("acme").unwrap()
}

pub(crate) fn user(name: &str) -> Aggregate {
    Aggregate::User(account(), UserId::parse(name).unwrap())
}

/// An event of a user.
pub(crate) fn draft(name: &str) -> Draft {
    Draft {
        id: Uuid::now_v7(),
        time: "2026-11-23T10:00:00.5Z".parse().unwrap(),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        event: Event::UserScopeRevoked(UserScopeRevoked {
            account: account(),
            user: UserId::parse(name).unwrap(),
            epoch: Epoch(0),
            permissions: Kinds {
                calendar: true,
                ..Kinds::NONE
            },
            reason: RevocationReason::UserRevoked,
            revoked_by: None,
        }),
    }
}

/// An event that gives a user something.
pub(crate) fn grant(name: &str) -> Draft {
    let event = Event::UserScopeGranted(UserScopeGranted {
        account: account(),
        user: UserId::parse(name).unwrap(),
        epoch: Epoch(0),
        permissions: PermissionSet {
            calendar: true,
            ..PermissionSet::NOTHING
        },
        authority: Authority::User,
        identity: MicrosoftIdentity {
            tenant: Tenant {
                cloud: Cloud::Worldwide,
                id: TenantId(Uuid::from_u128(1)),
            },
            object_id: ObjectId(Uuid::from_u128(2)),
        },
        scopes: Vec::new(),
    });
    Draft {
        event,
        ..draft(name)
    }
}

/// Appends this many events of a user after those that are there.
pub(crate) async fn append(log: &EventLog, name: &str, count: usize) {
    let mut tail = log.read(&user(name)).await.unwrap().tail;
    for _ in 0..count {
        tail = log.append(tail, vec![draft(name)]).await.unwrap().tail;
    }
}

/// The next entries, which have to come.
pub(crate) async fn take(follow: &mut Follow, count: usize) -> Vec<LogEntry> {
    let mut taken = Vec::new();
    let all = async {
        while taken.len() < count {
            let missing = count - taken.len();
            taken.extend(follow.next_batch(missing, PATIENCE).await.unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    taken
}

pub(crate) fn sequences(entries: &[LogEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.sequence().0).collect()
}
