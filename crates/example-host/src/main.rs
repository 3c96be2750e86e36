//! Hirely, an applicant tracker, whose customers sync e-mail, calendars and contacts with Microsoft 365. It is small and
//! keeps everything in memory, but what concerns Assent is whole: this program is the guide to building Assent into a
//! product of your own. It depends on none of Assent's crates, only on its HTTP and NATS interfaces.
//!
//! Read it in this order:
//!
//! 1. [`signing_key`] and [`tokens`]: your application signs who is calling, and publishes its keys.
//! 2. [`users`] and [`microsoft`]: people sign in to your application through Microsoft, as they may do already.
//! 3. [`assent::login_decision`], [`after_login`] and `web/sign_in.rs`: what Assent says at each login, and what your
//!    application does about it.
//! 4. `web/signed_in.rs` and [`assent::flow`]: the browser comes back from Microsoft's consent page.
//! 5. `web/settings.rs`: the settings pages are Assent's; your application sends people there.
//! 6. [`sync_worker`]: starts what was allowed, and stops at once what is not allowed any more.
//! 7. [`assent::access_token`] and `sync_worker/mailbox.rs`: a token of Microsoft's for each page that is read, and
//!    [`assent::withdrawals`]: what to say when Microsoft refuses.
//!
//! The rest is any web application: sessions, pages, a stylesheet.

mod after_login;
mod assent;
mod config;
mod error_chain;
mod microsoft;
mod notice;
mod random;
mod sessions;
mod signing_key;
mod sync_worker;
mod tokens;
mod users;
mod web;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::assent::{AccessTokens, Gateway, LoginHook, PermissionQuery, Withdrawals};
use crate::config::Config;
use crate::microsoft::Microsoft;
use crate::signing_key::SigningKey;
use crate::sync_worker::{Jobs, MailboxSync, SyncWorker};
use crate::tokens::TokenIssuer;
use crate::web::App;

/// Requests under way get this long to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match run(Config::parse()).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            writeln!(std::io::stderr(), "example-host: {error:#}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(
            EnvFilter::try_from_env("HOST_LOG").unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    // Before anything else: a signal that comes early must not be lost.
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let (stop, stopped) = watch::channel(false);

    let key = match &config.signing_key_file {
        Some(path) => SigningKey::read(path)?,
        None => SigningKey::generate()?,
    };
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {} (HOST_LISTEN)", config.listen))?;
    let address = listener.local_addr()?;

    // One HTTP client for all: it keeps connections. Nobody we call has a reason to redirect us.
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(10))
        .build()?;
    let tokens = Arc::new(TokenIssuer::new(key, config.issuer()));
    let (nats, connected) = sync_worker::connect(&config).await?;
    let permissions = PermissionQuery::new(nats.clone());
    let syncing = MailboxSync::new(
        &http,
        &config,
        AccessTokens::new(nats.clone()),
        Withdrawals::new(&http, &config, Arc::clone(&tokens)),
    );
    let jobs = Arc::new(Jobs::new(Arc::new(syncing)));
    let worker = SyncWorker::new(nats, connected, Arc::clone(&jobs));
    let app = Arc::new(App {
        gateway: Gateway::new(&http, &config, Arc::clone(&tokens)),
        login_hook: LoginHook::new(
            &http,
            &config,
            Arc::clone(&tokens),
            config.own_address(web::SIGNED_IN),
        ),
        microsoft: Microsoft::new(&http, &config)?,
        permissions,
        tokens,
        jobs,
        sessions: sessions::sessions(),
        sign_ins: sessions::sign_ins(),
        config,
    });

    let working = tokio::spawn(worker.run());
    let mut over = stopped.clone();
    let server = axum::serve(listener, web::router(app)?).with_graceful_shutdown(async move {
        // An error means that nobody can tell us any more: also a reason to stop.
        over.wait_for(|stop| *stop).await.ok();
    });
    let serving = tokio::spawn(server.into_future());
    tracing::info!(%address, "listening");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.send_replace(true);
    // A browser that keeps its connection open must not keep us from ending.
    tokio::time::timeout(GRACE, serving).await.ok();
    working.abort();
    tracing::info!("stopped");
    Ok(())
}
