//! The cut-off of a user: one record that ends every session, flow and link that was begun before it.
//!
//! Whatever a user begins notes the user's generation. A cut-off starts the next one, and whatever is of another
//! generation than the present one is over. So ending all of it is one write, however much there is, and asking costs one
//! read. Generations are numbered by the server that keeps them: no clock of a gateway decides.

use assent_contract::names::id_token;
use assent_domain::ids::{AccountId, UserId};
use assent_messaging::Bucket;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::records::{Records, StoreError, Stored};

/// How often a record is written anew when others keep getting in between.
const ATTEMPTS: usize = 4;

/// What is over for which users. Kept with the links, which live longest of all that can be cut off.
#[derive(Debug, Clone)]
pub(crate) struct Cutoffs {
    records: Records<Cutoff>,
}

/// That everything before was ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cutoff {
    pub(crate) at: Timestamp,
}

/// Of which generation of its user's something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Generation(u64);

impl Cutoffs {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self {
            records: Records::new(bucket),
        }
    }

    /// The generation of what a user begins now.
    pub(crate) async fn generation(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Result<Generation, StoreError> {
        let last = self.last(account, user).await?;
        Ok(last.map_or_else(Generation::default, |(_, generation)| generation))
    }

    /// The last cut-off of a user, and the generation that it started.
    pub(crate) async fn last(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Result<Option<(Cutoff, Generation)>, StoreError> {
        let found = self.records.find(&key(account, user)).await?;
        Ok(found.map(generation_of))
    }

    /// Ends everything that the user has begun.
    pub(crate) async fn cut_off(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Result<(), StoreError> {
        let key = key(account, user);
        for _ in 0..ATTEMPTS {
            let cutoff = Cutoff {
                at: Timestamp::now(),
            };
            let written = match self.records.find(&key).await? {
                Some(mut stored) => {
                    stored.value = cutoff;
                    self.records.change(stored).await
                }
                None => self.records.create(&key, cutoff).await,
            };
            match written {
                Ok(_) => return Ok(()),
                Err(StoreError::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Changed)
    }
}

fn generation_of(stored: Stored<Cutoff>) -> (Cutoff, Generation) {
    let generation = Generation(stored.revision());
    (stored.value, generation)
}

/// Three tokens: a link's key has two, so that an account with this very name is in nobody's way.
fn key(account: &AccountId, user: &UserId) -> String {
    let (account, user) = (id_token(account.as_str()), id_token(user.as_str()));
    format!("cutoff.{account}.{user}")
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::{AccountId, UserId};

    use crate::test_gateway;

    #[tokio::test]
    async fn a_cut_off_starts_the_next_generation_of_one_user_of_one_account() {
        let (_nats, gateway) = test_gateway::start().await;
        let cutoffs = &gateway.cutoffs;
        let account = |name: &str| AccountId::parse(name).unwrap();
        let user = |name: &str| UserId::parse(name).unwrap();
        let of = async |company: &str, name: &str| {
            let found = cutoffs.generation(&account(company), &user(name)).await;
            found.unwrap()
        };
        let before = of("acme", "ana").await;

        cutoffs
            .cut_off(&account("acme"), &user("ana"))
            .await
            .unwrap();
        let first = of("acme", "ana").await;
        cutoffs
            .cut_off(&account("acme"), &user("ana"))
            .await
            .unwrap();
        let second = of("acme", "ana").await;

        assert!(before != first && first != second && before != second);
        assert_eq!(of("acme", "ben").await, before);
        assert_eq!(of("other", "ana").await, before);
    }
}
