//! `events list`: what was recorded, oldest first.

use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_messaging::ConnectionSettings;

use crate::arguments::{Kind, Which};
use crate::event_line::EventLine;
use crate::exit::{CommandError, Outcome};
use crate::history::{self, AggregateRead, LogSource};
use crate::output::{Output, count};
use crate::scan::Scan;

/// The error of a range that nothing can be in.
#[derive(Debug, thiserror::Error)]
#[error("--from {from} is after --to {to}: nothing is in between")]
struct EmptyRange {
    from: u64,
    to: u64,
}

/// Which events to list.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) which: Which,
    pub(crate) kind: Option<Kind>,
    pub(crate) from: u64,
    pub(crate) to: Option<u64>,
    pub(crate) limit: Option<usize>,
}

impl Wanted {
    fn range(&self) -> std::ops::RangeInclusive<u64> {
        self.from..=self.to.unwrap_or(u64::MAX)
    }

    fn covers(&self, aggregate: Option<&Aggregate>) -> bool {
        match (&self.which.account, &self.which.user, aggregate) {
            (None, _, _) => true,
            (Some(_), _, None) => false,
            (Some(account), None, Some(aggregate)) => aggregate.account() == account,
            (Some(account), Some(user), Some(aggregate)) => {
                *aggregate == Aggregate::User(account.clone(), user.clone())
            }
        }
    }
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    wanted: &Wanted,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    if let Some(to) = wanted.to.filter(|to| *to < wanted.from) {
        let from = wanted.from;
        return Err(CommandError::Usage(EmptyRange { from, to }.into()));
    }
    let source = LogSource::open(settings).await?;
    let end = source.log.status().await?.last_sequence.0;
    if end < wanted.from && end != 0 {
        output.remark(&format!("the log ends with event {end}"))?;
    }
    let mut listing = Listing {
        wanted,
        output,
        shown: 0,
        found: false,
    };
    if let (Some(account), Some(user)) = (&wanted.which.account, &wanted.which.user) {
        let aggregate = Aggregate::User(account.clone(), user.clone());
        match history::read(&source.log, &aggregate).await? {
            AggregateRead::Known(history) => {
                for line in EventLine::from_history(history.events(), &history.voids) {
                    if !listing.show(&line)? {
                        break;
                    }
                }
                return Ok(Outcome::Clean);
            }
            // Only a reading of the log from end to end shows what it is that can't be read.
            AggregateRead::Untrusted(why) => {
                listing.output.remark(&format!("{account}/{user}: {why}"))?;
                listing.found = true;
            }
        }
    }
    listing.scan(&source).await
}

struct Listing<'a> {
    wanted: &'a Wanted,
    output: &'a mut Output,
    shown: usize,
    found: bool,
}

impl Listing<'_> {
    async fn scan(mut self, source: &LogSource) -> Result<Outcome, CommandError> {
        let (from, to) = (Sequence(self.wanted.from), self.wanted.to.map(Sequence));
        let mut scan = Scan::begin(&source.log, from, to).await?;
        let mut read = 0_u64;
        'reading: loop {
            let batch = scan.next().await?;
            if batch.is_empty() {
                break;
            }
            for entry in batch {
                read += 1;
                if !self.wanted.covers(entry.aggregate().as_ref()) {
                    continue;
                }
                let line = EventLine::read(&source.log, &entry).await?;
                if !self.show(&line)? {
                    break 'reading;
                }
            }
        }
        if let Some(account) = &self.wanted.which.account {
            let how = count(read, "event");
            self.output
                .remark(&format!("read {how} of the log to find those of {account}"))?;
        }
        Ok(Outcome::finding_if(self.found))
    }

    /// Shows an event if it is wanted. Returns whether to go on.
    fn show(&mut self, line: &EventLine) -> Result<bool, CommandError> {
        let is_of_kind = self
            .wanted
            .kind
            .is_none_or(|kind| line.may_be_of_type(kind));
        if !is_of_kind || !self.wanted.range().contains(&line.sequence()) {
            return Ok(true);
        }
        if self.wanted.limit == Some(self.shown) {
            let next = line.sequence();
            self.output.remark(&format!(
                "there are more: go on with --from {next}, or see all with --limit 0"
            ))?;
            return Ok(false);
        }
        self.shown += 1;
        self.found |= line.is_unreadable();
        if self.output.is_json() {
            self.output.json_line(line)?;
        } else {
            self.output.line(&line.to_string())?;
        }
        Ok(true)
    }
}
