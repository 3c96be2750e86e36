//! Whom the stream of changes keeps a message of, and the log does not know.

use std::collections::VecDeque;

use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_messaging::ChangeStream;

use super::LogAndView;
use crate::announce_error::AnnounceError;

/// The subjects that the stream keeps, as far as the log knows nothing of whom they name.
#[derive(Debug)]
pub(super) struct UnknownSubjects {
    found: VecDeque<Aggregate>,
    /// Where the next page of subjects begins.
    next: Option<usize>,
}

impl UnknownSubjects {
    pub(super) fn new() -> Self {
        Self {
            found: VecDeque::new(),
            next: Some(0),
        }
    }

    /// One that was taken and is not done with.
    pub(super) fn put_back(&mut self, unknown: Aggregate) {
        self.found.push_front(unknown);
    }

    pub(super) async fn next(
        &mut self,
        ground: &LogAndView,
        stream: &ChangeStream,
    ) -> Result<Option<Aggregate>, AnnounceError> {
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
                    && ground.view.read().current_change(&aggregate)?.is_none()
                {
                    self.found.push_back(aggregate);
                }
            }
        }
    }
}
