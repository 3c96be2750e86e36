//! A service as small as can be, for the tests of how services are run: it says where it listens, becomes ready, and
//! ends on SIGTERM. `--fail` ends it at once.

use std::io::Write;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == "--fail") {
        writeln!(std::io::stderr(), "something is missing")?;
        anyhow::bail!("told to fail");
    }
    let mut terminated = signal(SignalKind::terminate())?;
    let address = std::env::var("ASSENT_LISTEN")?;
    let listener = TcpListener::bind(address).await?;
    let line = serde_json::json!({ "message": "listening", "address": listener.local_addr()?.to_string() });
    writeln!(std::io::stderr(), "{line}")?;

    let names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    let router = Router::new()
        .route("/readyz", get(|| async { "{}" }))
        .route(
            "/environment",
            get(move || std::future::ready(names.join(" "))),
        );
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            terminated.recv().await;
        })
        .await?;
    Ok(())
}
