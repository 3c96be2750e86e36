//! The cut-off of a user: one record that ends every session, flow and link that was begun before it.
//!
//! Whatever a user begins notes the user's generation. A cut-off starts the next one, and whatever is of another
//! generation than the present one is over. So ending all of it is one write, however much there is, and asking costs one
//! read. Generations are numbered by the server that keeps them: no clock of a gateway decides.
//!
//! Where the bucket that keeps the cut-offs is lost and made anew, nobody knows who was cut off. So a generation is of that
//! very bucket, by when it was created: whatever was begun under another one is over.

use assent_contract::names::id_token;
use assent_domain::ids::{AccountId, UserId};
use assent_messaging::{Bucket, BucketOrigin};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::kv_store::{KvStore, StoreError};

/// How often a record is written anew when others keep getting in between.
const ATTEMPTS: usize = 4;

/// What is over for which users. Kept with the links, which live longest of all that can be cut off.
#[derive(Debug, Clone)]
pub struct Cutoffs {
    records: KvStore<Cutoff>,
    clock: Clock,
}

/// That everything before was ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cutoff {
    pub(crate) at: Timestamp,
}

/// Of which generation of its user's something is, as it is stored with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Generation {
    #[serde(default, rename = "generation")]
    number: u64,
    /// When the bucket was created that numbered it. What an earlier release began does not say.
    #[serde(
        default,
        rename = "generation_of",
        skip_serializing_if = "Option::is_none"
    )]
    of: Option<String>,
}

/// The present generation of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Present {
    number: u64,
    origin: BucketOrigin,
}

impl Present {
    /// One of a bucket that was the first of its name.
    #[cfg(test)]
    pub(crate) fn numbered(number: u64) -> Self {
        Self {
            number,
            origin: BucketOrigin {
                created: "first".to_owned(),
                is_recreated: false,
            },
        }
    }

    /// Whether something of this generation is not over.
    pub(crate) fn is(&self, generation: &Generation) -> bool {
        let is_of_this_bucket = match &generation.of {
            Some(of) => *of == self.origin.created,
            None => !self.origin.is_recreated,
        };
        is_of_this_bucket && self.number == generation.number
    }
}

impl From<Present> for Generation {
    fn from(present: Present) -> Self {
        Self {
            number: present.number,
            of: Some(present.origin.created),
        }
    }
}

impl Cutoffs {
    /// Cut-offs that are kept in this bucket.
    pub fn new(bucket: Bucket, clock: Clock) -> Self {
        Self {
            records: KvStore::new(bucket),
            clock,
        }
    }

    /// The generation of what a user begins now.
    pub(crate) async fn generation(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Result<Present, StoreError> {
        let key = key(account, user);
        // The origin last: where the bucket is made anew in between, it is of the new one and fits nothing of before.
        let found = self.records.find(&key).await?;
        Ok(Present {
            number: found.map_or(0, |stored| stored.revision()),
            origin: self.records.origin().await?,
        })
    }

    /// The last cut-off of a user.
    pub(crate) async fn last(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Result<Option<Cutoff>, StoreError> {
        let found = self.records.find(&key(account, user)).await?;
        Ok(found.map(|stored| stored.value))
    }

    /// Since when cut-offs are known of, where earlier ones are lost.
    pub(crate) async fn lost_before(&self) -> Result<Option<Timestamp>, StoreError> {
        self.records.lost_before().await
    }

    /// Ends everything that the user has begun.
    pub async fn cut_off(&self, account: &AccountId, user: &UserId) -> Result<(), StoreError> {
        let key = key(account, user);
        for _ in 0..ATTEMPTS {
            let cutoff = Cutoff {
                at: self.clock.now(),
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

/// Three tokens: a link's key has two, so that an account with this very name is in nobody's way.
fn key(account: &AccountId, user: &UserId) -> String {
    let (account, user) = (id_token(account.as_str()), id_token(user.as_str()));
    format!("cutoff.{account}.{user}")
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::{AccountId, UserId};
    use assent_messaging::BucketOrigin;

    use super::{Generation, Present};
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

    #[test]
    fn what_was_begun_before_the_cut_offs_were_lost_is_over() {
        let present = |number, created: &str, is_recreated| Present {
            number,
            origin: BucketOrigin {
                created: created.to_owned(),
                is_recreated,
            },
        };
        let begun = Generation::from(present(0, "first", false));
        let cut_off = present(7, "first", false);
        let made_anew = present(0, "second", true);
        assert!(present(0, "first", false).is(&begun));
        assert!(!cut_off.is(&begun));
        assert!(!made_anew.is(&begun));
        assert!(!present(7, "second", true).is(&Generation::from(cut_off)));
        assert!(made_anew.is(&Generation::from(made_anew.clone())));

        // An earlier release wrote only the number, in the same place.
        let earlier: Generation = serde_json::from_str(r#"{"generation":0}"#).unwrap();
        assert!(present(0, "first", false).is(&earlier));
        assert!(!made_anew.is(&earlier));
        assert_eq!(
            serde_json::to_value(&begun).unwrap(),
            serde_json::json!({"generation": 0, "generation_of": "first"})
        );
    }
}
