//! All that a bucket holds, page by page.

use super::{Bucket, BucketError, Entry, PROBE, is_removal};
use crate::jetstream::DEADLINE;

/// A part of what a bucket holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketPage {
    /// Keys and values, in the order in which they were written.
    pub entries: Vec<(String, Entry)>,
    /// From which revision on the next page begins; `None`: this is the last one.
    pub next: Option<u64>,
}

impl Bucket {
    /// What was written from a revision on, and how it goes on after so many. What is written while one page is asked for
    /// after the other stands at the end, so a walk meets each value at least once. Read from the bucket's leader, one by
    /// one, so that nothing acknowledged is missing.
    pub async fn page(&self, from: u64, most: usize) -> Result<BucketPage, BucketError> {
        let own = format!("$KV.{}.", self.name);
        let filter = format!("{own}>");
        let mut page = BucketPage::default();
        let mut from = from.max(1);
        for _ in 0..most {
            let next = self
                .connection
                .next_message(&self.stream, &filter, from, DEADLINE);
            let Some(message) = next.await.map_err(|source| self.failed(source))? else {
                return Ok(page);
            };
            from = message.sequence().saturating_add(1);
            let key = message.subject().strip_prefix(&own).unwrap_or_default();
            if key != PROBE && !is_removal(&message) {
                let entry = Entry {
                    value: message.payload().to_vec(),
                    revision: message.sequence(),
                };
                page.entries.push((key.to_owned(), entry));
            }
        }
        page.next = Some(from);
        Ok(page)
    }
}
