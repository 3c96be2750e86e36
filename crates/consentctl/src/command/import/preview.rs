//! `--dry-run`: what would be gone with an import, whose permission would change, and how.

mod compare;
mod words;

use assent_contract::names::EVENT_STREAM;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, LogEntry, OpenError};
use assent_messaging::Connection;
use assent_permission_store::View;
use serde::Serialize;

use crate::exit::{CommandError, Outcome};
use crate::export::Checked;
use crate::fold;
use crate::fold::messages::Messages;
use crate::fold::voids::Voids;
use crate::output::{Output, count};
use compare::Differences;

/// What an import would do.
#[derive(Debug, Serialize)]
struct Preview {
    /// As everything would be.
    import: Standing,
    /// As everything is by the log; nothing where there is no log, or an empty one.
    now: Option<Standing>,
    /// How many messages of the log would be gone; nothing where the export is of another log.
    gone: Option<u64>,
    #[serde(flatten)]
    differences: Differences,
}

/// What a log adds up to.
#[derive(Debug, Serialize)]
struct Standing {
    sequence: u64,
    digest: String,
    root: String,
    accounts: u64,
    users: u64,
    blocked: u64,
}

/// Why no preview was made.
#[derive(Debug, thiserror::Error)]
#[error("no temporary directory can be made")]
struct NoDirectory(#[source] std::io::Error);

pub(super) async fn run(
    connection: &Connection,
    export: &Checked,
    limit: usize,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let place = tempfile::tempdir();
    let place = place.map_err(|error| CommandError::Files(NoDirectory(error).into()))?;
    let voids = Voids::of_export(&export.voids);
    let messages = Messages::of_export(export)?;
    let then = fold::build(messages, voids, &place.path().join("import"), output).await?;
    let log = match EventLog::open(connection).await {
        Ok(log) => Some(log),
        Err(OpenError::NotThere) => None,
        Err(error) => return Err(error.into()),
    };
    let (now, gone) = match log {
        Some(log) => {
            let voids = Voids::read(&log).await?;
            let messages = Messages::of_log(&log, Sequence(0), None).await?;
            let now = fold::build(messages, voids, &place.path().join("now"), output).await?;
            let gone = gone(&log, export, &now).await?;
            (Some(now), gone)
        }
        None => (None, None),
    };
    let now = now.filter(|now| now.cursor().sequence != Sequence(0));
    let differences = match &now {
        Some(now) => compare::compare(now, &then, limit, output)?,
        None => Differences::default(),
    };
    let preview = Preview {
        import: Standing::of(then).await?,
        now: match now {
            Some(now) => Some(Standing::of(now).await?),
            None => None,
        },
        gone,
        differences,
    };
    if output.is_json() {
        output.json_line(&preview)?;
    } else {
        preview.render(export, output)?;
    }
    Ok(Outcome::Clean)
}

/// How many messages the log has after the export's last one; `None` where it is not that log.
async fn gone(log: &EventLog, export: &Checked, now: &View) -> Result<Option<u64>, CommandError> {
    let there = log.entry(export.last_sequence()).await?;
    let is_that_log = there.map(|entry| entry.hash()) == export.last.as_ref().map(LogEntry::hash);
    let last = now.cursor().sequence.0;
    Ok(is_that_log.then(|| last.saturating_sub(export.size())))
}

impl Standing {
    async fn of(view: View) -> Result<Self, CommandError> {
        let (sequence, counts) = (view.cursor().sequence.0, view.counts());
        let root = view.read().root().to_string();
        Ok(Self {
            sequence,
            digest: fold::digest(view).await?,
            root,
            accounts: counts.accounts,
            users: counts.users,
            blocked: counts.blocked,
        })
    }
}

impl Standing {
    fn in_words(&self) -> String {
        let (users, accounts) = (count(self.users, "user"), self.accounts);
        let blocked = self.blocked;
        format!("{users}, {accounts} companies with events of their own, {blocked} blocked")
    }
}

impl Preview {
    fn render(&self, export: &Checked, output: &mut Output) -> std::io::Result<()> {
        let import = &self.import;
        output.line("")?;
        output.line(&format!("import     {}", export.in_words()))?;
        output.line(&format!("digest     {}", import.digest))?;
        output.line(&format!("root       {}", import.root))?;
        output.line(&format!("then       {}", import.in_words()))?;
        let Some(now) = &self.now else {
            return output.line(&format!(
                "now        {EVENT_STREAM} is empty or not there: there is nothing to compare with"
            ));
        };
        output.line(&format!(
            "now        {}, as of message {}",
            now.in_words(),
            now.sequence
        ))?;
        match self.gone {
            Some(0) => output.line("gone       nothing: the log ends where the import would end")?,
            Some(gone) => output.line(&format!(
                "gone       {}, from {} to {}",
                count(gone, "message"),
                import.sequence.saturating_add(1),
                now.sequence
            ))?,
            None => output.line(
                "gone       the log as it is: it is not the one that this is an export of, or was changed",
            )?,
        }
        self.differences.render(output)?;
        output.line("Nothing was written. The import itself needs every gateway and projection stopped, and a log that is empty or not there.")
    }
}
