//! Our own programs, as processes.

mod log;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use self::log::ProgramLog;
use crate::nats_server::NatsServer;
use crate::process::Process;
use crate::target::{TargetError, profile_directory};
use crate::wait::wait_for;

/// A debug build on a busy machine takes its time, and a projection may have a log to read.
const START_PATIENCE: Duration = Duration::from_mins(1);
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const REQUEST_PATIENCE: Duration = Duration::from_secs(2);

/// What to run: the name of the binary, its arguments, its whole environment.
#[derive(Debug, Clone)]
pub struct ProgramPlan {
    name: &'static str,
    /// Tells several runs of one binary apart.
    label: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// Where the binary lies; by default where this build puts it.
    directory: Option<PathBuf>,
}

/// A program of ours that runs, or that ran and can be started again. Killed when dropped.
#[derive(Debug)]
pub struct Program {
    process: Option<Process>,
    plan: ProgramPlan,
    binary: PathBuf,
    address: SocketAddr,
    log: ProgramLog,
}

/// A program could not be brought up.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Where our programs are built to is unknown.
    #[error("the place of our programs is unknown")]
    Target(#[from] TargetError),
    /// The program has not been built.
    #[error("{} is not built: run `cargo build --workspace --bins`", .0.display())]
    NotBuilt(PathBuf),
    /// The program could not be run.
    #[error("{name} could not be run")]
    Spawn {
        /// The binary's name.
        name: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The program ended by itself.
    #[error("{name} ended with {status}; its log ends:\n{log}")]
    Ended {
        /// The binary's name.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// The program runs, but was not ready in time.
    #[error("{name} was not ready within {} s: {said}; its log ends:\n{log}", START_PATIENCE.as_secs())]
    NotReady {
        /// The binary's name.
        name: String,
        /// What `/readyz` said last.
        said: String,
        /// The last lines of its log.
        log: String,
    },
}

/// Which clients of the NATS server a program has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NatsClient {
    /// What they are called.
    pub(crate) name: &'static str,
    /// Whether they answer questions, and so have subscriptions.
    pub(crate) answers: bool,
    /// How many programs of this kind run.
    pub(crate) replicas: usize,
}

impl ProgramPlan {
    /// Plans to run the binary `name`.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            label: name.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
        }
    }

    /// Takes the binary from a directory; `None` for where this build puts it.
    #[must_use]
    pub fn directory(mut self, directory: Option<PathBuf>) -> Self {
        self.directory = directory;
        self
    }

    /// Names this run, where one binary runs several times; its log file is called so.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds a variable. A later one of the same name wins.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Adds variables.
    #[must_use]
    pub fn variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// The command: its environment is what was planned and `PATH`, nothing else.
    pub(crate) fn command(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn binary(&self) -> Result<PathBuf, ProgramError> {
        let directory = match &self.directory {
            Some(directory) => directory.clone(),
            None => profile_directory()?,
        };
        let binary = directory.join(self.name);
        if binary.is_file() {
            Ok(binary)
        } else {
            Err(ProgramError::NotBuilt(binary))
        }
    }
}

impl Program {
    /// Runs a program, and waits until it listens and says that it is ready.
    pub async fn start(plan: ProgramPlan, logs: &Path) -> Result<Self, ProgramError> {
        let mut program = Self::start_unready(plan, logs).await?;
        program.ready().await?;
        Ok(program)
    }

    /// Runs a program, and waits until it listens, ready or not.
    pub async fn start_unready(plan: ProgramPlan, logs: &Path) -> Result<Self, ProgramError> {
        let binary = plan.binary()?;
        let log = ProgramLog::new(logs.join(format!("{}.log", plan.label)));
        let mut program = Self {
            process: None,
            plan,
            binary,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            log,
        };
        program.run().await?;
        Ok(program)
    }

    /// The base URL it answers on.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file that it is run from.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The process id, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// All it has logged, over all its runs.
    pub fn log_text(&self) -> String {
        self.log.text()
    }

    /// The file it logs to.
    pub fn log_file(&self) -> &Path {
        self.log.path()
    }

    /// How it ended by itself, or nothing while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().and_then(Process::ended)
    }

    /// SIGKILL: what a crash looks like.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// SIGTERM, and waits for it to end: how it ended, or nothing if it had to be killed or did not run.
    pub async fn terminate(&mut self) -> Option<ExitStatus> {
        self.process.take()?.terminate(STOP_PATIENCE).await
    }

    /// Starts it again on the same address, killed first if it still runs, and waits until it is ready.
    pub async fn restart(&mut self) -> Result<(), ProgramError> {
        self.restart_unready().await?;
        self.ready().await
    }

    /// Ends it with SIGTERM and starts the binary of another directory in its place, as
    /// [`ProgramPlan::directory`]; waits until that is ready.
    pub async fn replace(&mut self, directory: Option<PathBuf>) -> Result<(), ProgramError> {
        self.terminate().await;
        self.plan.directory = directory;
        self.binary = self.plan.binary()?;
        self.restart().await
    }

    /// Starts it again with more arguments, which later runs have no longer.
    pub async fn restart_with(&mut self, arguments: &[&str]) -> Result<(), ProgramError> {
        let usual = self.plan.arguments.len();
        let more = arguments.iter().map(|argument| (*argument).to_owned());
        self.plan.arguments.extend(more);
        let restarted = self.restart_unready().await;
        self.plan.arguments.truncate(usual);
        restarted?;
        self.ready().await
    }

    /// Starts it again on the same address, and waits until it listens, ready or not.
    pub async fn restart_unready(&mut self) -> Result<(), ProgramError> {
        self.kill();
        // Where it had chosen the port itself, it keeps it.
        let listen = self.address.to_string();
        self.plan
            .environment
            .push(("ASSENT_LISTEN".to_owned(), listen));
        self.run().await
    }

    /// Waits until `/readyz` answers 200.
    pub async fn ready(&mut self) -> Result<(), ProgramError> {
        let mut said = "no answer".to_owned();
        let ready = wait_for(START_PATIENCE, async || match self.readiness().await {
            Ok(()) => Some(Ok(())),
            Err(reason) => {
                said = reason;
                self.still_runs().err().map(Err)
            }
        });
        match ready.await {
            Some(ready) => ready,
            None => Err(self.not_ready(said)),
        }
    }

    async fn run(&mut self) -> Result<(), ProgramError> {
        let name = self.plan.label.clone();
        let log = self
            .log
            .begin_run()
            .and_then(|log| Ok((log.try_clone()?, log)));
        let process = log.and_then(|(output, errors)| {
            Process::spawn(
                self.plan
                    .command(&self.binary)
                    .stdout(output)
                    .stderr(errors),
            )
        });
        self.process = Some(process.map_err(|source| ProgramError::Spawn { name, source })?);
        let listening = wait_for(START_PATIENCE, async || match self.log.listening() {
            Some(address) => Some(Ok(address)),
            None => self.still_runs().err().map(Err),
        });
        match listening.await {
            Some(address) => {
                self.address = address?;
                Ok(())
            }
            None => Err(self.not_ready("it does not listen".to_owned())),
        }
    }

    /// Waits until it is connected to a NATS server that was just started, ready or not; at once where it does not run.
    /// A server knows of a client before the client knows of the server, so both are asked.
    pub(crate) async fn connected_to(
        &mut self,
        nats: &NatsServer,
        client: NatsClient,
    ) -> Result<(), ProgramError> {
        let connected = wait_for(START_PATIENCE, async || {
            let clients = nats.clients(client.name, client.answers).await;
            let is_connected = client.replicas <= clients && self.says_connected().await;
            (is_connected || !self.runs()).then_some(())
        });
        let connected = connected.await;
        connected.ok_or_else(|| self.not_ready("it did not find NATS again".to_owned()))
    }

    /// Whether it was started and has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.process.is_some() && self.ended().is_none()
    }

    /// Whether `/readyz` finds nothing wrong with its connection to NATS.
    async fn says_connected(&self) -> bool {
        let request = reqwest::Client::new()
            .get(format!("{}/readyz", self.url()))
            .timeout(REQUEST_PATIENCE);
        let Ok(answer) = request.send().await else {
            return false;
        };
        let said: serde_json::Value = answer.json().await.unwrap_or_default();
        said.pointer("/dependencies/nats/ready")
            .is_none_or(|ready| ready == true)
    }

    async fn readiness(&self) -> Result<(), String> {
        let request = reqwest::Client::new()
            .get(format!("{}/readyz", self.url()))
            .timeout(REQUEST_PATIENCE);
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(format!(
            "{status} {}",
            answer.text().await.unwrap_or_default()
        ))
    }

    pub(crate) fn still_runs(&mut self) -> Result<(), ProgramError> {
        match self.ended() {
            Some(status) => Err(ProgramError::Ended {
                name: self.plan.label.clone(),
                status,
                log: self.log.last_lines(),
            }),
            None => Ok(()),
        }
    }

    fn not_ready(&self, said: String) -> ProgramError {
        ProgramError::NotReady {
            name: self.plan.label.clone(),
            said,
            log: self.log.last_lines(),
        }
    }
}
