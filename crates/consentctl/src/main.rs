//! `consentctl`: the operators' command line.
//!
//! It reads the log of consent events, and what the services answer over NATS. It writes nothing
//! itself: what an operator may have recorded, it asks of the gateway. Only an import of a log writes, in the gateway's
//! place, while none runs; and what seals refresh tokens is changed in the token broker's name.
//!
//! Read in this order:
//!
//! 1. [`arguments`] and [`settings`]: what it is told.
//! 2. [`exit`]: how a run ends, and the exit codes; [`confirm`]: whoever writes asks first.
//! 3. [`event_text`]: events and their values as English text.
//! 4. [`event_line`]: one stored message as a line of text or of JSON; [`output`]: where it goes.
//! 5. [`history`], [`scan`] and [`walk`]: the log, read in three ways; [`projection`] and [`replicas`]: the view of it, of
//!    whichever projection answers and of each; [`told`]: how far changes were told.
//! 6. [`key_file`] and [`log_root`]: what somebody kept of the log, and whether it still holds that.
//! 7. [`export`]: a log as a file or directory. [`fold`]: what a log adds up to, as a view.
//! 8. [`command`]: one file for each command.

mod arguments;
mod settings;

mod confirm;
mod exit;

mod event_text;

mod event_line;
mod output;

mod history;
mod projection;
mod replicas;
mod scan;
mod told;
mod walk;

mod key_file;
mod log_root;

mod export;
mod fold;

mod command;

use std::io::Write as _;
use std::process::ExitCode;

use assent_service_kit::error_chain::with_sources;
use assent_service_kit::telemetry::may_be_logged;
use clap::Parser as _;
use serde_json::json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use arguments::Arguments;
use exit::{CommandError, FailureCode, Outcome};
use output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => return answer(&refused),
    };
    let json = arguments.json;
    match run(arguments) {
        Ok(outcome) => outcome.into(),
        // Whoever reads has read enough: `consentctl events list | head`.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let says = with_sources(&failure).to_string();
            complain(failure.code(), failure.exit_code(), &says, json);
            failure.exit_code().into()
        }
    }
}

fn run(arguments: Arguments) -> Result<Outcome, CommandError> {
    // What the libraries log would come between the lines. It is there for whoever asks for it.
    tracing_subscriber::registry()
        .with(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off")))
        .with(filter_fn(|metadata| may_be_logged("consentctl", metadata)))
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .init();
    let mut output = Output::to_stdout(arguments.json);
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command::run(
            arguments.command,
            &arguments.connection,
            &mut output,
        ))?;
    output.flush()?;
    Ok(outcome)
}

/// Prints the help or the version, or what is wrong with the command line.
fn answer(refused: &clap::Error) -> ExitCode {
    if !refused.use_stderr() {
        // A closed pipe there is nobody's error.
        drop(refused.print());
        return ExitCode::SUCCESS;
    }
    // What was given can't be read, but whether it was a program that gave it can.
    if std::env::args_os().any(|argument| argument == "--json") {
        let says = refused.render().to_string();
        complain(FailureCode::Usage.as_str(), exit::USAGE, says.trim(), true);
    } else {
        drop(refused.print());
    }
    exit::USAGE.into()
}

/// Says on standard error why there is no answer: a line for people, or a line of JSON for programs.
fn complain(code: &str, exit_code: u8, says: &str, json: bool) {
    let line = if json {
        let error = json!({ "code": code, "says": says, "exit_code": exit_code });
        json!({ "error": error }).to_string()
    } else {
        let line = output::printable(&says.replace('\n', " "));
        format!("consentctl: {line}")
    };
    // There is nowhere left to complain.
    drop(writeln!(std::io::stderr(), "{line}"));
}
