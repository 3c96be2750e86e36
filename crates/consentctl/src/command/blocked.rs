//! `blocked`: who can't be read, why, and the way back.

mod list;
mod message;
mod show;
mod void;

use assent_messaging::ConnectionSettings;

use crate::arguments::BlockedCommand;
use crate::ending::{Ending, Failure};
use crate::output::Output;

pub(crate) async fn run(
    settings: ConnectionSettings,
    command: BlockedCommand,
    output: &mut Output,
) -> Result<Ending, Failure> {
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
            let wish = void::Wish {
                sequence,
                reason,
                operator,
                yes,
            };
            void::run(settings, wish, output).await
        }
    }
}
