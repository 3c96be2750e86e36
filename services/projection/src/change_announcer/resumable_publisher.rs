//! Telling, from where it has got to, whatever else happens to the stream.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use assent_contract::names::CHANGE_STREAM;
use assent_messaging::{Anew, ChangePublisher, ChangeStream, Position, PublishChangesError};
use assent_metrics::projection::{CHANGES_FOREIGN, CHANGES_PUBLISHED, CHANGES_TOLD_ANEW};
use assent_permission_store::AggregateChange;
use assent_service_kit::telemetry::sending_within;

use super::finding::Finding;
use super::message::{anew, beginning, message};
use super::place::{self, LogNames, Lost, Place};
use super::republish_progress::RepublishProgress;
use super::unknown_subjects::UnknownSubjects;
use super::{LogAndView, TracedChange};
use crate::announce_error::AnnounceError;

/// How many messages of others are remembered, so that each is reported once.
const REMEMBERED: usize = 4096;
/// How often one subject is told over at once, and how often after that, until it was left alone
/// for a while.
const AT_ONCE: u32 = 16;
const EVERY: Duration = Duration::from_secs(1);
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// Of more changes at once nobody reads the trace of one.
const MOST_TRACED: usize = 64;

/// Tells, and knows where it has got to.
#[derive(Debug)]
pub(super) struct ResumablePublisher {
    pub(super) ground: LogAndView,
    pub(super) names: LogNames,
    pub(super) stream: ChangeStream,
    pub(super) publisher: ChangePublisher,
    /// Of others' messages, those whose subjects have to be told over.
    pub(super) foreign: Vec<Finding>,
    /// Those whom the log does not know, while all is told anew.
    pub(super) ghosts: Option<UnknownSubjects>,
    reported: BTreeSet<u64>,
    repaired: HashMap<String, (u32, Instant)>,
    checked: Option<(u64, String)>,
}

impl ResumablePublisher {
    /// Goes on from where telling has got to, or begins to tell all anew.
    pub(super) async fn resume(
        ground: LogAndView,
        names: LogNames,
        stream: ChangeStream,
    ) -> Result<Self, AnnounceError> {
        let position = beginning(&names.source);
        let mut telling = Self {
            publisher: ChangePublisher::new(stream.clone(), 0, position),
            ground,
            names,
            stream,
            foreign: Vec::new(),
            ghosts: None,
            reported: BTreeSet::new(),
            repaired: HashMap::new(),
            checked: None,
        };
        telling.find().await?;
        Ok(telling)
    }

    /// Looks where telling has got to.
    pub(super) async fn find(&mut self) -> Result<(), AnnounceError> {
        let found = place::find(&self.stream, &self.ground, &self.names, &mut self.checked).await?;
        let foreign = match found {
            Place::Known {
                last_sequence,
                position,
                foreign,
            } => {
                if !foreign.is_empty() {
                    // They might be right, and we the ones who follow a log that is gone.
                    self.ground.holds().await?;
                }
                self.publisher.go_on_from(last_sequence, position);
                foreign
            }
            Place::Lost {
                last_sequence,
                why,
                foreign,
            } => {
                // It might be right, and we the ones who follow a log that is gone.
                self.ground.holds().await?;
                self.begin_anew(last_sequence, why).await?;
                foreign
            }
        };
        self.foreign.extend(foreign.iter().map(Finding::from));
        self.name_log().await?;
        Ok(())
    }

    /// What the log is called in answers is what it is called in what is told.
    async fn name_log(&self) -> Result<(), AnnounceError> {
        let (log, message) = (
            &self.publisher.position().log,
            self.publisher.last_sequence(),
        );
        self.ground.may_be_called(log).await?;
        self.ground
            .served
            .names_log(&self.ground.view, log, message);
        Ok(())
    }

    /// From here on all that stands is told anew, under a name that the log never had: sequences
    /// of before mean nothing any more.
    async fn begin_anew(&mut self, last_sequence: u64, why: Lost) -> Result<(), AnnounceError> {
        // What is told as standing has to be all that the log holds now.
        let last = self.ground.log.status().await?.last_sequence.0;
        let reached = self.ground.served.reaches(Some(last)).await;
        reached.map_err(|_| AnnounceError::Interrupted("the view has not caught up"))?;
        let cursor = self.ground.view.cursor();
        let log = match why {
            Lost::OldForm => self.names.source.clone(),
            Lost::AnotherLog
            | Lost::AheadOfLog
            | Lost::OtherEvents
            | Lost::SetBack
            | Lost::NothingOfOurs => self.names.another(last_sequence),
        };
        if why == Lost::OldForm {
            tracing::info!(%why, log, "telling all that stands anew");
        } else {
            tracing::error!(
                operator_alarm = "changes_told_anew",
                %why,
                log,
                "the stream of changes does not agree with the log: telling all that stands anew, and \
                 \"nothing\" of whomever the log does not know"
            );
            CHANGES_TOLD_ANEW.increment(1);
        }
        let through = cursor.sequence.0;
        let position = Position {
            through,
            hash: if through == 0 {
                beginning(&log).hash
            } else {
                assent_contract::event_hash::EventHash::from(cursor.hash).to_string()
            },
            mending: Some(RepublishProgress::Begun.to_string()),
            log,
        };
        self.publisher.go_on_from(last_sequence, position);
        self.ghosts = None;
        Ok(())
    }

    /// Tells changes in the order of the log; those that were told before are passed over.
    pub(super) async fn tell(&mut self, announced: &[TracedChange]) -> Result<(), AnnounceError> {
        if announced.is_empty() {
            return Ok(());
        }
        let published = self.publisher.published();
        let told = self.tell_all(announced).await;
        let now = self.publisher.published().saturating_sub(published);
        CHANGES_PUBLISHED.increment(now);
        told
    }

    async fn tell_all(&mut self, announced: &[TracedChange]) -> Result<(), AnnounceError> {
        let is_traced = announced.len() <= MOST_TRACED;
        let telling = |announced: &TracedChange| {
            let applied = announced.traceparent.as_deref().filter(|_| is_traced)?;
            Some(sending_within(CHANGE_STREAM, applied))
        };
        let spans: Vec<_> = announced.iter().map(telling).collect();
        loop {
            let before = self.publisher.position().through;
            let log = self.publisher.position().log.clone();
            let messages = announced
                .iter()
                .zip(&spans)
                .map(|(announced, span)| message(announced, &log, span.as_ref()))
                .collect::<Result<Vec<_>, _>>()?;
            match self.publisher.publish_batch(messages).await {
                Ok(_) => return Ok(()),
                Err(PublishChangesError::Overtaken { .. }) => {
                    self.find().await?;
                    if self.publisher.position().through < before {
                        // What lies between has to be read from the log again.
                        return Err(AnnounceError::Interrupted("telling was set back"));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tells once more how somebody stands: `false` where the stream went on otherwise meanwhile.
    pub(super) async fn tell_anew(
        &mut self,
        change: &AggregateChange,
        position: Position,
    ) -> Result<bool, AnnounceError> {
        let anew: Anew = anew(change, position)?;
        let told = self.publisher.tell_anew(anew).await;
        match told {
            Ok(_) => {
                self.name_log().await?;
                Ok(true)
            }
            Err(PublishChangesError::Overtaken { .. }) => {
                self.find().await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes those of others' messages whose subjects may be told over now. One subject is not told
    /// over time and again at once: replicas whose views differ would answer one another for ever.
    pub(super) fn due(&mut self) -> Vec<Finding> {
        let now = Instant::now();
        if REMEMBERED < self.repaired.len() {
            self.repaired
                .retain(|_, (_, last)| now.duration_since(*last) < FORGOTTEN_AFTER);
        }
        let (due, later) = std::mem::take(&mut self.foreign)
            .into_iter()
            .partition(|finding| {
                let (times, last) = self
                    .repaired
                    .entry(finding.subject.clone())
                    .or_insert((0, now));
                let since = now.duration_since(*last);
                if FORGOTTEN_AFTER < since {
                    *times = 0;
                }
                let is_due = *times < AT_ONCE || EVERY < since;
                if is_due {
                    *times = times.saturating_add(1);
                    *last = now;
                }
                is_due
            });
        self.foreign = later;
        due
    }

    /// Tells operators of a message of somebody else's, once.
    pub(super) fn report(&mut self, finding: &Finding) {
        if let Some(sequence) = finding.stream_sequence {
            if !self.reported.insert(sequence) {
                return;
            }
            if REMEMBERED < self.reported.len() {
                self.reported.pop_first();
            }
        }
        tracing::error!(
            operator_alarm = "foreign_change",
            stream_sequence = finding.stream_sequence,
            subject = finding.subject,
            "somebody else's message among the changes: telling over what it spoke of"
        );
        CHANGES_FOREIGN.increment(1);
    }
}
