//! `projection`: each replica, whether they hold the same, and building their views anew.

mod accept_log;
mod digest;
mod rebuild;
mod status;

use assent_messaging::{Connection, ConnectionSettings};

use crate::arguments::ProjectionCommand;
use crate::exit::{CommandError, Outcome};
use crate::output::Output;

pub(crate) async fn run(
    settings: ConnectionSettings,
    command: ProjectionCommand,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let connection = Connection::connect(settings).await?;
    match command {
        ProjectionCommand::Status { compare } => status::run(&connection, compare, output).await,
        ProjectionCommand::AcceptLog { yes } => accept_log::run(&connection, yes, output).await,
        ProjectionCommand::Digest => digest::run(&connection, output).await,
        ProjectionCommand::Rebuild(wanted) => rebuild::run(&connection, &wanted, output).await,
    }
}
