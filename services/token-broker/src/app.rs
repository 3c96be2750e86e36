//! Puts the token broker together: NATS, the keys, Microsoft, HTTP.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_messaging::{Connection, Listening, ServeError, ServiceDefinition};
use assent_microsoft_identity::{Entra, Settings};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{
    ConnectionLimits, Dependency, Health, Listen, Misconfigured, NotReachable, Runtime, StartError,
    follow_complaints,
};
use assent_token_vault::{KeyDirectory, KeyRing};
use tokio::sync::mpsc;

use crate::access_tokens::AccessTokens;
use crate::budget::Budget;
use crate::clock;
use crate::config::{Config, PROGRAM};
use crate::counted::Count;
use crate::custody::Custody;
use crate::flights::Flights;
use crate::http::{self, AppState};
use crate::messaging_endpoints::endpoints;
use crate::permissions::{Permissions, Told, follow, keep_alive};
use crate::report::ReportRate;
use crate::stores::{NotMade, Stores};
use crate::withdrawals::Withdrawals;
use crate::{endings, readiness};

/// How long one refresh at Microsoft may take. Nobody waits for it that long, but what was begun is better finished.
const MICROSOFT_DEADLINE: Duration = Duration::from_secs(30);
/// How many requests over NATS are handled at once; more wait there.
const IN_FLIGHT: usize = 512;
/// How many changes may wait to be looked at. More are left to the clock.
const CHANGES_WAITING: usize = 10_000;
/// How long the last words to NATS may take.
const DRAIN_DEADLINE: Duration = Duration::from_secs(1);

/// Runs the token broker until the runtime is asked to stop.
pub async fn run(config: Config, runtime: Runtime) -> Result<(), StartError> {
    config
        .check()
        .map_err(|error| Misconfigured::from_error(&error))?;
    let entra = microsoft(&config)?;
    let verifier = config.host.verifier()?;
    let keys = KeyRing::load(KeyDirectory::new(&config.vault_keys_dir))
        .await
        .map_err(|error| {
            Misconfigured::new(format!("ASSENT_VAULT_KEYS_DIR: {}", with_sources(&error)))
        })?;
    let listen = Listen {
        address: config.listen.into(),
        metrics: config.metrics_listen.map(Into::into),
        is_https: false,
    };
    let health = Health::new();
    let nats = health.dependency("nats");
    nats.not_ready("connecting to NATS");

    let address = config.nats.url.clone();
    let settings = config.nats.clone().with_client_name(PROGRAM.name);
    let connection = Connection::connect(settings)
        .await
        .map_err(|error| NotReachable::new(format!("NATS at {address}"), Some(error.into())))?;
    connection.require_server_version()?;
    let stores = Stores::new(&connection, &config);
    let tokens = health.dependency(names::TOKEN_BUCKET);
    make(&stores, &tokens).await?;
    let (store, receipts) = (stores.tokens.clone(), stores.receipts.clone());
    runtime.spawn_critical(
        "stores-watch",
        readiness::watch_stores(connection.clone(), stores, (nats, tokens), runtime.clone()),
    );
    runtime.spawn_critical(
        "microsoft-watch",
        // What was handed out is told all the same, and what is revoked refused.
        follow_complaints(
            entra.health(),
            |standing| standing.complaints(std::time::SystemTime::now()),
            health.dependency("microsoft"),
            runtime.clone(),
        ),
    );

    let (tell, told) = mpsc::channel(CHANGES_WAITING);
    let permissions = Arc::new(Permissions::new(connection.clone()));
    let following = follow(Arc::clone(&permissions), &connection, tell).await?;
    runtime.spawn_critical("changes", until_shutdown(following, runtime.clone()));
    runtime.spawn_critical(
        "heartbeat",
        keep_alive(
            Arc::clone(&permissions),
            connection.clone(),
            health.dependency("projection"),
            runtime.clone(),
        ),
    );

    let custody = Arc::new(Custody {
        store,
        keys,
        entra,
        scopes: config.scope_map(),
        permissions,
        access_tokens: AccessTokens::new(),
        receipts,
        withdrawals: Withdrawals::new(connection.clone()),
        flights: Arc::new(Flights::new()),
        count: Count::default(),
        verify_every: config.verify_every_minutes.into(),
    });
    verifier.watch_keys(&health, &runtime);
    // Before anybody can ask whether it is ready.
    let requests = listen_for_requests(&custody, &connection, &health, &runtime).await?;
    work(&config, &custody, requests, told, &runtime);

    let router = http::router(AppState {
        custody,
        verifier,
        reports: ReportRate::new(),
    });
    let bound = assent_service_kit::bind(listen).await?;
    let (most, idle) = (config.http_connections, config.http_idle_seconds.into());
    let bound = bound.limited(ConnectionLimits::for_this_process(most, idle));
    bound.serve(&runtime, router, health).await?;
    if let Err(error) = connection.drain(DRAIN_DEADLINE).await {
        tracing::debug!(error = %with_sources(&error), "NATS was away at the end");
    }
    Ok(())
}

/// All that goes on by itself, or is asked for over NATS.
fn work(
    config: &Config,
    custody: &Arc<Custody>,
    requests: Listening,
    told: mpsc::Receiver<Told>,
    runtime: &Runtime,
) {
    runtime.spawn_critical(
        "endings",
        endings::watch(Arc::clone(custody), told, runtime.clone()),
    );
    let budget = Budget::new(
        config.verify_rate.into(),
        config.verify_rate_per_tenant.into(),
    );
    runtime.spawn_critical(
        "clock",
        clock::run(Arc::clone(custody), budget, runtime.clone()),
    );
    runtime.spawn_critical("requests", serve_requests(requests));
}

/// Microsoft, as we know it. Nothing is asked of it yet.
fn microsoft(config: &Config) -> Result<Entra, StartError> {
    let entra = Entra::new(Settings {
        authority: config.entra_authority.as_url().clone(),
        // Only tenants are met whose consent is recorded.
        national_authorities: Vec::new(),
        graph_url: config.graph_url.as_url().clone(),
        autodiscover_url: config.graph_url.as_url().clone(),
        client_id: config.entra_client_id.clone(),
        credentials: config
            .microsoft_credentials()
            .map_err(|error| Misconfigured::from_error(&error))?,
        timeout: MICROSOFT_DEADLINE,
    });
    Ok(entra.map_err(|error| Misconfigured::from_error(&error))?)
}

/// Makes the buckets. Where there is no room for them, or NATS is busy with itself, the broker starts all the same: it says so,
/// hands out nothing, and goes on trying.
async fn make(stores: &Stores, tokens: &Dependency) -> Result<(), NotMade> {
    let made = async {
        stores.make().await?;
        stores.resize().await
    };
    match made.await {
        Ok(()) => Ok(()),
        Err(error) if error.is_misconfigured() => Err(error),
        Err(error) => {
            let advice = error.advice();
            tracing::warn!(error = advice, "the buckets can't be made yet");
            tokens.not_ready(advice);
            Ok(())
        }
    }
}

async fn until_shutdown(task: impl Future<Output = ()>, runtime: Runtime) {
    tokio::select! {
        () = task => {}
        () = runtime.shutdown_requested() => {}
    }
}

async fn listen_for_requests(
    custody: &Arc<Custody>,
    connection: &Connection,
    health: &Health,
    runtime: &Runtime,
) -> Result<Listening, ServeError> {
    let definition = ServiceDefinition {
        name: names::TOKEN_BROKER_SERVICE,
        version: env!("CARGO_PKG_VERSION"),
        description: "Hands out access tokens while the permission is effective.",
    };
    let health = health.clone();
    assent_messaging::listen(
        connection,
        definition,
        endpoints(custody),
        IN_FLIGHT,
        runtime.shutdown_token(),
        Arc::new(move || health.troubles()),
    )
    .await
}

async fn serve_requests(requests: Listening) {
    if let Err(error) = requests.run().await {
        tracing::error!(
            error = %with_sources(&error),
            "requests over NATS are no longer served"
        );
    }
}
