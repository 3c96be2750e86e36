//! Notes of whom a view says something else of than the view did whose place it took: others were told what that one said,
//! and have to be told otherwise. A note is written with the row, and stays until it was seen to, whoever is killed meanwhile.

use assent_domain::event::Aggregate;
use sled::Batch;

use crate::key;
use crate::table::Damage;
use crate::view::{ReadError, Reading, View, unknown_key};

impl Reading<'_> {
    /// Up to `limit` of those of whom something else was said before.
    pub fn corrected(&self, limit: usize) -> Result<Vec<Aggregate>, ReadError> {
        let mut found = Vec::new();
        self.table().scan(key::CORRECTED, None, |key, _| {
            if found.len() == limit {
                return Ok(false);
            }
            let row = key.strip_prefix(key::CORRECTED);
            found.push(row.and_then(key::aggregate).ok_or_else(unknown_key)?);
            Ok(true)
        })?;
        Ok(found)
    }
}

impl View {
    /// They were told.
    pub fn forget_corrected(&self, told: &[Aggregate]) -> Result<(), Damage> {
        let mut batch = Batch::default();
        for aggregate in told {
            batch.remove(key::corrected(&key::row(aggregate)));
        }
        let _writer = self.only_writer();
        self.table().write(batch)
    }
}
