//! `blocked list`: who can't be read, since when, why, and what permits it again.

use assent_contract::query::AggregateId;
use assent_messaging::ConnectionSettings;
use serde::Serialize;

use super::message::{MessageKind, MessageStatus};
use crate::exit::{CommandError, Outcome};
use crate::history::LogSource;
use crate::output::{Output, count};
use crate::projection;

/// Why somebody is held back, and the way back.
const HELD: &str = "held back: the log lost events, and would permit more than was known before";
const RELEASE: &str =
    "restore the log, or say again what was taken back; then consentctl projection accept-log";

/// The largest page.
const PAGE: usize = 1000;

/// The list as it is shown.
#[derive(Debug, Serialize)]
struct BlockedView {
    blocked: Vec<Row>,
    /// How many there are, be they shown or not.
    total: u64,
    /// Messages that name neither an account nor a user: they block nobody.
    orphans: u64,
    /// How much of the log the projection had applied.
    sequence: u64,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    whose: AggregateId,
    since: u64,
    held: bool,
    reason: MessageKind,
    why: String,
    message: MessageStatus,
    way_back: String,
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    limit: Option<usize>,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let source = LogSource::open(settings).await?;
    let mut answer = BlockedView {
        blocked: Vec::new(),
        total: 0,
        orphans: 0,
        sequence: 0,
    };
    let mut after = None;
    loop {
        let left = limit.map_or(PAGE, |limit| limit.saturating_sub(answer.blocked.len()));
        let asked = u16::try_from(left.clamp(1, PAGE)).unwrap_or(u16::MAX);
        let page = projection::blocked(&source.connection, after, asked).await;
        let page = page.map_err(|unanswered| CommandError::NotReachable(unanswered.into()))?;
        (answer.total, answer.orphans) = (page.total, page.orphans);
        answer.sequence = page.sequence;
        for entry in page.blocked {
            let (_, message) = MessageStatus::read(&source.log, entry.since).await?;
            let (why, way_back) = if entry.held {
                (HELD.to_owned(), RELEASE.to_owned())
            } else {
                (message.why(), message.way_back(entry.since))
            };
            answer.blocked.push(Row {
                why,
                way_back,
                held: entry.held,
                reason: if entry.held {
                    MessageKind::Held
                } else {
                    message.kind()
                },
                whose: entry.whose,
                since: entry.since,
                message,
            });
        }
        let enough = limit.is_some_and(|limit| limit <= answer.blocked.len());
        after = page.next.filter(|_| !enough);
        if after.is_none() {
            break;
        }
    }
    if output.is_json() {
        output.document(&answer)?;
    } else {
        answer.render(output)?;
    }
    Ok(Outcome::finding_if(
        answer.total != 0 || answer.orphans != 0,
    ))
}

impl BlockedView {
    fn render(&self, output: &mut Output) -> std::io::Result<()> {
        for row in &self.blocked {
            let who = match &row.whose.user_id {
                Some(user) => format!("{}/{user}", row.whose.account_id),
                None => format!(
                    "{} (the company, and with it everybody)",
                    row.whose.account_id
                ),
            };
            output.line(&who)?;
            output.line(&format!("  since      message {}", row.since))?;
            output.line(&format!("  why        {}", row.why))?;
            output.line(&format!("  way back   {}", row.way_back))?;
        }
        let shown = u64::try_from(self.blocked.len()).unwrap_or(u64::MAX);
        if shown < self.total {
            let more = self.total.saturating_sub(shown);
            output.line(&format!("... and {more} more: see all with --limit 0"))?;
        }
        if self.orphans != 0 {
            let orphans = count(self.orphans, "message");
            output.line(&format!(
                "{orphans} that can't be read name nobody and block nobody: consentctl events list --limit 0"
            ))?;
        }
        if self.total == 0 {
            output.line(&format!(
                "Nobody is blocked, as of event {} of the log.",
                self.sequence
            ))?;
        }
        Ok(())
    }
}
