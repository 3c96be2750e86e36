//! A service from its first request to its last: it is there for whoever asks once it listens, and ends when it is told to, also
//! where its server goes away at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assent_dev_stack::NatsUser;
use assent_messaging::{Connection, Endpoint, Listening, ServiceDefinition, listen};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, connect, server};

/// What the host's services may ask from their account.
const ECHO: &str = "consent.query.v1.permissions";
const SERVICE: ServiceDefinition = ServiceDefinition {
    name: "consent-projection",
    version: "1.2.3",
    description: "answers questions in tests",
};

async fn listening(connection: &Connection, shutdown: &CancellationToken) -> Listening {
    let echo = Endpoint::new("echo", ECHO, async |_| Ok(Vec::new()));
    let nothing = Arc::new(BTreeMap::new);
    let shutdown = shutdown.clone();
    let listening = listen(connection, SERVICE, vec![echo], 8, shutdown, nothing);
    listening.await.unwrap()
}

#[tokio::test]
async fn whoever_listens_is_there_for_whoever_asks_then() {
    let server = server().await;
    let client = connect(&server, NatsUser::SyncWorker).await;
    for _ in 0..20 {
        let connection = connect(&server, NatsUser::Projection).await;
        let shutdown = CancellationToken::new();
        let listening = listening(&connection, &shutdown).await;
        let asked = client.request(ECHO, Vec::new(), None, PATIENCE);
        assert_eq!(asked.await.unwrap(), b"");
        shutdown.cancel();
        listening.run().await.unwrap();
    }
}

/// A machine that is shut down tells both to stop: what is waited for does not come any more.
#[tokio::test]
async fn a_service_that_stops_while_its_server_goes_away_ends_at_once() {
    let mut server = server().await;
    let connection = connect(&server, NatsUser::Projection).await;
    let shutdown = CancellationToken::new();
    let listening = listening(&connection, &shutdown).await;
    let serving = tokio::spawn(listening.run());
    // It seems to be connected still, and asks for the last requests.
    server.freeze();
    shutdown.cancel();
    tokio::task::yield_now().await;
    server.kill();
    let begun = Instant::now();
    serving.await.unwrap().unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}
