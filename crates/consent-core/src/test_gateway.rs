//! A gateway on a real NATS server, for tests that need no Microsoft: whoever asks it reaches nobody.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser};
use assent_event_log::{EventLog, StreamSettings};
use assent_messaging::{Bucket, BucketSettings, Connection, ConnectionSettings};
use assent_microsoft_identity::{Credentials, Entra, ScopeMap, Settings};
use assent_service_kit::Health;
use jiff::SignedDuration;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::command_executor::CommandExecutor;
use crate::custody::Custody;
use crate::cutoff::Cutoffs;
use crate::flow::FlowStore;
use crate::gateway::{Addresses, AdminProof, Gateway};
use crate::hand_off::HandOffStore;
use crate::limits::Limits;
use crate::log_guard::LogGuard;
use crate::observations::Observations;
use crate::session::SessionStore;

/// A server, and a gateway on it.
pub(crate) async fn start() -> (NatsServer, Gateway) {
    let server = NatsServer::start().await.unwrap();
    let gateway = connect_to(&server).await;
    (server, gateway)
}

/// Another gateway on the same server.
pub(crate) async fn connect_to(server: &NatsServer) -> Gateway {
    let (name, password) = server.credentials(NatsUser::Gateway);
    connected(ConnectionSettings::new(server.url(), "test").with_user(name, password))
        .await
        .unwrap()
}

/// A gateway that keeps everything on the NATS server that is reached by these settings.
async fn connected(settings: ConnectionSettings) -> Result<Gateway, Box<dyn Error>> {
    let connection = Connection::connect(settings).await?;
    let log = EventLog::create_or_check(&connection, StreamSettings { replicas: 1 }).await?;
    let bucket = async |name: &str| {
        let settings = BucketSettings {
            name: name.to_owned(),
            max_age: Duration::from_hours(1),
            replicas: 1,
            max_bytes: 1024 * 1024,
            anew: false,
            allow_rollup: true,
        };
        Bucket::open_or_create(&connection, settings).await
    };
    let observations = bucket("CONSENT_OBSERVATIONS").await?;
    let guard = LogGuard::new(&connection, observations.clone(), None);
    let nowhere: url::Url = "http://127.0.0.1:1/".parse()?;
    let entra = Entra::new(Settings {
        authority: nowhere.clone(),
        national_authorities: Vec::new(),
        graph_url: nowhere.clone(),
        autodiscover_url: nowhere.clone(),
        client_id: "test".to_owned(),
        credentials: Credentials::None,
        timeout: Duration::from_secs(1),
    });
    let list = |text: &str| text.split(' ').map(str::to_owned).collect();
    let clock = Clock::default();
    let hand_offs = bucket("CONSENT_HAND_OFFS").await?;
    let cutoffs = Cutoffs::new(hand_offs.clone(), clock.clone());
    Ok(Gateway {
        custody: Custody::new(
            &connection,
            None,
            "test",
            Health::new().dependency("custody"),
        ),
        connection: connection.clone(),
        executor: CommandExecutor::new(log, guard, observations.clone(), clock.clone()),
        limits: Limits::default(),
        flows: FlowStore::new(
            bucket("CONSENT_FLOWS").await?,
            cutoffs.clone(),
            clock.clone(),
        ),
        sessions: SessionStore::new(bucket("CONSENT_SESSIONS").await?, cutoffs.clone()),
        hand_offs: HandOffStore::new(hand_offs, cutoffs.clone(), clock.clone()),
        cutoffs,
        hand_off_lifetime: SignedDuration::from_hours(1),
        observations: Observations::new(observations, clock.clone()),
        probes: Arc::new(Semaphore::new(1)),
        entra: entra?,
        graph_url: nowhere.clone(),
        scopes: ScopeMap {
            calendar: list("Calendars.ReadWrite"),
            contacts: list("Contacts.Read"),
            email_limited: list("Mail.Send"),
            email_full: list("Mail.ReadWrite Mail.Send"),
        },
        admin_proof: AdminProof::Either,
        addresses: Addresses::new(&nowhere),
        return_origins: Vec::new(),
        session_lifetime: SignedDuration::from_mins(30),
        clock,
    })
}
