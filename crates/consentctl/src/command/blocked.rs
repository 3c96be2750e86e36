//! `blocked`: who can't be read, why, and the way back.

mod list;
pub(crate) mod message;
mod show;
mod void;

use assent_messaging::ConnectionSettings;

use crate::arguments::BlockedCommand;
use crate::exit::{CommandError, Outcome};
use crate::output::Output;

pub(crate) async fn run(
    settings: ConnectionSettings,
    command: BlockedCommand,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    match command {
        BlockedCommand::List { limit } => {
            list::run(settings, (limit != 0).then_some(limit), output).await
        }
        BlockedCommand::Show { sequence } => show::run(settings, sequence, output).await,
        BlockedCommand::Void {
            sequence,
            reason,
            operator,
            yes,
        } => {
            let request = void::VoidRequest {
                sequence,
                reason,
                operator,
                yes,
            };
            void::run(settings, request, output).await
        }
    }
}
