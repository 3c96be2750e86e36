//! The messages of a log in their order, up to a moment, from the server or from an export.

use std::time::Instant;

use assent_contract::names::EVENT_STREAM;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, LogEntry};
use assent_permission_store::Source;

use crate::arguments::Moment;
use crate::exit::CommandError;
use crate::export::Checked;
use crate::export::lines::Lines;
use crate::output::{Output, TELL_EVERY};
use crate::scan::Scan;

/// How many messages are taken from an export at a time.
const BATCH: usize = 1024;

/// A reading of a log.
#[derive(Debug)]
pub(crate) struct Messages {
    from: From,
    source: Source,
    until: Option<Moment>,
    last: Sequence,
    is_over: bool,
    told: Instant,
}

#[derive(Debug)]
enum From {
    Log(Box<Scan>),
    Export(Lines),
}

impl Messages {
    /// Reads the server's log after a message, as far as it goes now.
    pub(crate) async fn of_log(
        log: &EventLog,
        after: Sequence,
        until: Option<Moment>,
    ) -> Result<Self, CommandError> {
        let status = log.status().await?;
        let to = match until {
            Some(Moment::After(sequence)) => sequence.min(status.last_sequence),
            Some(Moment::Time(_)) | None => status.last_sequence,
        };
        let first = Sequence(after.0.saturating_add(1));
        let scan = Scan::begin(log, first, Some(to)).await?;
        let source = Source {
            stream: EVENT_STREAM.to_owned(),
            created: status.created.to_string(),
        };
        Ok(Self::new(From::Log(Box::new(scan)), source, until, to))
    }

    /// Reads what is wanted of an export that was checked.
    pub(crate) fn of_export(export: &Checked) -> Result<Self, CommandError> {
        let lines = Lines::open(&export.place.lines)?;
        let last = export.last_sequence();
        let until = Some(Moment::After(last));
        Ok(Self::new(
            From::Export(lines),
            export.source.clone(),
            until,
            last,
        ))
    }

    fn new(from: From, source: Source, until: Option<Moment>, last: Sequence) -> Self {
        Self {
            from,
            source,
            until,
            last,
            is_over: false,
            told: Instant::now(),
        }
    }

    /// Which log this is.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Reads the next messages; an empty batch is the end. Says now and then how far it is.
    pub(crate) async fn next(
        &mut self,
        output: &mut Output,
    ) -> Result<Vec<LogEntry>, CommandError> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let mut batch = match &mut self.from {
            From::Log(scan) => scan.next().await?,
            From::Export(lines) => take(lines, self.last)?,
        };
        let later = |entry: &LogEntry| self.until.is_some_and(|until| is_later(entry, until));
        if let Some(end) = batch.iter().position(later) {
            batch.truncate(end);
            self.is_over = true;
        }
        if let Some(seen) = batch.last()
            && TELL_EVERY < self.told.elapsed()
        {
            self.told = Instant::now();
            let (seen, last) = (seen.sequence(), self.last);
            output.remark(&format!("reading: message {seen} of {last}"))?;
        }
        Ok(batch)
    }
}

/// Whether a message is after a moment. Clocks of several writers may disagree, and the log's order is what counts: so
/// the first event that is later ends what is until the moment. A message that is no event has no time of its own.
pub(crate) fn is_later(entry: &LogEntry, until: Moment) -> bool {
    match until {
        Moment::After(sequence) => sequence < entry.sequence(),
        Moment::Time(time) => {
            let decoded = entry.decode();
            decoded.is_ok_and(|decoded| time < decoded.metadata.time)
        }
    }
}

/// What comes after the last one that is wanted is not looked at.
fn take(lines: &mut Lines, last: Sequence) -> Result<Vec<LogEntry>, CommandError> {
    let mut batch = Vec::with_capacity(BATCH);
    while batch.len() < BATCH && lines.read() < last.0 {
        let Some(read) = lines.next()? else { break };
        batch.push(read.entry);
    }
    Ok(batch)
}
