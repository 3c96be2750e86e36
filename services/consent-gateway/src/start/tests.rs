use assent_contract::names;
use assent_contract::query::{Account, AccountFacts, AccountQuery};
use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::account::AccountState;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, StreamSettings};
use assent_messaging::{Connection, ConnectionSettings, Endpoint, ServiceDefinition, serve};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{DEADLINE, Decision, open_or_create};
use crate::view;

const STREAMS: [&str; 6] = [
    "CONSENT_EVENTS",
    "CONSENT_CHANGES",
    "KV_CONSENT_FLOWS",
    "KV_CONSENT_SESSIONS",
    "KV_CONSENT_HAND_OFFS",
    "KV_CONSENT_OBSERVATIONS",
];

async fn connect(server: &NatsServer, user: NatsUser) -> Connection {
    let (name, password) = server.credentials(user);
    let settings = ConnectionSettings::new(server.url(), "test").with_user(name, password);
    Connection::connect(settings).await.unwrap()
}

async fn there(connection: &Connection) -> Vec<&'static str> {
    let mut there = Vec::new();
    for stream in STREAMS {
        let state = connection.stream_state(stream, DEADLINE).await.unwrap();
        there.extend(state.map(|_| stream));
    }
    there
}

/// A projection that has applied the log up to here.
async fn projection_at(server: &NatsServer, sequence: u64) -> AbortOnDropHandle<()> {
    let connection = connect(server, NatsUser::Projection).await;
    let answer = move |request: assent_messaging::Request| async move {
        let query: AccountQuery = serde_json::from_slice(&request.payload).unwrap();
        let said = Account {
            account_id: query.account_id,
            facts: AccountFacts::from(&AccountState::default()),
            blocked: false,
            sequence,
        };
        Ok(serde_json::to_vec(&said).unwrap())
    };
    let endpoints = vec![Endpoint::new("account", names::QUERY_ACCOUNT, answer)];
    let definition = ServiceDefinition {
        name: names::PROJECTION_SERVICE,
        version: "1.0.0",
        description: "stands in",
    };
    let serving = async move {
        let forever = CancellationToken::new();
        serve(&connection, definition, endpoints, 1, forever)
            .await
            .unwrap();
    };
    let serving = AbortOnDropHandle::new(tokio::spawn(serving));
    let gateway = connect(server, NatsUser::Gateway).await;
    let answers = async {
        while view::position(&gateway).await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(30);
    tokio::time::timeout(patience, answers).await.unwrap();
    serving
}

#[tokio::test]
async fn an_empty_server_gets_its_first_log_and_everything_starts_again() {
    let server = NatsServer::start().await.unwrap();
    let connection = connect(&server, NatsUser::Gateway).await;
    // A projection that has nothing is no trace of anything.
    let _projection = projection_at(&server, 0).await;
    for _ in 0..2 {
        let kept = open_or_create(&connection, 1, Decision::default()).await;
        assert!(kept.is_ok());
        assert_eq!(there(&connection).await, STREAMS);
    }
}

#[tokio::test]
async fn a_first_start_that_was_interrupted_is_gone_on_with() {
    let server = NatsServer::start().await.unwrap();
    let connection = connect(&server, NatsUser::Gateway).await;
    EventLog::create_or_check(&connection, StreamSettings { replicas: 1 })
        .await
        .unwrap();
    let kept = open_or_create(&connection, 1, Decision::default()).await;
    assert!(kept.is_ok());
    assert_eq!(there(&connection).await, STREAMS);
}

#[tokio::test]
async fn what_a_projection_knows_of_is_not_begun_anew_unless_an_operator_says_so() {
    let server = NatsServer::start().await.unwrap();
    let connection = connect(&server, NatsUser::Gateway).await;
    let _projection = projection_at(&server, 7).await;

    let refused = open_or_create(&connection, 1, Decision::default()).await;
    let told = refused.err().unwrap().to_string();
    assert!(
        told.contains("a projection holds the log up to event 7"),
        "{told}"
    );
    assert!(there(&connection).await.is_empty());

    let accepts = Decision {
        accept_end: Some(Sequence(7)),
        begin_anew: false,
    };
    assert!(open_or_create(&connection, 1, accepts).await.is_err());
    assert!(there(&connection).await.is_empty());

    let anew = Decision {
        accept_end: None,
        begin_anew: true,
    };
    assert!(open_or_create(&connection, 1, anew).await.is_ok());
    assert_eq!(there(&connection).await, STREAMS);
    assert!(open_or_create(&connection, 1, anew).await.is_err(), "twice");
}
