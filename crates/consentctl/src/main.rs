//! `consentctl`: the operators' command line. It reads the log and the view, and writes nothing.
//!
//! Exit codes: 0 all is well, 1 a finding, 64 wrong usage or configuration, 69 something can't be
//! reached.

mod account;
mod arguments;
mod connect;
mod doctor;
mod events;
mod explain;
mod output;
mod sentence;
mod stop;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, Events};
use connect::Cluster;
use output::Output;
use stop::Stop;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors to clap's caller; the rest is wrong usage.
            let usage = error.use_stderr();
            drop(error.print());
            return if usage {
                ExitCode::from(stop::USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Stop::Unreachable(error.to_string()).report(),
    };
    match runtime.block_on(run(arguments)) {
        Ok(code) => code,
        Err(stop) => stop.report(),
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Stop> {
    let output = Output::new(arguments.json);
    let cluster = Cluster::connect(&arguments).await;
    if let Command::Doctor = arguments.command {
        return doctor::run(cluster, output).await;
    }
    let cluster = cluster?;
    match arguments.command {
        Command::Events(Events::List(selection)) => events::list(&cluster, selection, output).await,
        Command::Events(Events::Tail(selection)) => events::tail(&cluster, selection, output).await,
        Command::Account { account } => account::run(&cluster, &account, output).await,
        Command::Explain { account, user, at } => {
            explain::run(&cluster, &account, &user, at, output).await
        }
        Command::Doctor => Ok(ExitCode::SUCCESS),
    }
}
