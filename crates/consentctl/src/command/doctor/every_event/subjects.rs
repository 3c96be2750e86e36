//! Whose events are missing: what was read is held against what the server counts of each subject.
//!
//! What was read is counted by the hash of its subject, so that it takes the same memory however many subjects there
//! are. Where a sum does not agree, each of the subjects behind it is read for itself.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use assent_contract::names::{EVENT_STREAM, aggregate_of_event_subject};
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, Missing, ReadError};
use assent_messaging::Connection;
use serde::Deserialize;
use serde_json::json;

use super::super::DEADLINE;

/// How many sums are kept.
const SUMS: usize = 1 << 16;
/// How many subjects are read for themselves at the most.
const MOST_SUSPECTS: usize = 512;

/// How many events were read, by the hash of their subjects.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sums: BTreeMap<usize, u64>,
}

/// A subject that lacks events.
#[derive(Debug)]
pub(super) struct IncompleteSubject {
    pub(super) subject: String,
    missing: Missing,
}

impl IncompleteSubject {
    /// Whether this event may be one of the missing ones.
    pub(super) fn may_lack(&self, sequence: Sequence) -> bool {
        match &self.missing {
            Missing::At(sequences) => sequences.contains(&sequence),
            Missing::Between(after, before) => *after < sequence && sequence < *before,
        }
    }
}

#[derive(Deserialize)]
struct Info {
    state: Option<StreamDetail>,
    #[serde(default)]
    total: usize,
}

#[derive(Deserialize)]
struct StreamDetail {
    #[serde(default)]
    subjects: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn read(&mut self, subject: &str) {
        self.add(subject, 1);
    }

    fn add(&mut self, subject: &str, events: u64) {
        let sum = self.sums.entry(place_of(subject)).or_default();
        *sum = sum.saturating_add(events);
    }

    /// The subjects that lack events; none where the server does not tell.
    pub(super) async fn lacking(
        &self,
        connection: &Connection,
        log: &EventLog,
    ) -> Vec<IncompleteSubject> {
        let mut counted = Self::default();
        for_each(connection, |subject, events| counted.add(subject, events)).await;
        let differs = |subject: &str| {
            let place = place_of(subject);
            counted.sums.get(&place) != self.sums.get(&place)
        };
        let mut suspects = Vec::new();
        for_each(connection, |subject, _| {
            if suspects.len() < MOST_SUSPECTS && differs(subject) {
                suspects.push(subject.to_owned());
            }
        })
        .await;
        let mut lacking = Vec::new();
        for subject in suspects {
            let Some(aggregate) = aggregate_of_event_subject(&subject) else {
                continue;
            };
            if let Err(ReadError::Damaged(damage)) = log.read(&aggregate).await {
                lacking.push(IncompleteSubject {
                    subject,
                    missing: damage.missing,
                });
            }
        }
        lacking
    }
}

fn place_of(subject: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    subject.hash(&mut hasher);
    usize::try_from(hasher.finish()).unwrap_or_default() % SUMS
}

/// All subjects with their number of messages, page by page.
async fn for_each(connection: &Connection, mut take: impl FnMut(&str, u64)) {
    let api = format!("$JS.API.STREAM.INFO.{EVENT_STREAM}");
    let mut offset = 0;
    loop {
        let ask = json!({ "subjects_filter": ">", "offset": offset }).to_string();
        let asked = connection.request(&api, ask.into_bytes(), None, DEADLINE);
        let Ok(answer) = asked.await else { return };
        let Ok(Info {
            state: Some(StreamDetail { subjects }),
            total,
        }) = serde_json::from_slice(&answer)
        else {
            return;
        };
        offset += subjects.len();
        for (subject, events) in &subjects {
            take(subject, *events);
        }
        if subjects.is_empty() || total <= offset {
            return;
        }
    }
}
