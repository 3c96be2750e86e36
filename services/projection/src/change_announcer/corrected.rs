//! Those whose rows were not what the log adds up to, until the view was rebuilt.
//!
//! What was told of them was wrong, or may have been. Whether it was is looked up in the stream, so each is told once,
//! however many replicas are rebuilt.

use super::finding::Finding;
use super::resumable_publisher::ResumablePublisher;
use crate::announce_error::AnnounceError;

/// How many are seen to at a time.
const AT_ONCE: usize = 64;

impl ResumablePublisher {
    /// Tells how they stand.
    pub(super) async fn tell_corrected(&mut self) -> Result<(), AnnounceError> {
        loop {
            let view = self.ground.view.clone();
            let corrected = view.read().corrected(AT_ONCE)?;
            if corrected.is_empty() {
                return Ok(());
            }
            for aggregate in &corrected {
                let finding = match self.last_told(aggregate).await? {
                    Some((_, finding)) => finding,
                    None => Finding::untold(aggregate),
                };
                self.repair(&finding).await?;
            }
            view.forget_corrected(&corrected)?;
        }
    }
}
