//! Puts the gateway together: NATS, the log, the flows, Microsoft, HTTP.

use std::sync::Arc;
use std::time::Duration;

use assent_consent_core::clock::Clock;
use assent_consent_core::custody::Custody;
use assent_consent_core::gateway::{Addresses, Gateway};
use assent_consent_core::limits::Limits;
use assent_consent_pages::{Site, page};
use assent_contract::names;
use assent_messaging::{Connection, Listening, ServeError, ServiceDefinition};
use assent_microsoft_identity::{Entra, ScopeMap, Settings};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{
    ConnectionLimits, GivenFlags, Health, Listen, Misconfigured, NotReachable, Runtime, StartError,
    follow_complaints,
};
use tokio::sync::Semaphore;

use crate::config::{Config, ConfigError, PROGRAM};
use crate::custody_key;
use crate::http;
use crate::messaging_endpoints::endpoints;
use crate::nats_watch::NatsWatch;
use crate::read_ahead;
use crate::space;
use crate::start::{self, Decision, Kept};
use crate::stores::Stores;

/// How long one operation against Microsoft may take.
const MICROSOFT_DEADLINE: Duration = Duration::from_secs(5);
/// How many commands are handled at once; more wait in NATS.
const COMMANDS_IN_FLIGHT: usize = 256;
/// How many mailboxes are looked for at once, after automatic grants. Beyond that they are not looked for.
const PROBES_IN_FLIGHT: usize = 32;

/// Runs the gateway until the runtime is asked to stop.
pub async fn run(config: Config, runtime: Runtime, given: GivenFlags) -> Result<(), StartError> {
    run_with_clock(config, runtime, given, Clock::default()).await
}

/// Runs the gateway by another clock, until the runtime is asked to stop.
pub async fn run_with_clock(
    config: Config,
    runtime: Runtime,
    given: GivenFlags,
    clock: Clock,
) -> Result<(), StartError> {
    let decision = Decision::of(&given)?;
    usable(config.check())?;
    let brand = usable(config.brand())?;
    let vault_key = usable(config.vault_key())?;
    let entra = microsoft(&config)?;
    let (scopes, listen) = (scopes(&config), listen(&config));
    let verifier = config.host.verifier()?;
    let health = Health::new();
    let nats = health.dependency("nats");
    nats.not_ready("connecting to NATS");

    let address = config.nats.url.clone();
    let connection = Connection::connect(config.nats.with_client_name(PROGRAM.name))
        .await
        .map_err(|error| NotReachable::new(format!("NATS at {address}"), Some(error.into())))?;
    connection.require_server_version()?;
    let custody = Custody::new(
        &connection,
        vault_key,
        entra.client_id(),
        health.dependency("custody"),
    );
    let stores = Stores::new(&connection, config.nats_replicas, config.store_megabytes);
    let kept = start::open_or_create(&connection, &stores, decision, &clock).await?;
    read_ahead::begin(&kept.executor, &connection, &runtime).await;
    nats.ready();
    let Kept {
        executor,
        flows,
        sessions,
        cutoffs,
        hand_offs,
        observations,
        log,
        guard,
    } = kept;
    let buckets = Vec::from([
        flows.bucket(),
        sessions.bucket(),
        hand_offs.bucket(),
        observations.bucket(),
    ]);
    let watch = NatsWatch::begin(stores, &buckets, log, guard, &health, nats).await;
    runtime.spawn_critical("nats-watch", watch.run(runtime.clone()));

    runtime.spawn_critical(
        "microsoft-watch",
        // People can still revoke, and look at their settings, when Microsoft is away or our credential is refused.
        follow_complaints(
            entra.health(),
            {
                let clock = clock.clone();
                move |standing| standing.complaints(clock.system_time())
            },
            health.dependency("microsoft"),
            runtime.clone(),
        ),
    );

    let room = space::watch(buckets, health.dependency("space"), runtime.clone());
    runtime.spawn_critical("space-watch", room);

    let gateway = Arc::new(Gateway {
        custody,
        executor,
        limits: Limits::default(),
        clock,
        flows,
        sessions,
        cutoffs,
        connection: connection.clone(),
        hand_offs,
        hand_off_lifetime: config.hand_off_days.into(),
        observations,
        probes: Arc::new(Semaphore::new(PROBES_IN_FLIGHT)),
        entra,
        graph_url: config.graph_url.as_url().clone(),
        scopes,
        admin_proof: config.admin_proof,
        addresses: Addresses::new(config.public_url.as_url()),
        return_origins: config.return_origins.into_vec(),
        session_lifetime: config.session_minutes.into(),
    });

    // Before anybody can ask whether it is ready.
    let commands = listen_for_commands(&gateway, &connection, &health, &runtime).await?;
    talk(&gateway, connection, commands, &health, &runtime);

    let site = Arc::new(Site {
        gateway,
        brand,
        frame_ancestors: config.frame_ancestors.into_vec(),
    });
    let people = page::error_pages(Arc::clone(&site));
    let (most, idle) = (config.http_connections, config.http_idle_seconds.into());
    let limits = ConnectionLimits::for_this_process(most, idle);
    verifier.watch_keys(&health, &runtime);
    let router = http::router(site, verifier, runtime.clone(), limits.most);
    let bound = assent_service_kit::bind(listen).await?;
    let bound = bound.limited(limits).with_error_pages(people);
    bound.serve(&runtime, router, health).await?;
    Ok(())
}

/// All that goes on over NATS.
fn talk(
    gateway: &Arc<Gateway>,
    connection: Connection,
    commands: Listening,
    health: &Health,
    runtime: &Runtime,
) {
    let custody_key = health.dependency("custody_key");
    custody_key.ready();
    runtime.spawn_critical(
        "custody-key",
        custody_key::watch(
            Arc::clone(gateway),
            connection,
            custody_key,
            runtime.clone(),
        ),
    );
    runtime.spawn_critical("commands", serve_commands(commands));
}

fn usable<T>(configured: Result<T, ConfigError>) -> Result<T, Misconfigured> {
    configured.map_err(|error| Misconfigured::from_error(&error))
}

fn listen(config: &Config) -> Listen {
    Listen {
        address: config.listen.into(),
        metrics: config.metrics_listen.map(Into::into),
        is_https: config.public_url.as_url().scheme() == "https",
    }
}

fn scopes(config: &Config) -> ScopeMap {
    ScopeMap {
        calendar: config.scopes.calendar.clone().into(),
        contacts: config.scopes.contacts.clone().into(),
        email_limited: config.scopes.email_limited.clone().into(),
        email_full: config.scopes.email_full.clone().into(),
    }
}

/// Microsoft, as we know it. Nothing is asked of it yet.
fn microsoft(config: &Config) -> Result<Entra, StartError> {
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
    Ok(entra.map_err(|error| Misconfigured::from_error(&error))?)
}

async fn listen_for_commands(
    gateway: &Arc<Gateway>,
    connection: &Connection,
    health: &Health,
    runtime: &Runtime,
) -> Result<Listening, ServeError> {
    let definition = ServiceDefinition {
        name: names::GATEWAY_SERVICE,
        version: env!("CARGO_PKG_VERSION"),
        description: "Records consent events.",
    };
    let health = health.clone();
    assent_messaging::listen(
        connection,
        definition,
        endpoints(gateway),
        COMMANDS_IN_FLIGHT,
        runtime.shutdown_token(),
        Arc::new(move || health.troubles()),
    )
    .await
}

async fn serve_commands(commands: Listening) {
    if let Err(error) = commands.run().await {
        tracing::error!(
            error = %with_sources(&error),
            "commands over NATS are no longer served"
        );
    }
}
