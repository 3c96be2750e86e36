//! Making good: telling anew what a message of somebody else's spoke of, or all that stands.

use std::collections::VecDeque;
use std::fmt;

use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_messaging::{ChangeStream, Position};
use assent_permission_store::Change;

use super::inspect::Finding;
use super::judge::{Verdict, ours};
use super::message::nothing;
use super::telling::Telling;
use super::{Error, Ground};

/// How much is told anew at a time; what changes meanwhile is told in between.
const STEP: usize = 64;
/// How often it is tried to have the last word on a subject.
const ATTEMPTS: usize = 16;

/// How far telling all anew is: first "nothing" of those whom the log does not know, then all that
/// it does know. Each message says it, so that whoever comes next goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    Begun,
    Unknown(Aggregate),
    Known(Aggregate),
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun => f.write_str("begun"),
            Self::Unknown(last) => write!(f, "unknown {}", names::change_subject(last)),
            Self::Known(last) => write!(f, "known {}", names::change_subject(last)),
        }
    }
}

impl Progress {
    /// What can't be read begins anew.
    fn parse(text: &str) -> Self {
        let aggregate = |subject| names::aggregate_of_change_subject(subject);
        match text.split_once(' ') {
            Some(("unknown", subject)) => aggregate(subject).map_or(Self::Begun, Self::Unknown),
            Some(("known", subject)) => aggregate(subject).map_or(Self::Begun, Self::Known),
            Some(_) | None => Self::Begun,
        }
    }
}

/// The subjects that the stream keeps, as far as the log knows nothing of whom they name.
#[derive(Debug)]
pub(super) struct Ghosts {
    found: VecDeque<Aggregate>,
    /// Where the next page of subjects begins.
    next: Option<usize>,
}

impl Ghosts {
    pub(super) fn new() -> Self {
        Self {
            found: VecDeque::new(),
            next: Some(0),
        }
    }

    pub(super) async fn next(
        &mut self,
        ground: &Ground,
        stream: &ChangeStream,
    ) -> Result<Option<Aggregate>, Error> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Ok(Some(found));
            }
            let Some(offset) = self.next else {
                return Ok(None);
            };
            let page = stream.subjects(offset).await?;
            self.next = page.next;
            for subject in page.subjects {
                if let Some(aggregate) = names::aggregate_of_change_subject(&subject)
                    && ground.view.read().stands(&aggregate)?.is_none()
                {
                    self.found.push_back(aggregate);
                }
            }
        }
    }
}

impl Telling {
    /// How far telling all anew is; `None` where it is not under way.
    pub(super) fn mending(&self) -> Option<Progress> {
        let mending = self.publisher.position().mending.as_deref();
        mending.map(Progress::parse)
    }

    /// Tells some more anew.
    pub(super) async fn mend_some(&mut self) -> Result<(), Error> {
        match self.mending() {
            None => Ok(()),
            Some(Progress::Known(after)) => self.tell_known(Some(&after)).await,
            Some(Progress::Begun) => self.tell_unknown(None).await,
            Some(Progress::Unknown(after)) => self.tell_unknown(Some(after)).await,
        }
    }

    /// "Nothing" of those whom the stream knows and the log does not: they come first, for they may
    /// be told as permitted.
    async fn tell_unknown(&mut self, after: Option<Aggregate>) -> Result<(), Error> {
        let mut ghosts = self.ghosts.take().unwrap_or_else(Ghosts::new);
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
            let position = self.mended_to(Some(Progress::Unknown(ghost.clone())));
            if !self
                .tell_anew(&nothing(ghost.clone(), as_of), position)
                .await?
            {
                // Somebody else is at it as well, and may be further.
                ghosts.found.push_front(ghost);
                break;
            }
        }
        self.ghosts = Some(ghosts);
        Ok(())
    }

    /// All that stands. The last message ends it.
    async fn tell_known(&mut self, after: Option<&Aggregate>) -> Result<(), Error> {
        let view = self.ground.view.clone();
        let page = view.read().all_that_stands(None, after, STEP)?;
        let last = page.changes.len().checked_sub(1);
        let Some(last) = last else {
            return self.end_without_any().await;
        };
        for (at, change) in page.changes.iter().enumerate() {
            let progress = if at == last && !page.more {
                None
            } else {
                Some(Progress::Known(change.aggregate.clone()))
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
    async fn end_without_any(&mut self) -> Result<(), Error> {
        let position = self.mended_to(None);
        if let Some(Progress::Unknown(last) | Progress::Known(last)) = self.mending() {
            let change = self.stands(&last)?;
            self.tell_anew(&change, position).await?;
        } else {
            let last = self.publisher.last_sequence();
            self.publisher.go_on_from(last, position);
        }
        Ok(())
    }

    fn mended_to(&self, progress: Option<Progress>) -> Position {
        Position {
            mending: progress.map(|progress| progress.to_string()),
            ..self.publisher.position().clone()
        }
    }

    /// How somebody stands; nothing as of now, where the log does not know them.
    fn stands(&self, aggregate: &Aggregate) -> Result<Change, Error> {
        let reading = self.ground.view.read();
        let stands = reading.stands(aggregate)?;
        Ok(stands.unwrap_or_else(|| nothing(aggregate.clone(), reading.sequence())))
    }

    /// Has the last word on the subject of somebody else's message: in the stream, and with whoever
    /// heard it. Of several replicas one does.
    pub(super) async fn repair(&mut self, finding: &Finding) -> Result<(), Error> {
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
            let mut change = self.stands(&aggregate)?;
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
    async fn is_settled(&self, finding: &Finding, aggregate: &Aggregate) -> Result<bool, Error> {
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
        let stands = self.stands(aggregate)?;
        let is_true = match self.ground.judge(&kept).await? {
            Verdict::True => true,
            // What is newer will be told yet.
            Verdict::Earlier => self.publisher.position().through < stands.sequence.0,
            Verdict::Later | Verdict::Unblocked | Verdict::Wrong => false,
        };
        let outbids = finding.believed.as_ref().is_none_or(|believed| {
            believed.log.as_ref() != Some(&position.log) || believed.sequence < kept.change.sequence
        });
        Ok(is_true && outbids)
    }

    /// The message names nobody, so there is nobody to tell of. But the stream has to end with a
    /// message of ours, so that nobody looks for one in vain.
    async fn end_with_ours(&mut self) -> Result<(), Error> {
        let last = self.stream.last().await?;
        if last.as_ref().and_then(ours).is_some() {
            return Ok(());
        }
        let view = self.ground.view.clone();
        let any = view.read().all_that_stands(None, None, 1)?;
        if let Some(change) = any.changes.first() {
            let position = self.publisher.position().clone();
            self.tell_anew(change, position).await?;
        }
        Ok(())
    }
}
