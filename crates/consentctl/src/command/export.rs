//! `events export`: the log as lines of CloudEvents, from which it can be put back.

mod directory;
mod file;
mod writer;

use std::path::Path;

use assent_checkpoint::SigningKey;
use assent_messaging::ConnectionSettings;
use serde::Serialize;

use crate::arguments::ExportArguments;
use crate::exit::{CommandError, Outcome};
use crate::fold::voids::Voids;
use crate::history::LogSource;
use crate::key_file;
use crate::output::{Output, count};

/// What was exported.
#[derive(Debug, Serialize)]
struct Exported<'a> {
    to: &'a Path,
    /// The last message.
    sequence: u64,
    /// How many messages were there before, in a directory that has grown.
    before: u64,
    /// How many of the new messages are no events.
    foreign: u64,
    /// How many messages were declared void.
    void: usize,
    root: String,
    created: String,
    /// The name of the key that the manifest is signed with.
    signed_by: Option<String>,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
enum ExportRefused {
    #[error("the log holds no message, or none until then: there is nothing to export")]
    Nothing,
    #[error("--key signs the manifest of a directory, and a file has none")]
    KeyForFile,
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    arguments: &ExportArguments,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let to = arguments.to.as_path();
    let is_directory = to.is_dir() || names_a_directory(to);
    let key = match &arguments.key {
        Some(_) if !is_directory => {
            return Err(CommandError::Usage(ExportRefused::KeyForFile.into()));
        }
        Some(path) => Some(key_file::signing_key(path, output)?),
        None => None,
    };
    if !is_directory {
        file::require_free(to)?;
    }
    let source = LogSource::open(settings).await?;
    let voids = Voids::read(&source.log).await?;
    let exported = if is_directory {
        directory::export(&source.log, &voids, arguments, key.as_ref(), output).await?
    } else {
        file::export(&source.log, voids, arguments, output).await?
    };
    if output.is_json() {
        output.document(&exported)?;
    } else {
        exported.render(output)?;
    }
    Ok(Outcome::Clean)
}

/// Of what is not there yet: a name without an extension.
fn names_a_directory(path: &Path) -> bool {
    let ends_in_a_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    !path.is_file() && (ends_in_a_slash || path.extension().is_none())
}

fn nothing() -> CommandError {
    CommandError::NotDone(ExportRefused::Nothing.into())
}

fn name_of(key: Option<&SigningKey>) -> Option<String> {
    key.map(|key| key.name().to_owned())
}

impl Exported<'_> {
    fn render(&self, output: &mut Output) -> std::io::Result<()> {
        let new = self.sequence.saturating_sub(self.before);
        let (new, to) = (count(new, "message"), self.to.display());
        let sequence = self.sequence;
        output.line(&format!("exported   {new}, up to {sequence}"))?;
        output.line(&format!("log        created {}", self.created))?;
        output.line(&format!("root       {}", self.root))?;
        output.line(&format!("no events  {}", self.foreign))?;
        output.line(&format!("void       {}", self.void))?;
        if let Some(name) = &self.signed_by {
            output.line(&format!("signed     {name}"))?;
        }
        output.line(&format!("export     {to}"))
    }
}
