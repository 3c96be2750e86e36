//! `vault`: the keys that refresh tokens are sealed with.
//!
//! [`census`] counts which key seals how many; the others are the commands.

mod census;
mod init;
mod retire;
mod rotate;
mod status;

use assent_messaging::{Connection, ConnectionSettings};
use assent_token_vault::{DirectoryError, KeyDirectory, KeyFile, StoreError, TokenStore};

use crate::arguments::VaultCommand;
use crate::exit::{CommandError, Outcome};
use crate::output::Output;

pub(crate) async fn run(
    settings: impl FnOnce() -> Result<ConnectionSettings, CommandError>,
    command: VaultCommand,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    match command {
        VaultCommand::Init(directory) => init::run(&KeyDirectory::new(directory.dir), output),
        VaultCommand::Status(directory) => {
            status::run(settings()?, &KeyDirectory::new(directory.dir), output).await
        }
        VaultCommand::Rotate {
            directory,
            key_only: true,
            ..
        } => rotate::key_only(&KeyDirectory::new(directory.dir), output),
        VaultCommand::Rotate {
            directory,
            key_only: false,
            no_new_key,
        } => {
            let directory = KeyDirectory::new(directory.dir);
            rotate::run(settings()?, directory, !no_new_key, output).await
        }
        VaultCommand::Retire {
            key,
            directory,
            yes,
        } => {
            let directory = KeyDirectory::new(directory.dir);
            retire::run(settings()?, &key, &directory, yes, output).await
        }
    }
}

/// The keys of a directory that has to have some, the oldest first.
fn keys(directory: &KeyDirectory) -> Result<Vec<KeyFile>, CommandError> {
    let keys = directory
        .keys()
        .map_err(|error| unusable(directory, error))?;
    if keys.is_empty() {
        let empty = DirectoryError::Empty(directory.path().to_owned());
        return Err(unusable(directory, empty));
    }
    Ok(keys)
}

fn unusable(directory: &KeyDirectory, error: DirectoryError) -> CommandError {
    CommandError::file(directory.path(), error)
}

/// The sealed tokens; `None` where no token broker ever ran.
async fn store(settings: ConnectionSettings) -> Result<Option<TokenStore>, CommandError> {
    let connection = Connection::connect(settings).await?;
    TokenStore::open(&connection).await.map_err(failed)
}

fn failed(error: StoreError) -> CommandError {
    if error.is_not_there() {
        CommandError::NotReachable(error.into())
    } else {
        CommandError::NotDone(error.into())
    }
}

/// A key by its file: `0001`.
fn number(key: &KeyFile) -> String {
    format!("{:04}", key.number)
}
