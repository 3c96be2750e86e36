//! The connection to NATS: made, watched, and drained.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use futures::StreamExt as _;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;

use crate::denials::Denials;
use crate::replies::Replies;
use crate::server_version::{ServerVersion, ServerVersionError};
use crate::settings::ConnectionSettings;

/// How long the first connect may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// How long one server of several may take to greet and to let us in. One that hangs takes connections and says nothing: the
/// next of the list is tried then.
const GREETING_DEADLINE: Duration = Duration::from_secs(2);

/// How long a server may be silent before it is asked whether it is there. The client leaves it at the third question
/// without an answer, so one that hangs is left within four seconds; its own default is a minute.
const PING_EVERY: Duration = Duration::from_secs(1);

/// How often another server is looked for at once: by chance each may be the same one.
const LEAVING_ATTEMPTS: u32 = 5;

/// How long writing what is queued may take at the end.
const FLUSH_DEADLINE: Duration = Duration::from_secs(1);

/// Messages one subscription may hold back before the newest are dropped (and a slow consumer is
/// reported). It bounds memory; a reader that must miss nothing reads from JetStream.
const SUBSCRIPTION_CAPACITY: usize = 65_536;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answered at that address in time.
    #[error("no NATS server can be reached at {url}")]
    NotReachable {
        /// The address tried.
        url: String,
        /// What went wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server does not accept who we are.
    #[error("the NATS server at {url} refused the credentials of {client_name}")]
    NotPermitted {
        /// The address tried.
        url: String,
        /// Who we are.
        client_name: String,
        /// What the server said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The settings make no sense, or a file they name cannot be read.
    #[error("bad NATS settings: {what}")]
    BadSettings {
        /// What is wrong.
        what: String,
        /// The cause, where there is one.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

/// Whether the server can hear us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// The server hears us.
    Connected,
    /// The server does not hear us: not yet, not at the moment, or no more.
    Disconnected,
}

/// The connection could not be drained in time.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// The server did not take everything in time; what was still queued is lost.
    #[error("the NATS connection was not drained within {0:?}")]
    TimedOut(Duration),
}

/// A connection to NATS. Clones share it; it reconnects by itself, for ever.
#[derive(Clone, Debug)]
pub struct Connection {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    replies: Replies,
    signals: Arc<Signals>,
    /// How many servers it may be connected to.
    servers: usize,
}

/// What the connection tells about itself, apart from any call.
#[derive(Debug)]
struct Signals {
    state: watch::Sender<ConnectionState>,
    closed: watch::Sender<bool>,
    denials: Denials,
    dropped: AtomicU64,
}

impl Connection {
    /// Connects, or fails within five seconds.
    pub async fn connect(settings: ConnectionSettings) -> Result<Self, ConnectError> {
        let url = settings.url.clone();
        match tokio::time::timeout(CONNECT_DEADLINE, start(settings, FirstConnect::Now)).await {
            Ok(connected) => connected,
            Err(elapsed) => Err(ConnectError::NotReachable {
                url,
                source: elapsed.into(),
            }),
        }
    }

    /// A connection that is made as soon as the server is there, so that a service may start
    /// before NATS and say that it is not ready. It fails only for settings that make no sense:
    /// credentials the server refuses show up as a connection that is never made, and in the log.
    pub async fn connect_waiting(settings: ConnectionSettings) -> Result<Self, ConnectError> {
        start(settings, FirstConnect::WhenThere).await
    }

    /// Whether the server can hear us now.
    pub fn state(&self) -> ConnectionState {
        if *self.inner.signals.closed.borrow() {
            return ConnectionState::Disconnected;
        }
        match self.inner.client.connection_state() {
            async_nats::connection::State::Connected => ConnectionState::Connected,
            async_nats::connection::State::Pending
            | async_nats::connection::State::Disconnected => ConnectionState::Disconnected,
        }
    }

    /// Follows [`Connection::state`].
    pub fn state_changes(&self) -> watch::Receiver<ConnectionState> {
        self.inner.signals.state.subscribe()
    }

    /// How often the connection was made so far: another number means that it was lost in between.
    pub fn connects(&self) -> u64 {
        self.inner
            .client
            .statistics()
            .connects
            .load(Ordering::Relaxed)
    }

    /// How often messages to a subscription were dropped because it was full: another number means that some were missed.
    pub fn dropped_messages(&self) -> u64 {
        self.inner.signals.dropped.load(Ordering::Relaxed)
    }

    /// The last denial the server told of: the only sign of an operation that is not permitted,
    /// which otherwise just runs out of time. Each is logged once.
    pub fn permission_violations(&self) -> watch::Receiver<Option<String>> {
        self.inner.signals.denials.watch()
    }

    /// The server's version: `None` before the first connect, or if nobody can read it.
    pub fn server_version(&self) -> Option<ServerVersion> {
        self.require_known_version().ok()
    }

    /// The server's version, if it is one that can be relied on.
    pub fn require_server_version(&self) -> Result<ServerVersion, ServerVersionError> {
        let required = ServerVersion::REQUIRED;
        let found = self.require_known_version()?;
        if found < required {
            return Err(ServerVersionError::TooOld { found, required });
        }
        Ok(found)
    }

    fn require_known_version(&self) -> Result<ServerVersion, ServerVersionError> {
        let info = self.inner.client.try_server_info();
        let info = info.ok_or(ServerVersionError::NotConnected)?;
        info.version
            .parse()
            .map_err(|source| ServerVersionError::Unreadable {
                required: ServerVersion::REQUIRED,
                source,
            })
    }

    /// Sends what is queued, ends every subscription after what it already received, and closes.
    pub async fn drain(&self, deadline: Duration) -> Result<(), DrainError> {
        let mut closed = self.inner.signals.closed.subscribe();
        let drained = async {
            // Draining alone does not wait until the last bytes are written. Either call fails
            // only when the connection is closed already, which is what is wanted.
            drop(self.inner.client.flush().await);
            drop(self.inner.client.drain().await);
            drop(closed.wait_for(|closed| *closed).await);
        };
        if *self.inner.signals.closed.borrow() {
            return Ok(());
        }
        tokio::time::timeout(deadline, drained)
            .await
            .map_err(|_| DrainError::TimedOut(deadline))
    }

    /// Has what is queued written, where there is a server to write to. Without one it would wait until there is.
    pub(crate) async fn flush_if_there(&self) {
        if self.state() == ConnectionState::Connected {
            // It fails only when there is no connection left to flush.
            drop(tokio::time::timeout(FLUSH_DEADLINE, self.inner.client.flush()).await);
        }
    }

    /// Waits until the server has taken what was sent so far, such as a subscription, where there is a server. Flushing says
    /// only that it was written: the server answers when it ends a subscription, and what came before that is done by then.
    pub(crate) async fn settle_if_there(&self) {
        if self.state() != ConnectionState::Connected {
            return;
        }
        let client = &self.inner.client;
        let settled = async {
            let Ok(mut ended) = client.subscribe(client.new_inbox()).await else {
                return;
            };
            if ended.drain().await.is_ok() {
                while ended.next().await.is_some() {}
            }
        };
        drop(tokio::time::timeout(FLUSH_DEADLINE, settled).await);
    }

    /// The name of the server that we are connected to.
    pub fn server_name(&self) -> String {
        self.inner.client.server_info().server_name
    }

    pub(crate) fn has_other_servers(&self) -> bool {
        1 < self.inner.servers
    }

    /// Goes to another server, where one lets us in. Which one is tried is left to chance, so it may be the same again.
    pub(crate) async fn leave_server(&self) {
        let left = self.server_name();
        tracing::warn!(
            server = left,
            "nothing is answered here; another NATS server is tried"
        );
        for _ in 0..LEAVING_ATTEMPTS {
            let (before, mut states) = (self.connects(), self.state_changes());
            let arrived =
                async { while self.connects() == before && states.changed().await.is_ok() {} };
            if self.inner.client.force_reconnect().await.is_err() {
                return;
            }
            let is_there = tokio::time::timeout(CONNECT_DEADLINE, arrived)
                .await
                .is_ok();
            if !is_there || self.server_name() != left {
                return;
            }
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub(crate) fn replies(&self) -> &Replies {
        &self.inner.replies
    }

    pub(crate) fn denials(&self) -> &Denials {
        &self.inner.signals.denials
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstConnect {
    Now,
    WhenThere,
}

async fn start(
    settings: ConnectionSettings,
    first: FirstConnect,
) -> Result<Connection, ConnectError> {
    let addresses = addresses(&settings.url)?;
    let signals = Arc::new(Signals {
        state: watch::Sender::new(ConnectionState::Disconnected),
        closed: watch::Sender::new(false),
        denials: Denials::new(),
        dropped: AtomicU64::new(0),
    });
    let mut options = options(&settings).await?;
    let servers = addresses.len();
    if 1 < servers {
        options = options.connection_timeout(GREETING_DEADLINE);
    }
    options = options.event_callback({
        let signals = Arc::clone(&signals);
        move |event| {
            signals.take(&event);
            std::future::ready(())
        }
    });
    if first == FirstConnect::WhenThere {
        options = options.retry_on_initial_connect();
    }
    let client = options
        .connect(addresses)
        .await
        .map_err(|error| refusal(&settings, error))?;
    // The event that says so may be handled after this returns, and callers look at once.
    if first == FirstConnect::Now {
        signals.state.send_replace(ConnectionState::Connected);
    }
    let replies = Replies::start(&client)
        .await
        .map_err(|error| bad_settings("the inbox prefix is not a subject", Some(error.into())))?;
    Ok(Connection {
        inner: Arc::new(Inner {
            client,
            replies,
            signals,
            servers,
        }),
    })
}

fn addresses(url: &str) -> Result<Vec<ServerAddr>, ConnectError> {
    if url.contains('@') {
        return Err(bad_settings(
            "the address carries a user name or a password: give them apart",
            None,
        ));
    }
    url.split(',')
        .map(|address| {
            let address = address.trim();
            address.parse().map_err(|error: std::io::Error| {
                bad_settings(
                    &format!("{address:?} is not the address of a NATS server"),
                    Some(error.into()),
                )
            })
        })
        .collect()
}

async fn options(settings: &ConnectionSettings) -> Result<ConnectOptions, ConnectError> {
    let mut options = ConnectOptions::new()
        .name(&settings.client_name)
        .connection_timeout(CONNECT_DEADLINE)
        .ping_interval(PING_EVERY)
        .subscription_capacity(SUBSCRIPTION_CAPACITY);
    if let Some(prefix) = settings.effective_inbox_prefix() {
        options = options.custom_inbox_prefix(prefix);
    }
    if let Some(file) = &settings.ca_file {
        options = options
            .add_root_certificates(file.clone())
            .require_tls(true);
    }
    match (&settings.user, &settings.password, &settings.creds_file) {
        (None, None, None) => Ok(options),
        (Some(user), Some(password), None) => {
            let password = password.expose_secret().to_owned();
            Ok(options.user_and_password(user.clone(), password))
        }
        (None, None, Some(file)) => options.credentials_file(file).await.map_err(|error| {
            bad_settings(
                &format!("the credentials {} cannot be read", file.display()),
                Some(error.into()),
            )
        }),
        (Some(_), None, None) => Err(bad_settings("a user name without a password", None)),
        (None, Some(_), None) => Err(bad_settings("a password without a user name", None)),
        (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => Err(bad_settings(
            "a user name and password as well as a credentials file",
            None,
        )),
    }
}

fn bad_settings(what: &str, source: Option<Box<dyn Error + Send + Sync>>) -> ConnectError {
    ConnectError::BadSettings {
        what: what.to_owned(),
        source,
    }
}

fn refusal(settings: &ConnectionSettings, error: async_nats::ConnectError) -> ConnectError {
    let url = settings.url.clone();
    match error.kind() {
        ConnectErrorKind::ServerParse => {
            bad_settings("the address cannot be read", Some(error.into()))
        }
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            ConnectError::NotPermitted {
                url,
                client_name: settings.client_name.clone(),
                source: error.into(),
            }
        }
        ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Tls
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => ConnectError::NotReachable {
            url,
            source: error.into(),
        },
    }
}

impl Signals {
    fn take(&self, event: &Event) {
        match event {
            Event::Connected => {
                tracing::info!("connected to NATS");
                self.state.send_replace(ConnectionState::Connected);
            }
            Event::Disconnected => {
                tracing::warn!("disconnected from NATS, reconnecting");
                self.state.send_replace(ConnectionState::Disconnected);
            }
            Event::Closed => {
                self.closed.send_replace(true);
                self.state.send_replace(ConnectionState::Disconnected);
            }
            Event::SlowConsumer(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                tracing::warn!("a NATS subscription is full: messages to it are dropped");
            }
            Event::ServerError(error) => {
                let text = error.to_string();
                if self.denials.note(&text) {
                    tracing::warn!(text, "NATS denied an operation");
                }
            }
            Event::ClientError(error) => tracing::warn!(%error, "NATS connection"),
            Event::LameDuckMode => tracing::info!("the NATS server is going to stop"),
            Event::Draining => tracing::debug!("draining the NATS connection"),
        }
    }
}
