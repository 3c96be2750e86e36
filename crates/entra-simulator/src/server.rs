//! Starting and stopping: the listener, the routes, and the settings.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get, post};
use axum::serve::Listener;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use url::Url;

use crate::keys::{KeyError, KeyRing};
use crate::seed::{SeedDocument, SeedError};
use crate::simulator::Simulator;
use crate::tls::{Identity, TlsError, TlsListener};
use crate::{
    admin_consent, authorize, autodiscover, control, device_code, graph, instance_discovery,
    metadata, pages, request_ids, sign_out, story, token,
};

const LARGEST_BODY: usize = 256 * 1024;
/// Requests under way get this long to end after a shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// What the simulator knows when it starts.
#[derive(Clone, Debug, Default)]
pub enum Seed {
    /// The tenants and applications of the [`story`].
    #[default]
    Story,
    /// Nothing.
    Empty,
    /// Tenants and applications of your own.
    Document(SeedDocument),
}

/// What the simulator is reached over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTPS, with a certificate of a throw-away authority: see [`Running::ca_pem`].
    Tls,
}

/// How to start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. Port 0: any free one.
    pub listen: SocketAddr,
    /// The address by which others know us, if it is not the bound one.
    pub public_url: Option<Url>,
    /// What it is reached over.
    pub transport: Transport,
    /// What to know.
    pub seed: Seed,
    /// What the applications of the story may return to.
    pub redirect_uris: Vec<String>,
}

impl Settings {
    /// The story, on any free port of this machine.
    pub fn story(redirect_uris: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            transport: Transport::Http,
            seed: Seed::Story,
            redirect_uris: redirect_uris.into_iter().map(Into::into).collect(),
        }
    }
}

/// Why it could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The seed contradicts itself.
    #[error("the seed cannot be used")]
    Seed(#[source] SeedError),
    /// No signing keys.
    #[error("no signing keys could be made")]
    Keys,
    /// No certificate.
    #[error("TLS cannot be served")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<KeyError> for StartError {
    fn from(_: KeyError) -> Self {
        Self::Keys
    }
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        Self::Tls(Box::new(error))
    }
}

/// A running simulator. It stops when this is dropped, or by [`Running::shutdown`].
#[derive(Debug)]
pub struct Running {
    /// The bound address.
    pub address: SocketAddr,
    /// What every issuer and endpoint begins with; no slash at the end.
    pub base_url: String,
    /// Over TLS: the certificate of the throw-away authority, which clients have to trust. PEM.
    pub ca_pem: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Running {
    /// Stops, and waits a moment for requests under way.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

/// Starts the simulator in this process. It answers when this returns.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let Settings {
        listen,
        public_url,
        transport,
        seed,
        redirect_uris,
    } = settings;
    let document = match seed {
        Seed::Story => story::document(&redirect_uris),
        Seed::Empty => SeedDocument::default(),
        Seed::Document(document) => document,
    };
    let directory = document.build().map_err(StartError::Seed)?;
    let keys = tokio::task::spawn_blocking(KeyRing::generate)
        .await
        .map_err(|_| StartError::Keys)??;
    let failed = |source| StartError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let identity = match transport {
        Transport::Http => None,
        Transport::Tls => Some(Identity::generate(address.ip(), public_url.as_ref())?),
    };
    let base_url = public_url.map_or_else(
        || own_url(address, transport),
        |url| url.as_str().trim_end_matches('/').to_owned(),
    );
    let simulator = Arc::new(Simulator::new(
        base_url.clone(),
        document,
        redirect_uris,
        directory,
        keys,
    ));
    let (stop, stopped) = oneshot::channel::<()>();
    let routes = routes(simulator);
    let (server, ca_pem) = match identity {
        None => (tokio::spawn(serve(listener, routes, stopped)), None),
        Some(Identity { config, ca_pem }) => {
            let listener = TlsListener::new(listener, config);
            (tokio::spawn(serve(listener, routes, stopped)), Some(ca_pem))
        }
    };
    Ok(Running {
        address,
        base_url,
        ca_pem,
        stop: Some(stop),
        server,
    })
}

/// The address by which we are known if nobody says otherwise. Over TLS a name is better than a number: some clients
/// take no certificate for a number.
fn own_url(address: SocketAddr, transport: Transport) -> String {
    match transport {
        Transport::Http => format!("http://{address}"),
        Transport::Tls if address.ip().is_loopback() => {
            format!("https://localhost:{}", address.port())
        }
        Transport::Tls => format!("https://{address}"),
    }
}

async fn serve<L: Listener>(listener: L, routes: Router, stopped: oneshot::Receiver<()>)
where
    L::Addr: fmt::Debug,
{
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async move {
        // An error means that the sender is gone: also a reason to stop.
        let _ended = stopped.await;
    });
    if let Err(error) = serving.await {
        tracing::error!(%error, "the server ended");
    }
}

fn routes(simulator: Arc<Simulator>) -> Router {
    Router::new()
        .route("/", get(pages::welcome))
        .merge(entra())
        .route(
            "/autodiscover/autodiscover.json",
            get(autodiscover::by_query),
        )
        .route(
            "/autodiscover/autodiscover.json/v1.0/{email}",
            get(autodiscover::by_path),
        )
        .route("/v1.0/{*path}", any(graph::call))
        .nest("/_control", control::routes())
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(CatchPanicLayer::new())
        .with_state(simulator)
}

fn entra() -> Router<Arc<Simulator>> {
    Router::new()
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(metadata::openid_configuration),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(metadata::keys))
        .route(
            "/common/discovery/instance",
            get(instance_discovery::instance),
        )
        .route("/{tenant}/v2.0/adminconsent", get(admin_consent::page))
        .route("/{tenant}/adminconsent", get(admin_consent::first_page))
        .route(
            "/{tenant}/oauth2/v2.0/authorize",
            get(authorize::page).post(authorize::page),
        )
        .route("/{tenant}/oauth2/v2.0/token", post(token::token))
        .route(
            "/{tenant}/oauth2/v2.0/devicecode",
            post(device_code::refuse),
        )
        .route(
            "/{tenant}/oauth2/v2.0/logout",
            get(sign_out::page).post(sign_out::page),
        )
        .route("/interaction/{id}/account", post(pages::account))
        .route("/interaction/{id}/answer", post(pages::answer))
        .route("/interaction/{id}/return", get(pages::go_back))
        .route(
            "/interaction/{id}/other-account",
            post(pages::other_account),
        )
        .layer(middleware::from_fn(request_ids::put_on))
}
