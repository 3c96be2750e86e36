//! Puts the gateway together: NATS, the log, the flows, Microsoft, HTTP.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_event_log::{EventLog, StreamSettings, create_or_check_operations};
use assent_messaging::{
    Bucket, BucketSettings, ChangeStream, ChangeStreamSettings, Connection, ConnectionSettings,
    ConnectionState, ServiceDefinition,
};
use assent_microsoft_identity::{Entra, Settings};
use assent_service_kit::config::shared::NatsValues;
use assent_service_kit::telemetry::chain;
use assent_service_kit::{
    Dependency, Health, Listen, Misconfigured, NotReachable, Runtime, StartError,
};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::flow::{self, FlowStore};
use crate::gateway::{Addresses, Gateway};
use crate::hand_off::{self, HandOffStore};
use crate::http;
use crate::ledger::Ledger;
use crate::messaging_endpoints::endpoints;
use crate::microsoft_standing;
use crate::observations::Observations;
use crate::scopes::ScopeMap;
use crate::session::{self, SessionStore};

/// How long one operation against Microsoft may take.
const MICROSOFT_DEADLINE: Duration = Duration::from_secs(5);
/// How many commands are handled at once; more wait in NATS.
const COMMANDS_IN_FLIGHT: usize = 256;
/// How many mailboxes are looked for at once, after automatic grants. Beyond that they are not looked for.
const PROBES_IN_FLIGHT: usize = 32;
/// The flow bucket's bound: hundreds of thousands of flows a day.
const FLOW_BYTES: i64 = 512 * 1024 * 1024;
/// The session bucket's bound: a million of them a day, and the tokens that opened them.
const SESSION_BYTES: i64 = 1024 * 1024 * 1024;
/// The bound of the links: a hundred thousand of them.
const HAND_OFF_BYTES: i64 = 128 * 1024 * 1024;
/// The bound of what is learnt: some hundred bytes for each of a few million users.
const OBSERVATION_BYTES: i64 = 2 * 1024 * 1024 * 1024;

/// Runs the gateway until the runtime is asked to stop.
pub async fn run(config: Config, runtime: Runtime) -> Result<(), StartError> {
    config
        .check()
        .map_err(|error| Misconfigured::because(&error))?;
    let brand = config
        .brand()
        .map_err(|error| Misconfigured::because(&error))?;
    let entra = microsoft(&config)?;
    let verifier = config.host.verifier()?;
    let health = Health::new();
    let nats = health.dependency("nats");
    nats.not_ready("connecting to NATS");

    let is_https = config.public_url.as_url().scheme() == "https";
    let address = config.nats.nats_url.clone();
    let connection = Connection::connect(nats_settings(config.nats))
        .await
        .map_err(|error| NotReachable::new(format!("NATS at {address}"), Some(error.into())))?;
    connection.require_server_version()?;
    let kept = open_or_create(&connection, config.nats_replicas).await?;
    nats.ready();
    runtime.spawn_critical(
        "nats-watch",
        watch(connection.clone(), nats, runtime.clone()),
    );

    runtime.spawn_critical(
        "microsoft-watch",
        microsoft_standing::watch(
            entra.standing(),
            health.dependency("microsoft"),
            runtime.clone(),
        ),
    );

    let gateway = Arc::new(Gateway {
        ledger: kept.ledger,
        flows: kept.flows,
        sessions: kept.sessions,
        connection: connection.clone(),
        hand_offs: kept.hand_offs,
        hand_off_lifetime: config.hand_off_days.into(),
        observations: kept.observations,
        probes: Arc::new(Semaphore::new(PROBES_IN_FLIGHT)),
        brand,
        entra,
        graph_url: config.graph_url.as_url().clone(),
        scopes: ScopeMap {
            calendar: config.scopes_calendar.into_vec(),
            contacts: config.scopes_contacts.into_vec(),
            email_limited: config.scopes_email_limited.into_vec(),
            email_full: config.scopes_email_full.into_vec(),
        },
        admin_proof: config.admin_proof,
        addresses: Addresses::under(config.public_url.as_url()),
        return_origins: config.return_origins.into_vec(),
        frame_ancestors: config.frame_ancestors.into_vec(),
        session_lifetime: config.session_minutes.into(),
    });

    runtime.spawn_critical(
        "commands",
        serve_commands(Arc::clone(&gateway), connection, runtime.clone()),
    );

    let router = http::router(gateway, verifier);
    let listen = Listen {
        address: config.listen.into(),
        metrics: config.metrics_listen.map(Into::into),
        is_https,
    };
    assent_service_kit::serve(&runtime, listen, router, health).await?;
    Ok(())
}

/// Microsoft, as we know it. Nothing is asked of it yet.
fn microsoft(config: &Config) -> Result<Entra, StartError> {
    assent_microsoft_identity::describe_metrics();
    let national_authorities = config.national_authorities()?;
    let entra = Entra::new(Settings {
        authority: config.entra_authority.as_url().clone(),
        national_authorities: national_authorities.into_iter().map(Into::into).collect(),
        graph_url: config.graph_url.as_url().clone(),
        autodiscover_url: config.autodiscover()?.into(),
        client_id: config.entra_client_id.clone(),
        credentials: config.credentials()?,
        timeout: MICROSOFT_DEADLINE,
    });
    Ok(entra.map_err(|error| Misconfigured::because(&error))?)
}

/// What is kept in NATS.
struct Kept {
    ledger: Ledger,
    flows: FlowStore,
    sessions: SessionStore,
    hand_offs: HandOffStore,
    observations: Observations,
}

async fn open_or_create(connection: &Connection, replicas: usize) -> Result<Kept, StartError> {
    let log = EventLog::create_or_check(connection, StreamSettings { replicas }).await?;
    create_or_check_operations(connection, StreamSettings { replicas }).await?;
    let changes = ChangeStreamSettings::consent_changes(replicas);
    ChangeStream::create_or_check(connection, changes).await?;
    let bucket = |name: &str, max_age, max_bytes| {
        let settings = BucketSettings {
            name: name.to_owned(),
            max_age,
            replicas,
            max_bytes,
        };
        Bucket::open_or_create(connection, settings)
    };
    let flows = bucket(names::FLOW_BUCKET, flow::KEPT_FOR, FLOW_BYTES).await?;
    let sessions = bucket(names::SESSION_BUCKET, session::KEPT_FOR, SESSION_BYTES).await?;
    let hand_offs = bucket(names::HAND_OFF_BUCKET, hand_off::KEPT_FOR, HAND_OFF_BYTES).await?;
    // What is learnt stays until it is learnt anew.
    let for_ever = Duration::ZERO;
    let observations = bucket(names::OBSERVATION_BUCKET, for_ever, OBSERVATION_BYTES).await?;
    Ok(Kept {
        ledger: Ledger::new(log),
        flows: FlowStore::new(flows),
        sessions: SessionStore::new(sessions),
        hand_offs: HandOffStore::new(hand_offs),
        observations: Observations::new(observations),
    })
}

async fn serve_commands(gateway: Arc<Gateway>, connection: Connection, runtime: Runtime) {
    let definition = ServiceDefinition {
        name: names::GATEWAY_SERVICE,
        version: env!("CARGO_PKG_VERSION"),
        description: "Records consent events.",
    };
    let served = assent_messaging::serve(
        &connection,
        definition,
        endpoints(&gateway),
        COMMANDS_IN_FLIGHT,
        runtime.shutdown_token(),
    );
    if let Err(error) = served.await {
        tracing::error!(
            error = %chain(&error),
            "commands over NATS are no longer served"
        );
    }
}

fn nats_settings(values: NatsValues) -> ConnectionSettings {
    ConnectionSettings {
        url: values.nats_url,
        user: values.nats_user,
        password: values
            .nats_password
            .map(|password| password.expose().to_owned()),
        creds_file: values.nats_creds_file,
        ca_file: values.nats_ca_file,
        client_name: "consent-gateway".to_owned(),
        inbox_prefix: values.nats_inbox_prefix,
    }
}

/// Keeps readiness in step with the connection.
async fn watch(connection: Connection, nats: Dependency, runtime: Runtime) {
    let mut states = connection.state_changes();
    loop {
        let state = *states.borrow_and_update();
        match state {
            ConnectionState::Connected => nats.ready(),
            ConnectionState::Disconnected => {
                nats.not_ready("NATS is not reachable; reconnecting");
            }
        }
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            changed = states.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
