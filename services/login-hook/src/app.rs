//! Puts the login hook together: NATS, Microsoft, HTTP.

use std::sync::Arc;
use std::time::Duration;

use assent_messaging::Connection;
use assent_microsoft_identity::{Credentials, Entra, Settings};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{
    ConnectionLimits, Health, Listen, Misconfigured, Runtime, StartError, metrics,
};

use crate::clouds::Clouds;
use crate::config::{Config, PROGRAM};
use crate::custody::Custody;
use crate::decide_login::LoginHook;
use crate::gateway::Gateway;
use crate::http::{self, AppState};
use crate::offers;
use crate::projection::Projection;
use crate::readiness;
use crate::sign_in::SignIns;

/// How long one operation against Microsoft may take. No login waits for it that long.
const MICROSOFT_DEADLINE: Duration = Duration::from_secs(5);

/// How long the last words to NATS may take.
const DRAIN_DEADLINE: Duration = Duration::from_secs(1);

/// Runs the login hook until the runtime is asked to stop.
pub async fn run(config: Config, runtime: Runtime) -> Result<(), StartError> {
    // Before anything that measures is made: it would measure for nobody.
    metrics::install();

    let query_deadline = config.query_timeout_ms.into();
    let authority = config.entra_authority.as_url().clone();
    let entra = Entra::new(Settings {
        // Neither Graph nor Autodiscover is ever asked here, and tenants only by the ids in tokens of this authority.
        graph_url: authority.clone(),
        autodiscover_url: authority.clone(),
        national_authorities: Vec::new(),
        authority,
        client_id: config.entra_client_id.as_str().to_owned(),
        // ID tokens are verified with public keys.
        credentials: Credentials::None,
        timeout: MICROSOFT_DEADLINE,
    })
    .map_err(|error| Misconfigured::from_error(&error))?;
    let verifier = config.host.verifier()?;
    // NATS may come later: logins go on without it.
    let connection =
        Connection::connect_waiting(config.nats.with_client_name(PROGRAM.name)).await?;
    let health = Health::new();
    readiness::watch(&health, &connection, &entra, &runtime);
    verifier.watch_keys(&health, &runtime);

    let custody = Custody::new(connection.clone(), query_deadline);
    let following = offers::follow(Arc::clone(custody.offers())).await?;
    runtime.spawn_critical("offers", until_shutdown(following, runtime.clone()));

    let router = http::router(AppState {
        hook: LoginHook {
            sign_ins: SignIns::new(
                entra.clone(),
                config.entra_client_id,
                config.host_entra_client_id,
            ),
            // The projection is asked at the same time, so that both share one budget.
            clouds: Clouds::new(entra, query_deadline),
            projection: Projection::new(connection.clone(), query_deadline),
            gateway: Gateway::new(connection.clone(), config.command_timeout_ms.into()),
            custody,
        },
        verifier,
        return_origins: config.return_origins.into_vec(),
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
    if let Err(error) = connection.drain(DRAIN_DEADLINE).await {
        tracing::debug!(error = %with_sources(&error), "NATS was away at the end");
    }
    Ok(())
}

async fn until_shutdown(task: impl Future<Output = ()>, runtime: Runtime) {
    tokio::select! {
        () = task => {}
        () = runtime.shutdown_requested() => {}
    }
}
