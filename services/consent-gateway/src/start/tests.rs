use assent_consent_core::clock::Clock;
use assent_consent_core::view;
use assent_contract::names;
use assent_contract::query::{AccountAnswer, AccountFacts, AccountQuery};
use assent_contract::store::Store;
use assent_dev_stack::{NatsServer, NatsUser, ReservedPort};
use assent_domain::account::AccountState;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, StreamSettings};
use assent_messaging::{Connection, ConnectionSettings, Endpoint, ServiceDefinition, serve};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{DEADLINE, Decision, open_or_create};
use crate::config::StoreMegabytes;
use crate::stores::Stores;

fn stores(connection: &Connection) -> Stores {
    Stores::new(connection, 1, None)
}

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
        let said = AccountAnswer {
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
        let kept = open_or_create(
            &connection,
            &stores(&connection),
            Decision::default(),
            &Clock::default(),
        )
        .await;
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
    let kept = open_or_create(
        &connection,
        &stores(&connection),
        Decision::default(),
        &Clock::default(),
    )
    .await;
    assert!(kept.is_ok());
    assert_eq!(there(&connection).await, STREAMS);
}

#[tokio::test]
async fn a_bucket_is_known_to_be_another_than_before_though_nothing_was_ever_recorded() {
    let is_recreated = async |server: &NatsServer, decision| {
        let connection = connect(server, NatsUser::Gateway).await;
        let kept = open_or_create(
            &connection,
            &stores(&connection),
            decision,
            &Clock::default(),
        )
        .await;
        let bucket = kept.ok().unwrap().sessions.bucket();
        bucket.origin().await.unwrap().is_recreated
    };
    let anew = Decision {
        begin_anew: true,
        ..Decision::default()
    };
    let first = NatsServer::start().await.unwrap();
    assert!(!is_recreated(&first, Decision::default()).await);
    let decided = NatsServer::start().await.unwrap();
    assert!(is_recreated(&decided, anew).await);

    let used = NatsServer::start().await.unwrap();
    let connection = connect(&used, NatsUser::Gateway).await;
    EventLog::create_or_check(&connection, StreamSettings { replicas: 1 })
        .await
        .unwrap();
    let links = stores(&connection).bucket(Store::HandOffs, false).await;
    let ended = links.unwrap().create("cutoff.acme.ana", Vec::new()).await;
    ended.unwrap();
    assert!(is_recreated(&used, Decision::default()).await);
}

#[tokio::test]
async fn what_a_projection_knows_of_is_not_begun_anew_unless_an_operator_says_so() {
    let server = NatsServer::start().await.unwrap();
    let connection = connect(&server, NatsUser::Gateway).await;
    let _projection = projection_at(&server, 7).await;

    let refused = open_or_create(
        &connection,
        &stores(&connection),
        Decision::default(),
        &Clock::default(),
    )
    .await;
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
    assert!(
        open_or_create(
            &connection,
            &stores(&connection),
            accepts,
            &Clock::default()
        )
        .await
        .is_err()
    );
    assert!(there(&connection).await.is_empty());

    let anew = Decision {
        accept_end: None,
        begin_anew: true,
    };
    assert!(
        open_or_create(&connection, &stores(&connection), anew, &Clock::default())
            .await
            .is_ok()
    );
    assert_eq!(there(&connection).await, STREAMS);
    assert!(
        open_or_create(&connection, &stores(&connection), anew, &Clock::default())
            .await
            .is_err(),
        "twice"
    );
}

#[tokio::test]
async fn without_the_mark_a_projection_knows_that_the_log_was_longer() {
    let server = NatsServer::start().await.unwrap();
    let connection = connect(&server, NatsUser::Gateway).await;
    EventLog::create_or_check(&connection, StreamSettings { replicas: 1 })
        .await
        .unwrap();
    let _projection = projection_at(&server, 7).await;

    let refused = open_or_create(
        &connection,
        &stores(&connection),
        Decision::default(),
        &Clock::default(),
    )
    .await;
    let told = refused.err().unwrap().to_string();
    assert!(told.contains("event 7 was recorded in it"), "{told}");
    assert_eq!(there(&connection).await, ["CONSENT_EVENTS"]);

    let accepts = Decision {
        accept_end: Some(Sequence(0)),
        begin_anew: false,
    };
    let kept = open_or_create(
        &connection,
        &stores(&connection),
        accepts,
        &Clock::default(),
    )
    .await;
    assert!(kept.is_ok());
    // From here on there is a mark.
    let again = open_or_create(
        &connection,
        &stores(&connection),
        Decision::default(),
        &Clock::default(),
    )
    .await;
    assert!(again.is_ok());
}

fn sized(connection: &Connection, megabytes: u64) -> Stores {
    let megabytes = StoreMegabytes::try_from(megabytes).unwrap();
    Stores::new(connection, 1, Some(megabytes))
}

async fn sizes(connection: &Connection) -> Vec<u64> {
    let mut sizes = Vec::new();
    for bucket in Store::BUCKETS {
        let state = connection.stream_state(&bucket.stream(), DEADLINE).await;
        let most = state.unwrap().unwrap().max_bytes.unwrap();
        sizes.push(most / (1024 * 1024));
    }
    sizes
}

#[tokio::test]
async fn a_server_with_too_little_room_is_told_how_much_is_needed() {
    let small = [(
        "max_file_store: 64GB".to_owned(),
        "max_file_store: 150MB".to_owned(),
    )];
    let port = ReservedPort::pick().unwrap();
    let server = NatsServer::start_changed_on(port, &small).await.unwrap();
    let connection = connect(&server, NatsUser::Gateway).await;

    let usual = open_or_create(
        &connection,
        &stores(&connection),
        Decision::default(),
        &Clock::default(),
    )
    .await;
    let told = usual.err().unwrap().to_string();
    for part in [
        "no room for bucket CONSENT_HAND_OFFS",
        "reserve 256 MiB together (CONSENT_FLOWS 64 MiB, CONSENT_SESSIONS 64 MiB, CONSENT_HAND_OFFS 32 MiB, \
         CONSENT_OBSERVATIONS 96 MiB)",
        "less than 32 MiB are left",
        "have reserved 128 MiB",
        "max_file_store",
        "ASSENT_STORE_MEGABYTES",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // What was made has to give back what the others need.
    let less = open_or_create(
        &connection,
        &sized(&connection, 64),
        Decision::default(),
        &Clock::default(),
    )
    .await;
    assert!(less.is_ok(), "{:?}", less.err());
    assert_eq!(sizes(&connection).await, [16, 16, 8, 24]);
}

#[tokio::test]
async fn buckets_become_larger_and_smaller_but_never_smaller_than_what_they_hold() {
    let server = NatsServer::start().await.unwrap();
    let connection = connect(&server, NatsUser::Gateway).await;
    let open = async |stores: &Stores| {
        open_or_create(&connection, stores, Decision::default(), &Clock::default()).await
    };
    let kept = open(&sized(&connection, 8)).await.unwrap();
    assert_eq!(sizes(&connection).await, [2, 2, 1, 3]);
    let flows = kept.flows.bucket();
    assert!(open(&sized(&connection, 64)).await.is_ok());
    assert_eq!(sizes(&connection).await, [16, 16, 8, 24]);
    // Nobody says what size: each keeps its own.
    assert!(open(&stores(&connection)).await.is_ok());
    assert_eq!(sizes(&connection).await, [16, 16, 8, 24]);

    for number in 0..20 {
        let value = vec![b'x'; 200_000];
        flows
            .create(&format!("fill.{number}"), value)
            .await
            .unwrap();
    }
    let refused = open(&sized(&connection, 8))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        refused.contains(
            "leaves bucket CONSENT_FLOWS 2 MiB, but it holds 4 MiB: set it to 17 or more"
        ),
        "{refused}"
    );
    assert_eq!(sizes(&connection).await, [16, 16, 8, 24]);
    assert!(open(&sized(&connection, 17)).await.is_ok());
    assert_eq!(sizes(&connection).await, [4, 4, 2, 6]);
}
