//! `events import`: puts an export back as the log.
//!
//! 1. [`target`]: what is there, and who else would write.
//! 2. [`mod@write`]: the writing, in an order in which nothing is believed before all of it is there.
//! 3. [`preview`]: `--dry-run`: what would be gone, and whose permission would change.

mod preview;
mod target;
mod write;

use assent_domain::ids::Sequence;
use assent_messaging::{Connection, ConnectionSettings};
use serde::Serialize;

use crate::arguments::ImportArguments;
use crate::confirm;
use crate::exit::{CommandError, Outcome};
use crate::export::{Checked, Place};
use crate::key_file;
use crate::output::{Output, count};
use target::Target;

/// What was imported.
#[derive(Debug, Serialize)]
struct Imported {
    /// The last message of the log.
    sequence: u64,
    /// How many of the messages an earlier, interrupted import had put there.
    were_there: u64,
    void: usize,
    root: String,
    /// Which log it is now.
    created: String,
    /// Which log the export is of.
    exported_from: String,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
#[error("nothing of the export was recorded until then")]
struct NothingUntilThen;

pub(crate) async fn run(
    settings: ConnectionSettings,
    arguments: &ImportArguments,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let key = arguments
        .key
        .as_deref()
        .map(key_file::verifier_key)
        .transpose()?;
    let place = Place::find(&arguments.from)?;
    if key.is_none() && place.signature.is_some() {
        output.remark("The export is signed; with --key it is checked by whom.")?;
    }
    let export = Checked::read(place, arguments.until, key.as_ref(), output)?;
    if export.size() == 0 {
        return Err(CommandError::NotDone(NothingUntilThen.into()));
    }
    let connection = Connection::connect(settings).await?;
    if arguments.dry_run {
        return preview::run(&connection, &export, arguments.limit, output).await;
    }
    let target = Target::look(&connection, &export, output).await?;
    target::require_alone(&connection).await?;
    if !arguments.yes && !confirm::confirm(&question(&export, &target))? {
        output.remark("Nothing was written.")?;
        return Ok(Outcome::Finding);
    }
    target::require_alone(&connection).await?;
    let were_there = target.held();
    let replicas = arguments.replicas.parse().unwrap_or(1);
    let log = write::import(&connection, &export, target, replicas, output).await?;
    let imported = Imported {
        sequence: export.size(),
        were_there: were_there.0,
        void: export.voids.len(),
        root: export.tree.root().to_string(),
        created: log.identity().to_string(),
        exported_from: export.source.created.clone(),
    };
    if output.is_json() {
        output.document(&imported)?;
    } else {
        imported.render(output)?;
    }
    Ok(Outcome::Clean)
}

fn question(export: &Checked, target: &Target) -> String {
    let what = export.in_words();
    let there = match target {
        Target::NotThere => "The log is not there, and will be made.".to_owned(),
        Target::There { held, .. } if *held == Sequence(0) => {
            "The log is there, and empty.".to_owned()
        }
        Target::There { held, .. } => format!(
            "The log holds the first {} of them already, as an interrupted import leaves it.",
            count(held.0, "message")
        ),
    };
    format!(
        "{there}\n{what} will be written into it, and the mark of where the log ends is set to its end. Permissions are \
         as they were then: what was revoked later is on again (--dry-run names it). Go on? [y/N] "
    )
}

impl Imported {
    fn render(&self, output: &mut Output) -> std::io::Result<()> {
        output.line(&format!("imported   {}", count(self.sequence, "message")))?;
        if self.were_there != 0 {
            output.line(&format!("of these   {} were there before", self.were_there))?;
        }
        output.line(&format!("void       {}", self.void))?;
        output.line(&format!(
            "root       {} (read back from the log)",
            self.root
        ))?;
        output.line(&format!("log        created {}", self.created))?;
        output.line(&format!("export of  created {}", self.exported_from))?;
        output.line(
            "next       start consent-gateway, then the projections, which build their views anew",
        )
    }
}
