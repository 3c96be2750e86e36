//! The command line of the Entra simulator.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use assent_entra_simulator::{Seed, SeedDocument, Settings, Transport, start};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

/// A stand-in for Microsoft Entra, for development, tests and demonstrations. Never expose it.
#[derive(Debug, Parser)]
#[command(name = "entra-simulator", version)]
struct SimulatorArguments {
    /// Where to listen; port 0 takes any free one.
    #[arg(
        long,
        env = "ASSENT_SIMULATOR_LISTEN",
        default_value = "127.0.0.1:8090"
    )]
    listen: SocketAddr,
    /// The address by which browsers and applications know it [default: the bound address].
    #[arg(long, env = "ASSENT_SIMULATOR_PUBLIC_URL")]
    public_url: Option<Url>,
    /// Serve TLS, and write the certificate of the throw-away authority to this file (PEM) for clients to trust.
    #[arg(long, env = "ASSENT_SIMULATOR_TLS_CA_FILE", value_name = "PATH")]
    tls_ca_file: Option<PathBuf>,
    /// What it knows at first: `story`, `empty`, or the path of a JSON file.
    #[arg(long, env = "ASSENT_SIMULATOR_SEED", default_value = "story")]
    seed: String,
    /// What the applications of the story may return to; may be given more than once.
    #[arg(long = "redirect-uri", value_name = "URL")]
    redirect_uris: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = SimulatorArguments::parse();
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    // Listening for signals first: one that comes early must not be lost.
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let settings = Settings {
        listen: arguments.listen,
        public_url: arguments.public_url,
        transport: match arguments.tls_ca_file {
            Some(_) => Transport::Tls,
            None => Transport::Http,
        },
        seed: seed(&arguments.seed)?,
        redirect_uris: arguments.redirect_uris,
    };
    let running = start(settings).await.context("cannot start")?;
    // Before anybody is told: whoever reads that we listen may read the file.
    if let (Some(path), Some(pem)) = (&arguments.tls_ca_file, &running.ca_pem) {
        std::fs::write(path, pem).with_context(|| format!("cannot write {}", path.display()))?;
    }
    tracing::info!(address = %running.address, base_url = running.base_url, "listening");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}

fn seed(name: &str) -> anyhow::Result<Seed> {
    match name {
        "story" => Ok(Seed::Story),
        "empty" => Ok(Seed::Empty),
        path => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the seed {path}"))?;
            Ok(Seed::Document(
                SeedDocument::parse(&text)
                    .with_context(|| format!("cannot use the seed {path}"))?,
            ))
        }
    }
}
