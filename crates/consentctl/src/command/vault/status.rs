//! `vault status`: the keys, and what each seals.

use std::path::PathBuf;

use assent_messaging::ConnectionSettings;
use assent_token_vault::{KeyDirectory, KeyFile, KeyId};
use serde::Serialize;

use super::census::Census;
use super::{failed, keys, number, store};
use crate::exit::{CommandError, Outcome};
use crate::output::{Output, count};

/// The answer.
#[derive(Debug, Serialize)]
struct Status {
    keys: Vec<KeyUse>,
    /// How many tokens there are.
    tokens: u64,
    /// Tokens that none of the keys opens.
    not_to_be_opened: Vec<Foreign>,
    /// Records that are none.
    unreadable: u64,
}

#[derive(Debug, Serialize)]
struct KeyUse {
    number: String,
    key_id: KeyId,
    file: PathBuf,
    tokens: u64,
    /// Whether it is the one that seals.
    seals: bool,
}

#[derive(Debug, Serialize)]
struct Foreign {
    key_id: KeyId,
    tokens: u64,
}

pub(super) async fn run(
    settings: ConnectionSettings,
    directory: &KeyDirectory,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let keys = keys(directory)?;
    let store = store(settings).await?;
    let census = Census::take(store.as_ref()).await.map_err(failed)?;
    let status = Status::new(keys, &census);
    if output.is_json() {
        output.document(&status)?;
    } else {
        status.render(output)?;
    }
    Ok(if status.findings().is_empty() {
        Outcome::Clean
    } else {
        Outcome::Finding
    })
}

impl Status {
    fn new(files: Vec<KeyFile>, census: &Census) -> Self {
        let ids: Vec<&KeyId> = files.iter().map(|file| file.key.public().id()).collect();
        let not_to_be_opened = census.sealed_by_others(&ids);
        let not_to_be_opened = not_to_be_opened.map(|(id, tokens)| Foreign {
            key_id: id.clone(),
            tokens,
        });
        let newest = files.last().map(|file| file.number);
        Self {
            tokens: census.all(),
            not_to_be_opened: not_to_be_opened.collect(),
            unreadable: census.unreadable,
            keys: files
                .into_iter()
                .map(|file| KeyUse {
                    number: number(&file),
                    key_id: file.key.public().id().clone(),
                    tokens: census.sealed_by(file.key.public().id()),
                    seals: newest == Some(file.number),
                    file: file.path,
                })
                .collect(),
        }
    }

    fn findings(&self) -> Vec<String> {
        let foreign = self.not_to_be_opened.iter().map(|foreign| {
            format!(
                "{} sealed with the key {}, which is not there: put it back, or these users pass Microsoft once more",
                count(foreign.tokens, "token"),
                foreign.key_id
            )
        });
        let unreadable = (self.unreadable != 0)
            .then(|| format!("{} that can't be read", count(self.unreadable, "record")));
        foreign.chain(unreadable).collect()
    }

    fn render(&self, output: &mut Output) -> Result<(), CommandError> {
        for key in &self.keys {
            let seals = if key.seals { ", seals" } else { "" };
            let tokens = count(key.tokens, "token");
            output.line(&format!("{}  {}  {tokens}{seals}", key.number, key.key_id))?;
        }
        output.line(&format!("all   {}", count(self.tokens, "token")))?;
        output.findings(&self.findings())?;
        Ok(())
    }
}
