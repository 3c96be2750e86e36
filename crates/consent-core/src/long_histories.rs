//! Which accounts and users have a long history, so that a gateway reads these before somebody waits for them.
//!
//! The first read of a history costs what its length costs; from then on it is known, and proved in one round trip. So a
//! gateway notes beside the log of whom it read many events, and a gateway that starts, or has found NATS again, reads
//! those first. The note is a hint and no more: what is decided on is read from the log and proved all the same, and
//! without the note a first command takes longer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assent_contract::names::{aggregate_of_event_subject, event_subject};
use assent_domain::event::Aggregate;
use assent_event_log::{EventLog, History};
use assent_messaging::Bucket;
use assent_service_kit::error_chain::with_sources;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::kv_store::{KvStore, StoreError};

/// How many events make a history long.
const LONG: usize = 500;
/// How many histories are noted: about as many as a gateway keeps in memory.
const MOST: usize = 128;
/// How many events are read before anybody asks: fewer than a gateway keeps in memory, so that none drives out another.
const MOST_EVENTS: usize = 50_000;
/// The key of the note, among what is learnt beside the log.
const KEY: &str = "long-histories";
/// How often the note is written anew when another gateway keeps getting in between.
const ATTEMPTS: usize = 4;
/// How long writing it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The note: the subjects of the histories in the log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Note {
    #[serde(default)]
    subjects: BTreeSet<String>,
}

/// The long histories that are known of. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct LongHistories {
    records: KvStore<Note>,
    /// What was noted since the start, so that it is not noted again.
    noted: Arc<Mutex<BTreeSet<String>>>,
}

impl LongHistories {
    /// Long histories that are noted in this bucket.
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self {
            records: KvStore::new(bucket),
            noted: Arc::default(),
        }
    }

    /// Notes a history that was read, if it is a long one; nobody waits for that.
    pub(crate) fn note(&self, aggregate: &Aggregate, history: &History) {
        if history.events().len() < LONG {
            return;
        }
        let subject = event_subject(aggregate);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if MOST <= noted.len() || !noted.insert(subject.clone()) {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            let kept = timeout(PATIENCE, this.keep(&subject)).await;
            if let Ok(Err(error)) = kept {
                tracing::info!(error = %with_sources(&error), "a long history was not noted");
            }
        });
    }

    async fn keep(&self, subject: &str) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS {
            let found = match self.records.find(KEY).await {
                // A newer gateway's, or nobody's: it is a hint, so a new one does.
                Err(StoreError::Unreadable(_)) => {
                    self.records.remove(KEY).await?;
                    None
                }
                found => found?,
            };
            let written = match found {
                Some(stored) if stored.value.subjects.contains(subject) => return Ok(()),
                Some(mut stored) => {
                    let subjects = &mut stored.value.subjects;
                    // Any of them makes room: whose is read again is noted again.
                    while MOST <= subjects.len() && subjects.pop_first().is_some() {}
                    subjects.insert(subject.to_owned());
                    self.records.change(stored).await.map(drop)
                }
                None => {
                    let subjects = BTreeSet::from([subject.to_owned()]);
                    self.records.create(KEY, Note { subjects }).await.map(drop)
                }
            };
            match written {
                Err(error @ StoreError::Changed) => outcome = Err(error),
                other => return other,
            }
        }
        outcome
    }

    /// Reads the histories that are noted, one after the other; how many events they have. What can't be read is left to
    /// whoever asks for it.
    pub(crate) async fn read_ahead(&self, log: &EventLog) -> usize {
        let note = match self.records.find(KEY).await {
            Ok(Some(stored)) => stored.value,
            Ok(None) => return 0,
            Err(error) => {
                tracing::info!(error = %with_sources(&error), "long histories are not read ahead");
                return 0;
            }
        };
        let mut events = 0_usize;
        for subject in note.subjects.iter().take(MOST) {
            let Some(aggregate) = aggregate_of_event_subject(subject) else {
                continue;
            };
            if let Ok(history) = log.read(&aggregate).await {
                events = events.saturating_add(history.events().len());
            }
            if MOST_EVENTS <= events {
                break;
            }
        }
        events
    }
}

#[cfg(test)]
mod tests;
