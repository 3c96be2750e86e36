//! Which messages of the log are void, and those whom they blocked.
//!
//! There are few of them, so all are kept in memory. The stream of the records is looked at once a
//! second: an operator's act is rare, and nobody waits for it in milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use assent_contract::names::{aggregate_of_event_subject, event_subject};
use assent_contract::operation::VoidRecord;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_event_log::operations::{MAX_VOID, is_about};
use assent_event_log::{EventLog, LogEntry, ReadError, StreamIdentity};
use assent_messaging::JetStreamError;
use assent_permission_store::View;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked for new records.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The records about one log.
#[derive(Debug, Clone)]
pub(crate) struct Voids {
    known: Arc<RwLock<VoidRecords>>,
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct VoidRecords {
    /// The stream of the records, and how much of it was read.
    stream: Option<StreamIdentity>,
    through: Sequence,
    by_place: BTreeMap<Sequence, VoidRecord>,
}

impl Voids {
    /// Reads the records that are there.
    pub(crate) async fn load(log: &EventLog) -> Result<Self, ReadError> {
        let voids = Self {
            known: Arc::default(),
            news: watch::Sender::new(()),
        };
        voids.look(log).await?;
        Ok(voids)
    }

    /// Whether a message of the log is void.
    pub(crate) fn covers(&self, entry: &LogEntry) -> bool {
        let known = self.known();
        known
            .by_place
            .get(&entry.sequence())
            .is_some_and(|record| is_about(record, entry))
    }

    /// Whether the view passed over anything of which there is no record.
    pub(crate) fn explain(&self, view: &View) -> bool {
        let known = self.known();
        let mut passed_over = view.voids().into_iter();
        passed_over.all(|sequence| known.by_place.contains_key(&sequence))
    }

    /// The void messages that the view has applied as if they were not: where each is, and whom it
    /// blocks.
    pub(crate) fn blocking(&self, view: &View) -> Vec<(Sequence, Option<Aggregate>)> {
        let (cursor, passed_over) = (view.cursor().sequence, view.voids());
        let known = self.known();
        let applied = known.by_place.range(..=cursor);
        applied
            .filter(|(sequence, _)| !passed_over.contains(sequence))
            .map(|(sequence, record)| (*sequence, aggregate_of_event_subject(&record.subject)))
            .collect()
    }

    /// Whom void messages name.
    pub(crate) fn aggregates(&self) -> BTreeSet<Aggregate> {
        let known = self.known();
        let subjects = known.by_place.values().map(|record| &record.subject);
        subjects
            .filter_map(|subject| aggregate_of_event_subject(subject))
            .collect()
    }

    /// The void messages of an account or user that the view has passed over.
    pub(crate) fn passed_over(&self, view: &View, aggregate: &Aggregate) -> Vec<Sequence> {
        let (subject, passed_over) = (event_subject(aggregate), view.voids());
        let known = self.known();
        let of_theirs = known.by_place.iter().filter(|(sequence, record)| {
            record.subject == subject && passed_over.contains(sequence)
        });
        of_theirs.map(|(sequence, _)| *sequence).collect()
    }

    /// Tells whenever there are records that were not there before, or those that were are gone.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Keeps looking for records, for as long as the log is followed.
    pub(crate) async fn keep_looking(self, log: EventLog) {
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.look(&log).await {
                Ok(false) => {}
                Ok(true) => self.news.send_replace(()),
                // What can't be reached now is asked for again.
                Err(error) => tracing::debug!(%error, "the records of operators can't be read"),
            }
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, VoidRecords> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is new. Whether there is anything, or what was read is gone.
    async fn look(&self, log: &EventLog) -> Result<bool, ReadError> {
        let status = match log.operations().await {
            Ok(status) => status,
            // A server whose permissions are older than this program: nothing is void then.
            Err(ReadError::JetStream(JetStreamError::NotPermitted { complaint })) => {
                tracing::debug!(complaint, "the records of operators may not be read");
                None
            }
            Err(error) => return Err(error),
        };
        let (stream, through) = {
            let known = self.known();
            (known.stream.clone(), known.through)
        };
        let Some(status) = status else {
            let had = through != Sequence(0);
            self.forget();
            return Ok(had);
        };
        let same = stream.as_ref() == Some(&status.created) && through <= status.last_sequence;
        let after = if same { through } else { Sequence(0) };
        let last = Sequence(status.last_sequence.0.min(MAX_VOID));
        if same && last <= through {
            return Ok(false);
        }
        let records = log.void_records(after, last).await?;
        let news = !records.is_empty() || (!same && through != Sequence(0));
        let mut known = self.known_mut();
        if !same {
            known.by_place.clear();
        }
        known.stream = Some(status.created);
        known.through = last;
        for record in records {
            // Whoever was first is believed; the stream keeps a second one out anyway.
            let place = Sequence(record.sequence);
            known.by_place.entry(place).or_insert(record);
        }
        Ok(news)
    }

    fn forget(&self) {
        *self.known_mut() = VoidRecords::default();
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, VoidRecords> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}
