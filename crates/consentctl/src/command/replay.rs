//! `replay`: builds a view offline, and says what it adds up to.

use std::path::Path;

use assent_domain::ids::Sequence;
use assent_messaging::ConnectionSettings;
use assent_permission_store::View;
use serde::Serialize;

use crate::arguments::ReplayArguments;
use crate::exit::{CommandError, Outcome};
use crate::export::{Checked, Place};
use crate::fold;
use crate::fold::directory::Claimed;
use crate::fold::messages::Messages;
use crate::fold::voids::Voids;
use crate::history::LogSource;
use crate::output::Output;

/// What was built.
#[derive(Debug, Serialize)]
struct Built<'a> {
    /// The last event that the view reflects.
    sequence: u64,
    /// The digest of its rows: that of a projection at this sequence.
    digest: String,
    /// The root over all messages up to there (RFC 9162).
    root: String,
    /// Which log it is of.
    stream: String,
    created: String,
    accounts: u64,
    users: u64,
    blocked: u64,
    /// Messages that can't be read and name nobody.
    orphans: u64,
    /// Messages that were passed over.
    voids: usize,
    directory: &'a Path,
}

pub(crate) async fn run(
    settings: impl FnOnce() -> Result<ConnectionSettings, CommandError>,
    arguments: &ReplayArguments,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let (messages, voids) = if let Some(from) = &arguments.from {
        let export = Checked::read(Place::find(from)?, arguments.until, None, output)?;
        let voids = Voids::of_export(&export.voids);
        (Messages::of_export(&export)?, voids)
    } else {
        let log = LogSource::open(settings()?).await?.log;
        let messages = Messages::of_log(&log, Sequence(0), arguments.until).await?;
        (messages, Voids::read(&log).await?)
    };
    let directory = Claimed::claim(&arguments.to)?;
    let view = fold::build(messages, voids, directory.path(), output).await?;
    let built = describe(view, &arguments.to).await?;
    directory.finished()?;
    if output.is_json() {
        output.document(&built)?;
    } else {
        built.render(output)?;
    }
    Ok(Outcome::Clean)
}

async fn describe(view: View, directory: &Path) -> Result<Built<'_>, CommandError> {
    let (cursor, counts) = (view.cursor(), view.counts());
    let root = view.read().root().to_string();
    let voids = view.voids().len();
    let digest = fold::digest(view).await?;
    Ok(Built {
        sequence: cursor.sequence.0,
        digest,
        root,
        stream: cursor.source.stream,
        created: cursor.source.created,
        accounts: counts.accounts,
        users: counts.users,
        blocked: counts.blocked,
        orphans: counts.orphans,
        voids,
        directory,
    })
}

impl Built<'_> {
    fn render(&self, output: &mut Output) -> std::io::Result<()> {
        let directory = self.directory.display();
        output.line(&format!("sequence   {}", self.sequence))?;
        output.line(&format!("digest     {}", self.digest))?;
        output.line(&format!("root       {}", self.root))?;
        output.line(&format!(
            "log        {}, created {}",
            self.stream, self.created
        ))?;
        output.line(&format!("accounts   {}", self.accounts))?;
        output.line(&format!("users      {}", self.users))?;
        output.line(&format!("blocked    {}", self.blocked))?;
        output.line(&format!("orphans    {}", self.orphans))?;
        output.line(&format!("void       {}", self.voids))?;
        output.line(&format!("view       {directory}"))
    }
}
