//! A nats-server of its own, for one test, one demo or one benchmark.

mod cluster;
mod disk;
mod fetch;
mod links;
mod user;

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

use self::cluster::Membership;
pub use self::fetch::{FetchError, find_or_fetch};
pub use self::user::NatsUser;
use self::user::Passwords;
use crate::port::{PortError, ReservedPort};
use crate::process::{Process, last_lines};
use crate::target::{TargetError, tools_directory};
use crate::wait::wait_for;

const CONFIGURATION: &str = include_str!("../../../deploy/nats/nats-server.conf");

/// A configuration without users, for measuring NATS itself.
const PLAIN_CONFIGURATION: &str = r#"
host: "127.0.0.1"
port: $ASSENT_NATS_PORT
http_port: $ASSENT_NATS_MONITOR_PORT
jetstream { store_dir: $ASSENT_NATS_STORE_DIR, sync_interval: always }
"#;

/// Recovering a large stream takes a few seconds; a loaded machine takes longer.
const START_PATIENCE: Duration = Duration::from_secs(30);
const STOP_PATIENCE: Duration = Duration::from_secs(10);
const MONITOR_PATIENCE: Duration = Duration::from_secs(2);

/// A running nats-server with its own ports, store and passwords. Gone, with its files, when dropped.
#[derive(Debug)]
pub struct NatsServer {
    // The process is dropped before the directory it writes to.
    process: Option<Process>,
    program: PathBuf,
    directory: TempDir,
    port: ReservedPort,
    monitor: ReservedPort,
    passwords: Passwords,
    /// Tells our server from another one that happens to answer on the port.
    name: String,
    membership: Option<Membership>,
}

/// The server could not be brought up.
#[derive(Debug, thiserror::Error)]
pub enum NatsServerError {
    /// There is no nats-server to run.
    #[error("there is no nats-server to run")]
    Fetch(#[from] FetchError),
    /// Nowhere to keep fetched tools.
    #[error("there is no place for fetched tools")]
    Target(#[from] TargetError),
    /// No port for it.
    #[error("there is no port for nats-server")]
    Port(#[from] PortError),
    /// The files of the server could not be written.
    #[error("the files of nats-server could not be written")]
    Files(#[source] std::io::Error),
    /// The program could not be run.
    #[error("{} could not be run", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The server ended by itself, or was not ready in time.
    #[error("nats-server did not come up: {reason}; its log ends:\n{log}")]
    NotReady {
        /// What was seen.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
}

/// What the server says of its clients.
#[derive(serde::Deserialize)]
struct Clients {
    connections: Vec<Client>,
}

#[derive(serde::Deserialize)]
struct Client {
    #[serde(default)]
    name: String,
    #[serde(default)]
    subscriptions_list: Vec<String>,
}

impl NatsServer {
    /// Starts a server with the users and permissions of `deploy/nats`, and waits until it takes connections.
    pub async fn start() -> Result<Self, NatsServerError> {
        Self::start_with(CONFIGURATION, ReservedPort::pick()?).await
    }

    /// Starts a server with another configuration: the deployed one, changed for a test.
    pub async fn start_configured(configuration: &str) -> Result<Self, NatsServerError> {
        Self::start_with(configuration, ReservedPort::pick()?).await
    }

    /// Starts a server with the deployed configuration, some of its words replaced, on a port of the caller's choice.
    pub async fn start_changed_on(
        port: ReservedPort,
        changes: &[(String, String)],
    ) -> Result<Self, NatsServerError> {
        let configuration = changes
            .iter()
            .fold(CONFIGURATION.to_owned(), |text, (from, to)| {
                text.replacen(from, to, 1)
            });
        Self::start_with(&configuration, port).await
    }

    /// Starts a server that asks nobody who they are.
    pub async fn start_plain() -> Result<Self, NatsServerError> {
        Self::start_with(PLAIN_CONFIGURATION, ReservedPort::pick()?).await
    }

    async fn start_with(configuration: &str, port: ReservedPort) -> Result<Self, NatsServerError> {
        let mut server = Self::prepare(configuration, port).await?;
        server.run().await?;
        Ok(server)
    }

    /// All but starting it.
    async fn prepare(configuration: &str, port: ReservedPort) -> Result<Self, NatsServerError> {
        let tools = tools_directory()?;
        let program = match tokio::task::spawn_blocking(move || find_or_fetch(&tools)).await {
            Ok(found) => found?,
            Err(stopped) => return Err(NatsServerError::Files(std::io::Error::other(stopped))),
        };
        let directory = tempfile::Builder::new()
            .prefix("assent-nats-")
            .tempdir()
            .map_err(NatsServerError::Files)?;
        std::fs::write(directory.path().join("nats-server.conf"), configuration)
            .map_err(NatsServerError::Files)?;
        Ok(Self {
            process: None,
            program,
            directory,
            port,
            monitor: ReservedPort::pick()?,
            passwords: Passwords::random(),
            name: format!("assent-{}", uuid::Uuid::new_v4()),
            membership: None,
        })
    }

    /// Where clients of this server connect to.
    pub fn url(&self) -> String {
        format!("nats://{}", self.port.address())
    }

    /// Where clients of the whole cluster connect to, separated by commas; of one server without a cluster, its URL.
    pub fn urls(&self) -> String {
        match &self.membership {
            Some(membership) => membership.urls.clone(),
            None => self.url(),
        }
    }

    /// The name by which servers know it, and by which a stream names its leader.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What `user` logs in with: name and password.
    pub fn credentials(&self, user: NatsUser) -> (String, String) {
        (user.name().to_owned(), self.passwords.of(user).to_owned())
    }

    /// Connects as `user`, with the inbox that the user may have.
    pub(crate) async fn connect(
        &self,
        user: NatsUser,
    ) -> Result<async_nats::Client, async_nats::ConnectError> {
        let (name, password) = self.credentials(user);
        async_nats::ConnectOptions::with_user_and_password(name.clone(), password)
            .custom_inbox_prefix(format!("_INBOX_{name}"))
            .connect(self.urls().split(',').collect::<Vec<_>>().as_slice())
            .await
    }

    /// The environment that lets one of our programs connect as `user`.
    pub fn environment(&self, user: NatsUser) -> Vec<(String, String)> {
        let (name, password) = self.credentials(user);
        vec![
            ("ASSENT_NATS_URL".to_owned(), self.urls()),
            ("ASSENT_NATS_USER".to_owned(), name),
            ("ASSENT_NATS_PASSWORD".to_owned(), password),
        ]
    }

    /// The process id, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Where JetStream keeps its files.
    pub fn store_directory(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// All it has logged.
    pub fn log_text(&self) -> String {
        std::fs::read(self.log_file())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// SIGKILL: what a crash looks like.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// SIGSTOP: a server that hangs. Its connections stay, and nothing is answered.
    pub fn freeze(&self) {
        if let Some(process) = &self.process {
            process.signal(Signal::STOP);
        }
    }

    /// SIGCONT: it goes on where it was.
    pub fn thaw(&self) {
        if let Some(process) = &self.process {
            process.signal(Signal::CONT);
        }
    }

    /// SIGTERM, and waits until it has ended.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(STOP_PATIENCE).await;
        }
    }

    /// How many clients of this name are connected, and have a subscription where `subscribed` says so.
    pub(crate) async fn clients(&self, name: &str, subscribed: bool) -> usize {
        let monitor = format!("http://{}/connz?subs=1", self.monitor.address());
        let asked = reqwest::Client::new()
            .get(monitor)
            .timeout(MONITOR_PATIENCE);
        let Ok(answer) = asked.send().await else {
            return 0;
        };
        let Ok(answer) = answer.json::<Clients>().await else {
            return 0;
        };
        let clients = answer.connections.iter();
        clients
            .filter(|client| client.name == name)
            .filter(|client| !subscribed || !client.subscriptions_list.is_empty())
            .count()
    }

    /// Starts it again, killed first if it still runs: same port, same store, same passwords. Clients find it again a
    /// little later.
    pub async fn restart(&mut self) -> Result<(), NatsServerError> {
        self.kill();
        self.run().await
    }

    async fn run(&mut self) -> Result<(), NatsServerError> {
        self.spawn()?;
        self.listening().await
    }

    fn spawn(&mut self) -> Result<(), NatsServerError> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())
            .map_err(NatsServerError::Files)?;
        let errors = log.try_clone().map_err(NatsServerError::Files)?;
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.directory.path().join("nats-server.conf"))
            .args(["--name", &self.name])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("ASSENT_NATS_PORT", self.port.number().to_string())
            .env(
                "ASSENT_NATS_MONITOR_PORT",
                self.monitor.number().to_string(),
            )
            // Quoted, as the path may hold anything.
            .env(
                "ASSENT_NATS_STORE_DIR",
                format!("\"{}\"", self.store_directory().display()),
            )
            .envs(self.passwords.environment())
            .envs(self.membership.iter().flat_map(Membership::environment))
            .stdin(std::process::Stdio::null())
            .stdout(log)
            .stderr(errors);
        let process = Process::spawn(&mut command).map_err(|source| NatsServerError::Spawn {
            program: self.program.clone(),
            source,
        })?;
        self.process = Some(process);
        Ok(())
    }

    async fn listening(&mut self) -> Result<(), NatsServerError> {
        match wait_for(START_PATIENCE, async || self.ready().await).await {
            Some(Ok(())) => Ok(()),
            Some(Err(reason)) => Err(self.not_ready(reason)),
            None => Err(self.not_ready(format!("not ready after {} s", START_PATIENCE.as_secs()))),
        }
    }

    /// Whether the server is ready: it greets clients, for it recovers its streams before it listens. An error where it
    /// never will be.
    async fn ready(&mut self) -> Option<Result<(), String>> {
        if let Some(status) = self.process.as_mut().and_then(Process::ended) {
            return Some(Err(format!("it ended with {status}")));
        }
        self.greets_as_ours().await.then_some(Ok(()))
    }

    async fn greets_as_ours(&self) -> bool {
        let Ok(connection) = TcpStream::connect(self.port.address()).await else {
            return false;
        };
        let mut greeting = String::new();
        let read = BufReader::new(connection).read_line(&mut greeting).await;
        read.is_ok() && greeting.contains(&self.name)
    }

    fn not_ready(&mut self, reason: String) -> NatsServerError {
        self.kill();
        NatsServerError::NotReady {
            reason,
            log: last_lines(&self.log_text(), 20),
        }
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("nats-server.log")
    }
}
