//! Everything at once: NATS, the simulated Microsoft, the host application, and our services between them.

mod actors;
mod plans;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use tempfile::TempDir;

use self::plans::Plans;
pub(crate) use self::plans::SIMULATOR_HOST_CLIENT_SECRET;
pub use self::plans::{SIMULATOR_CLIENT_ID, SIMULATOR_CLIENT_SECRET, SIMULATOR_HOST_CLIENT_ID};
use crate::actors::Http;
use crate::host_application::{HostApplication, HostApplicationError};
use crate::nats_server::{NatsServer, NatsServerError, NatsUser};
use crate::port::{PortError, ReservedPort};
use crate::previous_release::{self, PreviousReleaseError};
use crate::program::{NatsClient, Program, ProgramError, ProgramPlan};
use crate::vault_keys::VaultKeys;

/// How often a stack left alone looks after its programs.
const WATCH_EVERY: Duration = Duration::from_millis(500);
const COMMAND_PATIENCE: Duration = Duration::from_mins(1);

/// What a stack should be like.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// How many projections share the queries.
    pub projections: usize,
    /// How many gateways and login hooks there are, each as many.
    pub gateways: usize,
    /// How many servers NATS has: one, or three as a cluster, with every stream on each.
    pub nats_servers: usize,
    /// How many token brokers there are; with none, refresh tokens are not kept.
    pub token_brokers: usize,
    /// How the gateway and the token broker prove to Microsoft who it is.
    pub credential: Vec<(String, String)>,
    /// Variables for every service, on top of the usual ones.
    pub variables: Vec<(String, String)>,
    /// More arguments for the simulator.
    pub simulator_arguments: Vec<String>,
    /// Whether the example application is the host application; else this process is.
    pub example_host: bool,
    /// Variables for the example application, on top of the usual ones.
    pub example_host_variables: Vec<(String, String)>,
    /// Whether a server of the cluster can be cut off from the others.
    pub severable: bool,
    /// What is changed in the configuration of nats-server: these words, and what takes their place.
    pub nats_configuration: Vec<(String, String)>,
    /// Where the programs listen.
    pub ports: Ports,
    /// Which services are of the previous release: `consent-gateway`, `login-hook`, `projection-0`.
    pub previous: Vec<&'static str>,
}

/// Where the programs of a stack listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// On ports that nothing else uses.
    Any,
    /// On the default ports where these are free, else on any.
    Usual,
}

impl Ports {
    fn reserve(self, usual: u16) -> Result<ReservedPort, PortError> {
        match self {
            Self::Any => ReservedPort::pick(),
            Self::Usual => ReservedPort::prefer(usual),
        }
    }
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            projections: 1,
            gateways: 1,
            nats_servers: 1,
            token_brokers: 1,
            credential: Vec::from([(
                "ASSENT_ENTRA_CLIENT_SECRET".to_owned(),
                SIMULATOR_CLIENT_SECRET.to_owned(),
            )]),
            variables: Vec::new(),
            simulator_arguments: Vec::new(),
            example_host: false,
            example_host_variables: Vec::new(),
            severable: false,
            nats_configuration: Vec::new(),
            ports: Ports::Any,
            previous: Vec::new(),
        }
    }
}

/// A running stack. Its parts may be killed, stopped and started again; all are gone when it is dropped, services first.
#[derive(Debug)]
pub struct Stack {
    /// The example application, where it is part of the stack.
    pub example_host: Option<Program>,
    /// The login hook, which decides at login.
    pub login_hook: Program,
    /// The projections, which read the log.
    pub projections: Vec<Program>,
    /// The token brokers, which hand out access tokens.
    pub token_brokers: Vec<Program>,
    /// The gateway, which writes the log.
    pub gateway: Program,
    /// More gateways and more login hooks, where there are several of each.
    pub more: Vec<Program>,
    /// The simulated Microsoft.
    pub simulator: Program,
    /// The host application, which signs tokens.
    pub host: HostApplication,
    nats: NatsServer,
    /// The other servers of its cluster.
    nats_peers: Vec<NatsServer>,
    http: Http,
    directory: TempDir,
    _ports: Vec<ReservedPort>,
}

/// The stack could not be brought up.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// NATS did not come up.
    #[error("NATS is not there")]
    Nats(#[from] NatsServerError),
    /// The host application did not come up.
    #[error("the host application is not there")]
    Host(#[from] HostApplicationError),
    /// A program of ours did not come up.
    #[error("a program is not there")]
    Program(#[from] ProgramError),
    /// No port was found for a program.
    #[error("a program has no port")]
    Port(#[from] PortError),
    /// The services of the previous release could not be built.
    #[error("the previous release is not there")]
    PreviousRelease(#[from] PreviousReleaseError),
    /// The directory for data and logs, or a file in it, could not be made.
    #[error("the stack's directory could not be made")]
    Directory(#[source] std::io::Error),
}

/// `consentctl` did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The program is not built.
    #[error("consentctl is not there")]
    Program(#[from] ProgramError),
    /// The program could not be run.
    #[error("consentctl could not be run")]
    Run(#[source] std::io::Error),
    /// The program did not end in time.
    #[error("consentctl did not end within {} s", COMMAND_PATIENCE.as_secs())]
    TooLong,
}

/// Where the example application reads its key. Nobody else may look into a temporary directory.
fn signing_key_file(stack: &Path) -> PathBuf {
    stack.join("host-signing-key.pem")
}

/// The NATS server that is listened to first, and its peers where there are several.
async fn nats_servers(options: &StackOptions) -> Result<(NatsServer, Vec<NatsServer>), StackError> {
    let port = options.ports.reserve(4222)?;
    let changes = &options.nats_configuration;
    if options.nats_servers <= 1 {
        let only = NatsServer::start_changed_on(port, changes).await?;
        return Ok((only, Vec::new()));
    }
    let mut members = Vec::from([port]);
    while members.len() < options.nats_servers {
        members.push(ReservedPort::pick()?);
    }
    let mut servers = if options.severable {
        NatsServer::start_severable_cluster(members, changes).await?
    } else {
        NatsServer::start_cluster(members, changes).await?
    };
    let peers = servers.split_off(1);
    match servers.pop() {
        Some(first) => Ok((first, peers)),
        None => Err(NatsServerError::Files(std::io::ErrorKind::NotFound.into()).into()),
    }
}

impl Stack {
    /// Starts all of it, and waits until every service is ready.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let directory = tempfile::Builder::new()
            .prefix("assent-stack-")
            .tempdir()
            .map_err(StackError::Directory)?;
        let logs = directory.path().join("logs");
        std::fs::create_dir(&logs).map_err(StackError::Directory)?;
        let (nats, nats_peers) = nats_servers(&options).await?;
        let previous = (!options.previous.is_empty())
            .then(previous_release::find_or_build)
            .transpose()?;

        let mut ports = Vec::new();
        let mut reserve = |usual| -> Result<std::net::SocketAddr, PortError> {
            let port = options.ports.reserve(usual)?;
            let address = port.address();
            ports.push(port);
            Ok(address)
        };
        let example_host = options.example_host.then(|| reserve(8070)).transpose()?;
        let host = match example_host {
            Some(address) => HostApplication::example(address)?,
            None => HostApplication::start().await?,
        };
        // The addresses come first: Microsoft must know where browsers may return to, the gateway where Microsoft is.
        let plans = Plans {
            gateway: reserve(8080)?,
            simulator: reserve(8090)?,
            login_hook: reserve(8082)?,
            more: (1..options.gateways)
                .map(|_| Ok((reserve(8080)?, reserve(8082)?)))
                .collect::<Result<_, PortError>>()?,
            projections: (0..options.projections)
                .map(|_| reserve(8081))
                .collect::<Result<_, _>>()?,
            token_brokers: (0..options.token_brokers)
                .map(|_| reserve(8083))
                .collect::<Result<_, _>>()?,
            vault_keys: VaultKeys::make(&directory.path().join("vault"))
                .map_err(StackError::Directory)?,
            example_host,
            data: directory.path(),
            nats: &nats,
            host: &host,
            options: &options,
            previous,
        };
        // These two listen when they are ready, and have nothing to wait for.
        let simulator = Program::start_unready(plans.simulator(), &logs).await?;
        let example_host = match example_host {
            Some(address) => {
                std::fs::write(signing_key_file(directory.path()), host.signing_key())
                    .map_err(StackError::Directory)?;
                Some(Program::start_unready(plans.example_host(address), &logs).await?)
            }
            None => None,
        };
        let mut gateway = Program::start_unready(plans.gateway(), &logs).await?;
        let mut projections = Vec::new();
        for plan in plans.projections() {
            projections.push(Program::start_unready(plan, &logs).await?);
        }
        let mut token_brokers = Vec::new();
        for plan in plans.token_brokers() {
            token_brokers.push(Program::start_unready(plan, &logs).await?);
        }
        let mut login_hook = Program::start_unready(plans.login_hook(), &logs).await?;
        gateway.ready().await?;
        let mut more = Vec::new();
        for plan in plans.more() {
            more.push(Program::start(plan, &logs).await?);
        }
        for projection in &mut projections {
            projection.ready().await?;
        }
        for token_broker in &mut token_brokers {
            token_broker.ready().await?;
        }
        login_hook.ready().await?;
        Ok(Self {
            example_host,
            login_hook,
            projections,
            token_brokers,
            gateway,
            more,
            simulator,
            host,
            nats,
            nats_peers,
            http: Http::default(),
            directory,
            _ports: ports,
        })
    }

    /// The NATS server.
    pub fn nats(&self) -> &NatsServer {
        &self.nats
    }

    /// The NATS server, to be killed and started again.
    pub fn nats_mut(&mut self) -> &mut NatsServer {
        &mut self.nats
    }

    /// Starts the NATS server again, killed first if it still runs, and waits until every service that runs is connected to
    /// it. What they make of what they find there is theirs: they need not be ready.
    pub async fn restart_nats(&mut self) -> Result<(), StackError> {
        self.nats.restart().await?;
        let replicas = self.projections.iter_mut();
        let projection = NatsClient {
            name: "projection",
            answers: true,
            replicas: replicas.filter_map(|one| one.runs().then_some(())).count(),
        };
        let replicas = self.token_brokers.iter_mut();
        let token_broker = NatsClient {
            name: "token-broker",
            answers: true,
            replicas: replicas.filter_map(|one| one.runs().then_some(())).count(),
        };
        let client = |name, answers| NatsClient {
            name,
            answers,
            replicas: 1,
        };
        let services = [
            (&mut self.gateway, client("consent-gateway", true)),
            (&mut self.login_hook, client("login-hook", false)),
        ];
        let projections = self.projections.iter_mut();
        let projections = projections.map(|program| (program, projection));
        let token_brokers = self.token_brokers.iter_mut();
        let token_brokers = token_brokers.map(|program| (program, token_broker));
        let services = services.into_iter().chain(projections).chain(token_brokers);
        for (program, client) in services {
            program.connected_to(&self.nats, client).await?;
        }
        Ok(())
    }

    /// All servers of the cluster, in the order of their numbers.
    pub fn nats_cluster(&self) -> impl Iterator<Item = &NatsServer> {
        std::iter::once(&self.nats).chain(&self.nats_peers)
    }

    /// All servers of the cluster, to be killed, frozen and started again.
    pub fn nats_cluster_mut(&mut self) -> impl Iterator<Item = &mut NatsServer> {
        std::iter::once(&mut self.nats).chain(&mut self.nats_peers)
    }

    /// The environment that lets `consentctl` connect, as the operator.
    pub fn operator_environment(&self) -> Vec<(String, String)> {
        self.nats.environment(NatsUser::Operator)
    }

    /// What the host's own services log in to NATS with: name and password.
    pub fn sync_worker(&self) -> (String, String) {
        self.nats.credentials(NatsUser::SyncWorker)
    }

    /// The directory with one log file per program.
    pub fn log_directory(&self) -> PathBuf {
        self.directory.path().join("logs")
    }

    /// The directory with the data of projection `number`, counted from 0.
    pub fn projection_data(&self, number: usize) -> PathBuf {
        plans::projection_data(self.directory.path(), number)
    }

    /// Waits until one of the programs ends by itself, which is an error.
    pub async fn watch(&mut self) -> Result<(), ProgramError> {
        loop {
            let programs = [&mut self.gateway, &mut self.login_hook, &mut self.simulator];
            let programs = programs.into_iter().chain(&mut self.projections);
            let programs = programs.chain(&mut self.more);
            let programs = programs.chain(&mut self.token_brokers);
            for program in programs.chain(&mut self.example_host) {
                program.still_runs()?;
            }
            tokio::time::sleep(WATCH_EVERY).await;
        }
    }

    /// Everything anything of the stack has logged, for a search for what must not be there.
    pub fn logs_text(&self) -> String {
        let services = [&self.gateway, &self.login_hook, &self.simulator]
            .into_iter()
            .chain(&self.projections)
            .chain(&self.more)
            .chain(&self.token_brokers)
            .chain(&self.example_host);
        let texts = services
            .map(Program::log_text)
            .chain(self.nats_cluster().map(NatsServer::log_text));
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Runs `consentctl` as the operator, to its end.
    pub async fn consentctl(&self, arguments: &[&str]) -> Result<Output, CommandError> {
        self.consentctl_in(self.directory.path(), arguments).await
    }

    /// Runs `consentctl` as the operator in `directory`, to its end.
    async fn consentctl_in(
        &self,
        directory: &Path,
        arguments: &[&str],
    ) -> Result<Output, CommandError> {
        let mut plan =
            ProgramPlan::new("consentctl").variables(self.nats.environment(NatsUser::Operator));
        for argument in arguments {
            plan = plan.argument(*argument);
        }
        let binary = plan.binary()?;
        let mut command = tokio::process::Command::from(plan.command(&binary));
        let output = command.current_dir(directory).kill_on_drop(true).output();
        match tokio::time::timeout(COMMAND_PATIENCE, output).await {
            Ok(output) => output.map_err(CommandError::Run),
            Err(_) => Err(CommandError::TooLong),
        }
    }
}
