//! Which key seals how many tokens.

use std::collections::BTreeMap;

use assent_token_vault::{KeyId, StoreError, TokenStore};

/// How many records are asked for at a time.
pub(super) const PAGE: usize = 200;

/// Which key seals how many tokens.
#[derive(Debug, Default)]
pub(super) struct Census {
    by_key: BTreeMap<KeyId, u64>,
    /// How many records are none.
    pub(super) unreadable: u64,
}

impl Census {
    /// Counts all that is held. A record that is written meanwhile may count twice, under the key that it had and the one
    /// that it has.
    pub(super) async fn take(store: Option<&TokenStore>) -> Result<Self, StoreError> {
        let mut census = Self::default();
        let Some(store) = store else {
            return Ok(census);
        };
        let mut from = Some(0);
        while let Some(next) = from {
            let page = store.page(next, PAGE).await?;
            for held in page.held {
                let sealed = census.by_key.entry(held.record.key_id().clone());
                *sealed.or_default() += 1;
            }
            census.unreadable += u64::try_from(page.unreadable.len()).unwrap_or(u64::MAX);
            from = page.next;
        }
        Ok(census)
    }

    /// How many tokens a key seals.
    pub(super) fn sealed_by(&self, key: &KeyId) -> u64 {
        self.by_key.get(key).copied().unwrap_or(0)
    }

    /// How many tokens there are.
    pub(super) fn all(&self) -> u64 {
        self.by_key.values().sum()
    }

    /// How many tokens other keys than these seal, by key.
    pub(super) fn sealed_by_others<'a>(
        &'a self,
        keys: &'a [&KeyId],
    ) -> impl Iterator<Item = (&'a KeyId, u64)> {
        let others = self.by_key.iter().filter(|(id, _)| !keys.contains(id));
        others.map(|(id, sealed)| (id, *sealed))
    }
}
