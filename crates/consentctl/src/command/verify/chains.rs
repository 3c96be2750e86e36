//! Whether each event names the one before it on its subject, and each message can be read.
//!
//! Of each subject only the hash of its last event is kept, under a hash of the subject: some tens of bytes, however
//! long its history. Where an event names another one, its whole history is read and judged.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use assent_contract::codec::{DecodedEvent, Unreadable};
use assent_contract::event_hash::EventHash;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, LogEntry, ReadError};
use assent_permission_store::{Content, Entry};
use assent_service_kit::error_chain::with_sources;

use super::report::{Finding, Findings};
use crate::exit::CommandError;
use crate::output::count;

/// After so many histories were read for themselves, no other is: each takes as long as it is.
const MOST_READ: usize = 1000;

/// A message, its hash, and the event that it is; worked out beside the reading of the next ones.
#[derive(Debug)]
pub(super) struct Examined {
    entry: LogEntry,
    pub(super) hash: EventHash,
    decoded: Result<DecodedEvent, Unreadable>,
}

impl Examined {
    pub(super) fn new(entry: LogEntry) -> Self {
        Self {
            hash: entry.hash(),
            decoded: entry.decode(),
            entry,
        }
    }

    /// What a projection makes of it.
    pub(super) fn into_entry(self, is_void: bool) -> Entry {
        Entry {
            sequence: self.entry.sequence(),
            aggregate: self.entry.aggregate(),
            content: match self.decoded {
                Ok(decoded) => Content::Event(decoded.event),
                Err(_) if is_void => Content::Void,
                Err(_) => Content::Unreadable,
            },
            hash: *self.hash.as_bytes(),
        }
    }
}

/// The chains as far as they were followed.
#[derive(Debug, Default)]
pub(super) struct Chains {
    keys: RandomState,
    last: HashMap<u64, EventHash>,
    /// The events that may name an earlier one than the last, and those of histories that are known to be broken.
    judged: BTreeSet<Sequence>,
    histories_read: usize,
    events: u64,
    void: u64,
    past_damage: u64,
    pub(super) findings: Findings,
}

impl Chains {
    /// Follows on to the next message; whether that is void.
    pub(super) async fn add(
        &mut self,
        log: &EventLog,
        examined: &Examined,
    ) -> Result<bool, CommandError> {
        let entry = &examined.entry;
        let event = match &examined.decoded {
            Ok(event) => event,
            Err(unreadable) => {
                let is_void = log.void_of(entry).await?.is_some();
                if is_void {
                    // Nobody's predecessor.
                    self.void += 1;
                } else {
                    let says = format!("can't be read: {}", with_sources(unreadable));
                    self.findings.add(finding(entry, entry.aggregate(), says));
                }
                return Ok(is_void);
            }
        };
        self.events += 1;
        let subject = self.keys.hash_one(entry.subject());
        let before = self.last.insert(subject, examined.hash);
        if event.metadata.previous != before.unwrap_or(EventHash::NONE) {
            self.judge(log, entry).await?;
        }
        Ok(false)
    }

    /// Says how it is with all of them.
    pub(super) fn says(&self) -> String {
        let mut says = vec![format!(
            "{} on {}, each names the one before it",
            count(self.events, "event"),
            count(
                u64::try_from(self.last.len()).unwrap_or(u64::MAX),
                "subject"
            ),
        )];
        if self.past_damage != 0 {
            let revoked = count(self.past_damage, "revocation");
            says.push(format!("{revoked} recorded while the log was damaged"));
        }
        if self.void != 0 {
            says.push(format!("{} void", count(self.void, "message")));
        }
        says.join("; ")
    }

    async fn judge(&mut self, log: &EventLog, entry: &LogEntry) -> Result<(), CommandError> {
        let sequence = entry.sequence();
        let Some(aggregate) = entry.aggregate() else {
            return Ok(());
        };
        if self.judged.contains(&sequence) {
            self.past_damage += 1;
            return Ok(());
        }
        if MOST_READ <= self.histories_read {
            let says = "does not name the event before it".to_owned();
            self.findings.add(finding(entry, Some(aggregate), says));
            return Ok(());
        }
        self.histories_read += 1;
        let says = match log.read(&aggregate).await {
            // Two subjects under one hash, or an event that may name an earlier one.
            Ok(history) => {
                if history.past_damage.contains(&sequence) {
                    self.past_damage += 1;
                    self.judged.extend(
                        history
                            .past_damage
                            .iter()
                            .filter(|later| sequence < **later),
                    );
                }
                return Ok(());
            }
            Err(ReadError::BrokenChain { .. }) => {
                "does not name the event before it: something was changed, dropped or slipped in"
                    .to_owned()
            }
            Err(ReadError::Damaged(damage)) => {
                format!("does not name the event before it: {damage}")
            }
            Err(ReadError::Unreadable { sequence, .. }) => {
                format!(
                    "does not name the event before it, and event {sequence} of the same history can't be read"
                )
            }
            Err(error @ (ReadError::NotThere | ReadError::JetStream(_))) => {
                return Err(error.into());
            }
        };
        self.findings.add(finding(entry, Some(aggregate), says));
        Ok(())
    }
}

fn finding(entry: &LogEntry, whose: Option<Aggregate>, says: String) -> Finding {
    Finding {
        sequence: Some(entry.sequence().0),
        whose: whose.map(Into::into),
        field: None,
        says,
    }
}
