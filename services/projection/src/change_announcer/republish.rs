//! Making good: telling anew what a message of somebody else's spoke of, or all that stands.

use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_messaging::Position;
use assent_permission_store::AggregateChange;

use super::finding::Finding;
use super::judge::{MessageVerdict, ours};
use super::message::nothing;
use super::republish_progress::RepublishProgress;
use super::resumable_publisher::ResumablePublisher;
use super::unknown_subjects::UnknownSubjects;
use crate::announce_error::AnnounceError;

/// How much is told anew at a time; what changes meanwhile is told in between.
const STEP: usize = 64;
/// How often it is tried to have the last word on a subject.
const ATTEMPTS: usize = 16;

impl ResumablePublisher {
    /// How far telling all anew is; `None` where it is not under way.
    pub(super) fn mending(&self) -> Option<RepublishProgress> {
        let mending = self.publisher.position().mending.as_deref();
        mending.map(RepublishProgress::parse)
    }

    /// Tells some more anew.
    pub(super) async fn mend_some(&mut self) -> Result<(), AnnounceError> {
        match self.mending() {
            None => Ok(()),
            Some(RepublishProgress::Known(after)) => self.tell_known(Some(&after)).await,
            Some(RepublishProgress::Begun) => self.tell_unknown(None).await,
            Some(RepublishProgress::Unknown(after)) => self.tell_unknown(Some(after)).await,
        }
    }

    /// "Nothing" of those whom the stream knows and the log does not: they come first, for they may
    /// be told as permitted.
    async fn tell_unknown(&mut self, after: Option<Aggregate>) -> Result<(), AnnounceError> {
        let mut ghosts = self.ghosts.take().unwrap_or_else(UnknownSubjects::new);
        let after = after.map(|after| names::change_subject(&after));
        for _ in 0..STEP {
            let Some(ghost) = ghosts.next(&self.ground, &self.stream).await? else {
                return self.tell_known(None).await;
            };
            if after
                .as_ref()
                .is_some_and(|after| names::change_subject(&ghost) <= *after)
            {
                continue;
            }
            let as_of = self.ground.view.cursor().sequence;
            let position = self.mended_to(Some(RepublishProgress::Unknown(ghost.clone())));
            if !self
                .tell_anew(&nothing(ghost.clone(), as_of), position)
                .await?
            {
                // Somebody else is at it as well, and may be further.
                ghosts.put_back(ghost);
                break;
            }
        }
        self.ghosts = Some(ghosts);
        Ok(())
    }

    /// All that stands. The last message ends it.
    async fn tell_known(&mut self, after: Option<&Aggregate>) -> Result<(), AnnounceError> {
        let view = self.ground.view.clone();
        let page = view.read().current_changes(None, after, STEP)?;
        let last = page.changes.len().checked_sub(1);
        let Some(last) = last else {
            return self.end_without_any().await;
        };
        for (at, change) in page.changes.iter().enumerate() {
            let progress = if at == last && !page.more {
                None
            } else {
                Some(RepublishProgress::Known(change.aggregate.clone()))
            };
            let position = self.mended_to(progress);
            if !self.tell_anew(change, position).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The log knows nobody: the last of those of whom "nothing" was told is told it again, to say
    /// that this is all.
    async fn end_without_any(&mut self) -> Result<(), AnnounceError> {
        let position = self.mended_to(None);
        if let Some(RepublishProgress::Unknown(last) | RepublishProgress::Known(last)) =
            self.mending()
        {
            let change = self.current_change(&last)?;
            self.tell_anew(&change, position).await?;
        } else {
            let last = self.publisher.last_sequence();
            self.publisher.go_on_from(last, position);
        }
        Ok(())
    }

    fn mended_to(&self, progress: Option<RepublishProgress>) -> Position {
        Position {
            mending: progress.map(|progress| progress.to_string()),
            ..self.publisher.position().clone()
        }
    }

    /// How somebody stands; nothing as of now, where the log does not know them.
    fn current_change(&self, aggregate: &Aggregate) -> Result<AggregateChange, AnnounceError> {
        let reading = self.ground.view.read();
        let stands = reading.current_change(aggregate)?;
        Ok(stands.unwrap_or_else(|| nothing(aggregate.clone(), reading.sequence())))
    }

    /// Has the last word on the subject of somebody else's message: in the stream, and with whoever
    /// heard it. Of several replicas one does.
    pub(super) async fn repair(&mut self, finding: &Finding) -> Result<(), AnnounceError> {
        if finding.is_foreign {
            self.report(finding);
        }
        let Some(aggregate) = names::aggregate_of_change_subject(&finding.subject) else {
            return self.end_with_ours().await;
        };
        self.ground.catches_up_with_voids(&aggregate).await?;
        for _ in 0..ATTEMPTS {
            if self.is_settled(finding, &aggregate).await? {
                return Ok(());
            }
            let mut change = self.current_change(&aggregate)?;
            let mut position = self.publisher.position().clone();
            if let Some(believed) = &finding.believed
                && believed.log.as_ref() == Some(&position.log)
                && change.sequence.0 <= believed.sequence
            {
                // Whoever believed it takes only what is later.
                let now = self.ground.view.cursor().sequence;
                match &aggregate {
                    Aggregate::User(..) if believed.sequence < now.0 => change.sequence = now,
                    // It claims more than there is, so that nothing will be later for long. Or it is
                    // of a company: whatever its users have that is not later counts no more.
                    Aggregate::User(..) | Aggregate::Account(_) => {
                        position.log = self.names.another(self.publisher.last_sequence());
                    }
                }
            }
            if self.tell_anew(&change, position).await? {
                return Ok(());
            }
        }
        // What comes last is heard, and reported again.
        tracing::warn!(
            subject = finding.subject,
            "others keep writing on a subject of changes"
        );
        Ok(())
    }

    /// Whether the truth was told already after such a message.
    async fn is_settled(
        &self,
        finding: &Finding,
        aggregate: &Aggregate,
    ) -> Result<bool, AnnounceError> {
        let kept = self.stream.last_on(&finding.subject).await?;
        let Some(kept) = kept.as_ref().and_then(ours) else {
            return Ok(false);
        };
        let Some(position) = &kept.position else {
            return Ok(false);
        };
        if !self.names.include(&position.log) {
            return Ok(false);
        }
        let stands = self.current_change(aggregate)?;
        let is_true = match self.ground.judge(&kept).await? {
            MessageVerdict::True => true,
            // What is newer will be told yet.
            MessageVerdict::Earlier => self.publisher.position().through < stands.sequence.0,
            MessageVerdict::Later | MessageVerdict::Unblocked | MessageVerdict::Wrong => false,
        };
        let outbids = finding.believed.as_ref().is_none_or(|believed| {
            believed.log.as_ref() != Some(&position.log) || believed.sequence < kept.change.sequence
        });
        Ok(is_true && outbids)
    }

    /// The message names nobody, so there is nobody to tell of. But the stream has to end with a
    /// message of ours, so that nobody looks for one in vain.
    async fn end_with_ours(&mut self) -> Result<(), AnnounceError> {
        let last = self.stream.last().await?;
        if last.as_ref().and_then(ours).is_some() {
            return Ok(());
        }
        let view = self.ground.view.clone();
        let any = view.read().current_changes(None, None, 1)?;
        if let Some(change) = any.changes.first() {
            let position = self.publisher.position().clone();
            self.tell_anew(change, position).await?;
        }
        Ok(())
    }
}
