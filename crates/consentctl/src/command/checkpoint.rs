//! `checkpoint`: signed statements of all that was recorded, and whether the log still holds them.

mod keygen;
pub(crate) mod report;
mod sign;
mod state;
mod verify;
mod watch;

use assent_messaging::ConnectionSettings;

use crate::arguments::CheckpointCommand;
use crate::exit::{CommandError, Outcome};
use crate::output::Output;

pub(crate) async fn run(
    settings: ConnectionSettings,
    command: CheckpointCommand,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    match command {
        CheckpointCommand::Keygen { name, to } => keygen::run(&name, to, output),
        CheckpointCommand::Sign { key } => sign::run(settings, &key, output).await,
        CheckpointCommand::Verify { file, key, format } => {
            verify::run(settings, &file, key.as_deref(), format, output).await
        }
        CheckpointCommand::Watch {
            state,
            key,
            every,
            format,
        } => watch::run(settings, &state, &key, every, format, output).await,
    }
}
