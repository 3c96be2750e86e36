//! One entry point for every service: arguments, configuration, start, stop.
//!
//! The order matters and is the same everywhere: arguments and configuration
//! are judged before anything is opened, so a mistake costs one clear line and
//! exit code 64; only then do logs, the tokio runtime and the service start.

use std::error::Error;
use std::ffi::OsString;
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::fs::Mode;
use serde::de::DeserializeOwned;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config;
use crate::error_chain::with_sources;
use crate::metrics;
use crate::runtime::Runtime;
use crate::telemetry::{self, Telemetry};

mod arguments;

pub use crate::config::Variable;
use arguments::Invocation;
pub use arguments::{Flag, GivenFlags};

/// The arguments or the configuration cannot be used (`EX_USAGE`).
const EXIT_USAGE: u8 = 64;
/// Something the program cannot start without did not answer (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: u8 = 69;
/// The program started and failed.
const EXIT_FAILURE: u8 = 1;

/// How long a stopping program may take: the server's drain and a little more
/// for what the service does after it.
const STOP_WITHIN: Duration = Duration::from_secs(12);

/// What a program is called, what it is for and what it reads.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The name of the binary.
    pub name: &'static str,
    /// The program's version, usually `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// One or two sentences for `--help`.
    pub about: &'static str,
    /// Every variable the program reads; no other reaches its configuration.
    pub variables: &'static [Variable],
    /// The names of all variables of all programs that may share an environment with this one. Any other name that begins
    /// with `ASSENT_` is a typing error, and refused.
    pub known_names: &'static [&'static str],
}

/// Why a service stopped working: any error, for the program's last log line.
pub type StartError = Box<dyn Error + Send + Sync>;

/// Something outside that the program needs did not answer.
///
/// Anywhere in the chain of sources of the error a service returns, this makes
/// the program exit 69 rather than 1.
#[derive(Debug, thiserror::Error)]
#[error("{what} is not reachable")]
pub struct NotReachable {
    what: String,
    #[source]
    source: Option<StartError>,
}

impl NotReachable {
    /// Names what did not answer, and why if that is known.
    pub fn new(what: impl Into<String>, source: Option<StartError>) -> Self {
        Self {
            what: what.into(),
            source,
        }
    }
}

/// The configuration is readable, and can't be used all the same: a certificate that does not belong to its key, two
/// values that contradict each other.
///
/// Anywhere in the chain of sources of the error a service returns, this makes the program exit 64 with one line, as
/// every other fault of the configuration does.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misconfigured(String);

impl Misconfigured {
    /// Says what is wrong, in one sentence.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// Takes over what an error says, with its sources.
    pub fn from_error(error: &(dyn Error + 'static)) -> Self {
        Self(with_sources(error).to_string())
    }
}

/// Everything answers, and the program won't start as things stand: an operator has to decide first.
///
/// Anywhere in the chain of sources of the error a service returns, this makes the program exit 69
/// with one line that says what can be done.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NeedsOperator(String);

impl NeedsOperator {
    /// Says what was found, and what the operator can do.
    pub fn new(decide: impl Into<String>) -> Self {
        Self(decide.into())
    }
}

/// Runs a service from its command line to its exit code.
///
/// `start` receives the configuration and the [`Runtime`], and normally returns
/// when [`crate::serve`] has drained. SIGTERM or SIGINT asks for that; a second
/// signal stops waiting for it.
pub fn run<C, F, Fut>(program: &Program, start: F) -> ExitCode
where
    C: DeserializeOwned,
    F: FnOnce(C, Runtime) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
{
    run_with_flags(program, &[], |config, runtime, _| start(config, runtime))
}

/// Runs a service as [`run`] does, with flags of the program's own.
pub fn run_with_flags<C, F, Fut>(program: &Program, flags: &'static [Flag], start: F) -> ExitCode
where
    C: DeserializeOwned,
    F: FnOnce(C, Runtime, GivenFlags) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
{
    let (file, given) = match arguments::parse(std::env::args_os().skip(1), flags) {
        Ok(Invocation::Help) => return say(&arguments::help(program, flags)),
        Ok(Invocation::Version) => return say(&format!("{} {}\n", program.name, program.version)),
        Ok(Invocation::Run { config, given }) => (config, given),
        Err(error) => return refuse(program, &error),
    };
    let start = |config, runtime| start(config, runtime, given);
    let config = match read_config::<C>(program, file.as_deref()) {
        Ok(config) => config,
        Err(error) => return refuse(program, &error),
    };
    // Whatever a service writes is its own business alone: a view tells who permitted what.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let telemetry = match telemetry::install(program.name) {
        Ok(telemetry) => telemetry,
        Err(error) => return refuse(program, &error),
    };
    metrics::install();
    metrics::begin(program.name, program.version);
    run_service(program, config, start, telemetry)
}

fn read_config<C: DeserializeOwned>(
    program: &Program,
    file: Option<&Path>,
) -> Result<C, config::ConfigError> {
    let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    config::load(program.variables, program.known_names, environment, file)
}

fn run_service<C, F, Fut>(program: &Program, config: C, start: F, telemetry: Telemetry) -> ExitCode
where
    F: FnOnce(C, Runtime) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
{
    let tokio = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(tokio) => tokio,
        Err(error) => {
            tracing::error!(error = %with_sources(&error), "cannot start the runtime");
            return ExitCode::from(EXIT_FAILURE);
        }
    };
    let code = tokio.block_on(async {
        let runtime = Runtime::new();
        // Observed before the service starts: a signal in between would kill it.
        let signals = Signals::observe();
        tokio::select! {
            // A second signal means that whoever sent it will not wait.
            () = second_signal(signals, &runtime) => {
                tracing::error!("stopped at once by a second signal");
                EXIT_FAILURE
            }
            code = supervise(program, start(config, runtime.clone()), &runtime) => code,
        }
    });
    // A blocking task that does not end must not keep the process alive.
    tokio.shutdown_timeout(Duration::from_secs(1));
    telemetry.flush();
    ExitCode::from(code)
}

/// Waits for the service to end by itself or on request, then for its tasks.
async fn supervise(
    program: &Program,
    service: impl Future<Output = Result<(), StartError>>,
    runtime: &Runtime,
) -> u8 {
    tokio::pin!(service);
    let outcome = tokio::select! {
        outcome = &mut service => Some(outcome),
        () = runtime.shutdown_requested() => None,
    };
    let stop = async {
        let outcome = match outcome {
            Some(outcome) => outcome,
            // Before it serves there is nothing in flight to finish: a service
            // still waiting for a dependency is simply dropped.
            None if runtime.is_serving() => service.await,
            None => Ok(()),
        };
        runtime.request_shutdown();
        runtime.tasks_ended().await;
        outcome
    };
    match tokio::time::timeout(STOP_WITHIN, stop).await {
        Ok(Ok(())) => {
            if let Some(task) = runtime.died() {
                tracing::error!(task, "stopped because a task died");
                EXIT_FAILURE
            } else {
                tracing::info!("stopped");
                0
            }
        }
        Ok(Err(error)) => {
            if let Some(fault) = find::<Misconfigured>(error.as_ref()) {
                write_refusal(program, fault);
                return EXIT_USAGE;
            }
            if let Some(decision) = find::<NeedsOperator>(error.as_ref()) {
                tracing::error!(error = %decision, "not started");
                write_refusal(program, decision);
                return EXIT_UNAVAILABLE;
            }
            tracing::error!(error = %with_sources(error.as_ref()), "the service failed");
            find::<NotReachable>(error.as_ref()).map_or(EXIT_FAILURE, |_| EXIT_UNAVAILABLE)
        }
        Err(_elapsed) => {
            tracing::error!("did not stop in time");
            EXIT_FAILURE
        }
    }
}

/// The first error of a kind in a chain.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        link = error.source();
    }
    None
}

/// The two signals that ask a program to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn observe() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Asks for shutdown at the first signal and returns at the next one after a
/// shutdown has begun.
async fn second_signal(signals: std::io::Result<Signals>, runtime: &Runtime) {
    let mut signals = match signals {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(error = %with_sources(&error), "signals cannot be observed");
            return std::future::pending().await;
        }
    };
    loop {
        signals.next().await;
        if runtime.is_shutting_down() {
            return;
        }
        tracing::info!("stopping");
        runtime.request_shutdown();
    }
}

/// Answers on standard output; a closed pipe there is nobody's error.
fn say(text: &str) -> ExitCode {
    let _closed_pipe = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn refuse(program: &Program, error: &(dyn Error + 'static)) -> ExitCode {
    write_refusal(program, error);
    ExitCode::from(EXIT_USAGE)
}

fn write_refusal(program: &Program, error: &(dyn Error + 'static)) {
    let line = format!("{}: {}", program.name, with_sources(error)).replace(['\n', '\r'], " ");
    let _closed_pipe = writeln!(std::io::stderr(), "{line}");
}
