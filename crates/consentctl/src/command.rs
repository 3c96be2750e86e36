//! One file for each command.

mod account;
mod blocked;
mod checkpoint;
mod completions;
mod doctor;
mod errors;
mod explain;
mod export;
mod import;
mod list;
mod man;
mod projection;
mod replay;
mod schema;
mod tail;
mod vault;
mod verify;

use crate::arguments::{Command, ConnectionArguments, EventsCommand};
use crate::exit::{CommandError, Outcome};
use crate::output::Output;
use crate::settings;

/// Does what was asked for.
pub(crate) async fn run(
    command: Command,
    connection: &ConnectionArguments,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    // Who connects to nothing needs no settings, right or wrong.
    let settings = || settings::load(connection);
    match command {
        Command::Events(EventsCommand::List {
            which,
            kind,
            from,
            to,
            limit,
        }) => {
            let wanted = list::Wanted {
                which,
                kind,
                from,
                to,
                limit: (limit != 0).then_some(limit),
            };
            list::run(settings()?, &wanted, output).await
        }
        Command::Events(EventsCommand::Tail { account, from }) => {
            tail::run(settings()?, account.as_ref(), from, output).await
        }
        Command::Events(EventsCommand::Export(arguments)) => {
            export::run(settings()?, &arguments, output).await
        }
        Command::Events(EventsCommand::Import(arguments)) => {
            import::run(settings()?, &arguments, output).await
        }
        Command::Account { account } => account::run(settings()?, account, output).await,
        Command::Explain { account, user, at } => {
            explain::run(settings()?, account, user, at, output).await
        }
        Command::Blocked(command) => blocked::run(settings()?, command, output).await,
        Command::Projection(command) => projection::run(settings()?, command, output).await,
        Command::Checkpoint(command) => checkpoint::run(settings()?, command, output).await,
        Command::Vault(command) => vault::run(settings, command, output).await,
        Command::Verify(arguments) => verify::run(settings()?, &arguments, output).await,
        Command::Doctor => doctor::run(settings()?, output).await,
        Command::Check(arguments) => doctor::check(settings(), &arguments, output).await,
        Command::Errors { word } => errors::run(word.as_deref(), output),
        Command::Schema(of) => schema::run(&of, output),
        Command::Completions { shell } => completions::run(shell, output),
        Command::Man { to } => man::run(to.as_deref(), output),
        Command::Replay(arguments) => replay::run(settings, &arguments, output).await,
    }
}
