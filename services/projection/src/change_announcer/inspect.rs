//! Hearing what is told, as a sync worker does, and finding out at once what none of us said.

use assent_contract::names;
use assent_messaging::{ChangeStream, Message, Messages, Told};
use assent_service_kit::error_chain::with_sources;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::LogAndView;
use super::finding::Finding;
use super::judge::{MessageVerdict, OurMessage, ours};
use super::place::{LogNames, is_old};
use super::unknown_subjects::UnknownSubjects;
use crate::announce_error::AnnounceError;

/// Of how many of those whom the log does not know it is looked at what the stream keeps, at the
/// start: each costs a request.
const MOST_AUDITED: usize = 512;
/// How many messages that were not heard are read from the stream. Beyond that whatever they say
/// shows when telling goes on.
const MOST_MISSED: u64 = 1024;

/// Listens, and reports.
#[derive(Debug)]
pub(super) struct Inspector {
    pub(super) ground: LogAndView,
    pub(super) names: LogNames,
    pub(super) stream: ChangeStream,
    pub(super) live: Messages,
    pub(super) findings: mpsc::Sender<Finding>,
    /// The last message of the stream that was looked at.
    pub(super) seen: u64,
    /// Where telling has got to, by what was heard.
    pub(super) through: u64,
}

impl Inspector {
    /// Listens until nobody takes reports any more.
    pub(super) async fn run(mut self) -> Result<(), AnnounceError> {
        if let Err(error) = self.audit().await {
            // What is told from here on is heard all the same.
            tracing::warn!(error = %with_sources(&error), "what is kept of changes was not looked through");
        }
        while let Some(message) = self.live.next().await {
            self.take(&message).await?;
        }
        Ok(())
    }

    /// Looks through what the stream keeps of those whom the log does not know: it must be "nothing".
    async fn audit(&mut self) -> Result<(), AnnounceError> {
        let mut ghosts = UnknownSubjects::new();
        for _ in 0..MOST_AUDITED {
            let Some(ghost) = ghosts.next(&self.ground, &self.stream).await? else {
                return Ok(());
            };
            let subject = names::change_subject(&ghost);
            let Some(kept) = self.stream.last_on(&subject).await? else {
                continue;
            };
            let verdict = match ours(&kept) {
                Some(ours) => Some(self.ground.judge(&ours).await?),
                None => None,
            };
            match verdict {
                Some(
                    MessageVerdict::True
                    | MessageVerdict::Earlier
                    | MessageVerdict::Later
                    | MessageVerdict::Unblocked,
                ) => {}
                Some(MessageVerdict::Wrong) | None => self.report(&kept).await?,
            }
        }
        Ok(())
    }

    async fn take(&mut self, message: &Message) -> Result<(), AnnounceError> {
        let told = Told::heard(message);
        let Some(sequence) = told.stream_sequence else {
            return self.look_at(&told).await;
        };
        let first_missed = self.seen.saturating_add(1);
        let missed = first_missed.max(sequence.saturating_sub(MOST_MISSED))..sequence;
        for missed in missed {
            if let Some(told) = self.stream.at(missed).await? {
                self.look_at(&told).await?;
            }
        }
        if self.seen < sequence {
            self.seen = sequence;
            self.look_at(&told).await?;
        }
        Ok(())
    }

    async fn look_at(&mut self, told: &Told) -> Result<(), AnnounceError> {
        if self.is_right(told).await? {
            return Ok(());
        }
        self.report(told).await
    }

    async fn report(&self, told: &Told) -> Result<(), AnnounceError> {
        // It might be right, and we the ones who follow a log that is gone.
        self.ground.holds().await?;
        let reported = self.findings.send(Finding::from(told)).await;
        reported.map_err(|_| AnnounceError::Interrupted("nobody tells changes any more"))
    }

    async fn is_right(&mut self, told: &Told) -> Result<bool, AnnounceError> {
        if is_old(told) {
            return Ok(true);
        }
        let Some(OurMessage {
            aggregate,
            change,
            position: Some(position),
        }) = ours(told)
        else {
            return Ok(false);
        };
        if !self.names.include(&position.log)
            || position.through < self.through
            || told.stream_sequence.is_none()
        {
            return Ok(false);
        }
        let most = position.through.max(change.sequence);
        let mut applied = self.ground.served.progress();
        if *applied.borrow_and_update() < most {
            if self.ground.log.status().await?.last_sequence.0 < most {
                return Ok(false);
            }
            // It fails only once the served is gone, and we hold it.
            drop(applied.wait_for(|applied| most <= *applied).await);
        }
        self.through = position.through;
        let log = position.log.clone();
        let ours = OurMessage {
            aggregate,
            change,
            position: Some(position),
        };
        let verdict = self.ground.judge(&ours).await?;
        Ok(match verdict {
            MessageVerdict::True | MessageVerdict::Earlier | MessageVerdict::Later => {
                // Another replica may have given it another name.
                let message = told.stream_sequence.unwrap_or_default();
                self.ground.may_be_called(&log).await?;
                let LogAndView { served, view, .. } = &self.ground;
                served.hears_name_of_log(view, &log, message);
                true
            }
            MessageVerdict::Unblocked => {
                let reported = self.findings.send(Finding::of_ours(told)).await;
                reported
                    .map_err(|_| AnnounceError::Interrupted("nobody tells changes any more"))?;
                true
            }
            MessageVerdict::Wrong => false,
        })
    }
}
