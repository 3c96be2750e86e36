//! Puts the projection together: NATS, the view, queries, HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_messaging::{Connection, ConnectionState, ServiceDefinition};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{ConnectionLimits, Dependency, Health, Listen, Runtime, StartError};

use crate::config::{Config, PROGRAM};
use crate::log_findings::LogFindings;
use crate::projector::Projector;
use crate::rebuild::{Rebuilds, Turn};
use crate::replica::Replica;
use crate::served_view::ServedView;
use crate::{http, queries};

/// How many queries are answered at once; more wait in NATS.
const QUERIES_IN_FLIGHT: usize = 1024;
/// How many questions of operators.
const OPERATORS_IN_FLIGHT: usize = 8;
/// Between two attempts to serve them.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs the projection until the runtime is asked to stop.
pub async fn run(config: Config, runtime: Runtime) -> Result<(), StartError> {
    let verifier = config.host.verifier()?;
    let health = Health::new();
    let nats = health.dependency("nats");
    nats.not_ready("connecting to NATS");
    let view = health.dependency("view");
    let changes = health.dependency("changes");
    let served = Arc::new(ServedView::new());

    // NATS may come later: until then the projection says that it waits.
    let connection =
        Connection::connect_waiting(config.nats.with_client_name(PROGRAM.name)).await?;
    runtime.spawn_critical(
        "nats-watch",
        watch(connection.clone(), nats, runtime.clone()),
    );
    let rebuilds = Arc::new(Rebuilds::new(config.data_dir.clone()));
    let findings = Arc::new(LogFindings::new(health.dependency("log")));
    let replica = Arc::new(Replica::new(
        &served,
        &findings,
        Arc::clone(&rebuilds),
        config.data_dir.clone(),
    ));
    let projector = Projector {
        connection: connection.clone(),
        directory: config.data_dir,
        served: Arc::clone(&served),
        readiness: view,
        changes,
        findings,
        rebuilds: Arc::clone(&rebuilds),
        turn: Turn::default(),
        runtime: runtime.clone(),
    };
    runtime.spawn_critical("projector", projector.run());
    runtime.spawn_critical(
        "operators",
        serve_operators(connection.clone(), Arc::clone(&replica), runtime.clone()),
    );
    let answering = health.dependency("queries");
    answering.not_ready("there is no view yet that could be asked");
    runtime.spawn_critical(
        "queries",
        serve_queries(connection, Arc::clone(&served), answering, runtime.clone()),
    );

    verifier.watch_keys(&health, &runtime);
    let router = http::router(http::Shared {
        served,
        replica,
        verifier: Arc::new(verifier),
        own_url: config.projection_url,
    });
    let listen = Listen {
        address: config.listen.into(),
        metrics: config.metrics_listen.map(Into::into),
        is_https: false,
    };
    let bound = assent_service_kit::bind(listen).await?;
    let (most, idle) = (config.http_connections, config.http_idle_seconds.into());
    let bound = bound.limited(ConnectionLimits::for_this_process(most, idle));
    bound.serve(&runtime, router, health).await?;
    Ok(())
}

/// Answers operators what they ask of this replica by itself, whether or not it has a view.
async fn serve_operators(connection: Connection, replica: Arc<Replica>, runtime: Runtime) {
    let definition = ServiceDefinition {
        name: names::REPLICA_SERVICE,
        version: env!("CARGO_PKG_VERSION"),
        description: "Answers operators how each projection is, and what its view holds.",
    };
    let stop = runtime.shutdown_token();
    while !stop.is_cancelled() {
        let endpoints = replica.endpoints();
        let serving = assent_messaging::serve(
            &connection,
            definition,
            endpoints,
            OPERATORS_IN_FLIGHT,
            stop.clone(),
        );
        if let Err(error) = serving.await {
            tracing::error!(error = %with_sources(&error), "operators are not answered; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Answers queries while there is a view that has caught up. Until then, and while a view is
/// built anew, the other replicas have the queries to themselves.
///
/// Whoever is told that it is ready is answered over NATS too: `answering` is ready once the server knows where to send queries.
async fn serve_queries(
    connection: Connection,
    served: Arc<ServedView>,
    answering: Dependency,
    runtime: Runtime,
) {
    let definition = ServiceDefinition {
        name: names::PROJECTION_SERVICE,
        version: env!("CARGO_PKG_VERSION"),
        description: "Answers what may be done for a user now.",
    };
    loop {
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            () = served.answers_queries(true) => {}
        }
        let stop = runtime.shutdown_token();
        let listening = assent_messaging::listen(
            &connection,
            definition,
            queries::endpoints(&served, &connection),
            QUERIES_IN_FLIGHT,
            stop.clone(),
            Arc::new(BTreeMap::new),
        );
        let ended = match listening.await {
            Ok(listening) => {
                answering.ready();
                let stopping = async {
                    served.answers_queries(false).await;
                    answering.not_ready("the view that was asked is built anew");
                    stop.cancel();
                    std::future::pending().await
                };
                tokio::select! {
                    ended = listening.run() => ended,
                    ended = stopping => ended,
                }
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            answering.not_ready("queries are not served; that is tried again");
            tracing::error!(error = %with_sources(&error), "queries are not served; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Keeps readiness in step with the connection.
async fn watch(connection: Connection, nats: Dependency, runtime: Runtime) {
    let mut states = connection.state_changes();
    loop {
        let state = *states.borrow_and_update();
        match (state, connection.require_server_version()) {
            (ConnectionState::Connected, Ok(_)) => nats.ready(),
            (ConnectionState::Connected, Err(error)) => {
                nats.not_ready(with_sources(&error).to_string());
            }
            (ConnectionState::Disconnected, _) => {
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
