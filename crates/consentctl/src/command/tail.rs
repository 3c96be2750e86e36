//! `events tail`: new events as they come.

use std::time::Duration;

use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence};
use assent_event_log::{EventLog, LogEntry};
use assent_messaging::{Connection, ConnectionSettings, ConnectionState};

use crate::event_line::EventLine;
use crate::exit::{CommandError, Outcome};
use crate::history::LogSource;
use crate::output::Output;

/// How many events are printed before they are made visible.
const BATCH: usize = 256;

/// How often somebody looks whether NATS is still there.
const LOOK: Duration = Duration::from_secs(1);

pub(crate) async fn run(
    settings: ConnectionSettings,
    account: Option<&AccountId>,
    from: Option<u64>,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let LogSource { connection, log } = LogSource::open(settings).await?;
    let end = log.status().await?.last_sequence;
    // What is not there yet can't be followed from: what comes before it is passed over.
    let begin = from.map_or(Sequence(end.0.saturating_add(1)), Sequence);
    let after = Sequence(begin.0.saturating_sub(1)).min(end);
    let waits_for = if begin.0 <= end.0.saturating_add(1) {
        format!("events after {after}")
    } else {
        format!("event {begin}; the log ends with event {end}")
    };
    output.remark(&format!("waiting for {waits_for}; Ctrl-C ends it"))?;
    let mut follow = log.follow(after);
    let mut tail = Tail {
        account,
        begin,
        output,
        found: false,
        is_away: false,
    };
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            biased;
            _ = &mut interrupted => return Ok(Outcome::finding_if(tail.found)),
            batch = follow.next_batch(BATCH, LOOK) => tail.show(&log, &batch?).await?,
        }
        tail.look_at(&connection)?;
    }
}

struct Tail<'a> {
    account: Option<&'a AccountId>,
    begin: Sequence,
    output: &'a mut Output,
    found: bool,
    is_away: bool,
}

impl Tail<'_> {
    async fn show(&mut self, log: &EventLog, batch: &[LogEntry]) -> Result<(), CommandError> {
        for entry in batch {
            if entry.sequence() < self.begin {
                continue;
            }
            let aggregate = entry.aggregate();
            let account = aggregate.as_ref().map(Aggregate::account);
            if self.account.is_some() && self.account != account {
                continue;
            }
            let line = EventLine::read(log, entry).await?;
            self.found |= line.is_unreadable();
            if self.output.is_json() {
                self.output.json_line(&line)?;
            } else {
                self.output.line(&line.to_string())?;
            }
        }
        Ok(self.output.flush()?)
    }

    /// Says once when NATS goes away, and once when it is back.
    fn look_at(&mut self, connection: &Connection) -> Result<(), CommandError> {
        let is_away = connection.state() == ConnectionState::Disconnected;
        if is_away != self.is_away {
            self.is_away = is_away;
            self.output.remark(if is_away {
                "NATS is away; waiting for it"
            } else {
                "NATS is back"
            })?;
        }
        Ok(())
    }
}
