//! `vault init`: the first key.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use assent_token_vault::{DirectoryError, KeyDirectory, KeyFile};
use serde_json::json;

use super::unusable;
use crate::exit::{CommandError, Outcome};
use crate::output::Output;

pub(super) fn run(directory: &KeyDirectory, output: &mut Output) -> Result<Outcome, CommandError> {
    let path = directory.path();
    if path.exists() {
        let keys = directory
            .keys()
            .map_err(|error| unusable(directory, error))?;
        if !keys.is_empty() {
            let there = DirectoryError::NotEmpty(path.to_owned());
            return Err(CommandError::NotDone(there.into()));
        }
        let closed = std::fs::set_permissions(path, Permissions::from_mode(0o700));
        closed.map_err(|error| CommandError::file(path, error))?;
    }
    let key = directory
        .add()
        .map_err(|error| unusable(directory, error))?;
    tell(&key, output)?;
    Ok(Outcome::Clean)
}

/// Says where a new key is, and where it has to go.
pub(super) fn tell(key: &KeyFile, output: &mut Output) -> Result<(), CommandError> {
    let id = key.key.public().id();
    if output.is_json() {
        output.document(&json!({
            "key_id": id,
            "private_key": key.path,
            "public_key": key.public_path,
        }))?;
        return Ok(());
    }
    output.line(&format!("key      {id}"))?;
    output.line(&format!(
        "private  {}  (for the token broker alone: ASSENT_VAULT_KEYS_DIR is its directory)",
        key.path.display()
    ))?;
    output.line(&format!(
        "public   {}  (for the gateways: ASSENT_VAULT_PUBLIC_KEY_FILE)",
        key.public_path.display()
    ))?;
    Ok(())
}
