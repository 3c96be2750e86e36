//! Puts the gateway together: NATS, the log, the flows, Microsoft, HTTP.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_event_log::{EventLog, StreamSettings};
use assent_messaging::{
    Bucket, BucketSettings, ChangeStream, ChangeStreamSettings, Connection, ConnectionSettings,
    ConnectionState, ServiceDefinition,
};
use assent_microsoft_identity::{AUTODISCOVER, Credentials, Entra, Settings};
use assent_service_kit::config::shared::NatsValues;
use assent_service_kit::telemetry::chain;
use assent_service_kit::{Dependency, Health, NotReachable, Runtime, StartError};

use crate::config::Config;
use crate::flow::{FlowStore, KEPT_FOR};
use crate::gateway::{Addresses, Gateway};
use crate::http;
use crate::ledger::Ledger;
use crate::messaging_endpoints::endpoints;
use crate::scopes::ScopeMap;

/// How long one operation against Microsoft may take.
const MICROSOFT_DEADLINE: Duration = Duration::from_secs(5);
/// How many commands are handled at once; more wait in NATS.
const COMMANDS_IN_FLIGHT: usize = 256;
/// The flow bucket's bound: hundreds of thousands of flows a day.
const FLOW_BYTES: i64 = 512 * 1024 * 1024;

/// Runs the gateway until the runtime is asked to stop.
pub async fn run(config: Config, runtime: Runtime) -> Result<(), StartError> {
    config.check()?;
    let entra = Entra::new(Settings {
        authority: config.entra_authority.as_url().clone(),
        national_authorities: Vec::new(),
        graph_url: config.graph_url.as_url().clone(),
        autodiscover_url: AUTODISCOVER.parse()?,
        client_id: config.entra_client_id.clone(),
        credentials: Credentials::One(config.credential()?),
        timeout: MICROSOFT_DEADLINE,
    })?;
    let verifier = config.host.verifier()?;
    let health = Health::new();
    let nats = health.dependency("nats");
    nats.not_ready("connecting to NATS");

    let address = config.nats.nats_url.clone();
    let connection = Connection::connect(nats_settings(config.nats))
        .await
        .map_err(|error| NotReachable::new(format!("NATS at {address}"), Some(error.into())))?;
    connection.require_server_version()?;
    let log = EventLog::create_or_check(
        &connection,
        StreamSettings {
            replicas: config.nats_replicas,
        },
    )
    .await?;
    ChangeStream::create_or_check(
        &connection,
        ChangeStreamSettings::consent_changes(config.nats_replicas),
    )
    .await?;
    let bucket = Bucket::open_or_create(
        &connection,
        BucketSettings {
            name: names::FLOW_BUCKET.to_owned(),
            max_age: KEPT_FOR,
            replicas: config.nats_replicas,
            max_bytes: FLOW_BYTES,
        },
    )
    .await?;
    nats.ready();
    runtime.spawn_critical(
        "nats-watch",
        watch(connection.clone(), nats, runtime.clone()),
    );

    let gateway = Arc::new(Gateway {
        ledger: Ledger::new(log),
        flows: FlowStore::new(bucket),
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
    });

    let commands = {
        let (gateway, connection, stop) = (
            Arc::clone(&gateway),
            connection.clone(),
            runtime.shutdown_token(),
        );
        async move {
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
                stop,
            )
            .await;
            if let Err(error) = served {
                tracing::error!(
                    error = %chain(&error),
                    "commands over NATS are no longer served"
                );
            }
        }
    };
    runtime.spawn_critical("commands", commands);

    let router = http::router(gateway, verifier);
    assent_service_kit::serve(&runtime, config.listen.into(), router, health).await?;
    Ok(())
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
