//! `vault retire`: deletes a key that seals nothing any more.

use assent_messaging::ConnectionSettings;
use assent_token_vault::{KeyDirectory, KeyFile};
use serde_json::json;

use super::census::Census;
use super::{failed, keys, number, store, unusable};
use crate::confirm;
use crate::exit::{CommandError, Outcome};
use crate::output::{Output, count};

/// Why a key is not retired.
#[derive(Debug, thiserror::Error)]
enum NotRetired {
    #[error("there is no key {0:?}: consentctl vault status names them")]
    Unknown(String),
    #[error(
        "the key {0} is the newest, with which tokens are sealed: consentctl vault rotate makes another first"
    )]
    Newest(String),
    #[error("{} sealed with the key {key}: consentctl vault rotate seals them with the newest", count(*tokens, "token"))]
    Needed { key: String, tokens: u64 },
}

pub(super) async fn run(
    settings: ConnectionSettings,
    wanted: &str,
    directory: &KeyDirectory,
    yes: bool,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let not_retired = |why: NotRetired| CommandError::NotDone(why.into());
    let keys = keys(directory)?;
    let is_wanted = |key: &&KeyFile| {
        wanted == key.key.public().id().to_string() || wanted.parse() == Ok(key.number)
    };
    let key = keys.iter().find(is_wanted);
    let key =
        key.ok_or_else(|| CommandError::Argument(NotRetired::Unknown(wanted.to_owned()).into()))?;
    let id = key.key.public().id();
    if keys.last().map(|newest| newest.number) == Some(key.number) {
        return Err(not_retired(NotRetired::Newest(number(key))));
    }
    let store = store(settings).await?;
    let needed = async || {
        let census = Census::take(store.as_ref()).await.map_err(failed)?;
        let key = number(key);
        match census.sealed_by(id) {
            0 => Ok(()),
            tokens => Err(not_retired(NotRetired::Needed { key, tokens })),
        }
    };
    needed().await?;
    let question = format!(
        "{} ({id}) will be deleted. No token is sealed with it now; what a gateway seals with it from now on opens for \
         nobody. Do all gateways have a newer public key? [y/N] ",
        key.path.display()
    );
    if !yes && !confirm::confirm(&question)? {
        output.remark("Nothing was deleted.")?;
        return Ok(Outcome::Finding);
    }
    // Whoever was asked may have taken their time.
    needed().await?;
    let removed = directory.remove(key);
    removed.map_err(|error| unusable(directory, error))?;
    if output.is_json() {
        output.document(&json!({ "key_id": id, "deleted": [key.path, key.public_path] }))?;
    } else {
        output.line(&format!(
            "deleted  {} and its public key",
            key.path.display()
        ))?;
    }
    Ok(Outcome::Clean)
}
