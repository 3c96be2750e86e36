//! What was learnt of Microsoft on the way: where mailboxes are, and what users may consent to themselves.
//!
//! Nobody's consent rests on any of it. It only spares people a page that can't help them, so it is written as well as
//! can be and never holds anything up: what can't be read counts as not known, what can't be written is lost.

mod accounts;
mod attempts;
mod consent_policy;
mod mailbox;
mod reach;
mod sightings;
mod withdrawn_consent;

use std::time::Duration;

use assent_contract::names::id_token;
use assent_domain::ids::{AccountId, Tenant, UserId};
use assent_messaging::Bucket;
use assent_metrics::gateway::OBSERVATIONS_LOST;
use assent_service_kit::error_chain::with_sources;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::kv_store::{KvStore, StoreError};

pub(crate) use accounts::Accounts;
pub use assent_contract::words::{Approval, MailboxState};
pub(crate) use attempts::{AttemptedConsent, Attempts};
pub(crate) use consent_policy::{ConsentPolicies, approval};
pub use mailbox::Mailbox;
pub(crate) use reach::Reach;
pub(crate) use sightings::Sightings;
pub(crate) use withdrawn_consent::WithdrawnConsent;

/// How long a person's no waits for what was noted.
const PATIENCE_OF_A_NO: Duration = Duration::from_millis(500);
/// Longer than any request to Microsoft is under way, with its confirmation.
const UNDER_WAY_FOR: SignedDuration = SignedDuration::from_hours(1);

/// How often a record is changed anew when others keep getting in between. Each time one of them gets through.
const ATTEMPTS: usize = 16;

/// All that was observed.
#[derive(Debug)]
pub struct Observations {
    bucket: Bucket,
    clock: Clock,
}

impl Observations {
    /// Observations that are kept in this bucket.
    pub fn new(bucket: Bucket, clock: Clock) -> Self {
        Self { bucket, clock }
    }

    /// What the users of a company's tenants may consent to themselves.
    pub(crate) async fn policies(&self, account: &AccountId) -> ConsentPolicies {
        self.read(&policy_key(account)).await.unwrap_or_default()
    }

    /// Learns more of it.
    pub(crate) async fn learn_policy(
        &self,
        account: &AccountId,
        learn: impl Fn(&mut ConsentPolicies),
    ) {
        let learnt = self.change(&policy_key(account), learn).await;
        learnt.unwrap_or_else(|error| lost(&error));
    }

    /// How a user fared at Microsoft.
    pub(crate) async fn attempts(&self, account: &AccountId, user: &UserId) -> Attempts {
        self.read(&attempts_key(account, user))
            .await
            .unwrap_or_default()
    }

    /// How a user fared at Microsoft, for one who says no; `None` where it is not known what is under way, because it can't
    /// be read, or what was noted is lost.
    pub(crate) async fn attempts_for_a_no(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Option<Attempts> {
        let records: KvStore<Attempts> = KvStore::new(self.bucket.clone());
        let key = attempts_key(account, user);
        let read = async { tokio::try_join!(records.find(&key), records.lost_before()) };
        let (found, lost_before) = match timeout(PATIENCE_OF_A_NO, read).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => {
                lost(&error);
                return None;
            }
            Err(_) => return None,
        };
        let is_recent = |lost: Timestamp| self.clock.now().duration_since(lost) < UNDER_WAY_FOR;
        if lost_before.is_some_and(is_recent) {
            return None;
        }
        Some(found.map(|stored| stored.value).unwrap_or_default())
    }

    /// Notes how a user fares.
    pub(crate) async fn note_attempt(
        &self,
        account: &AccountId,
        user: &UserId,
        note: impl Fn(&mut Attempts),
    ) {
        let noted = self.weigh_attempt(account, user, note).await;
        noted.unwrap_or_else(|error| lost(&error));
    }

    /// Notes how a user fares, and says what `weigh` made of what was known: of several who do so at once each knows of
    /// those before it.
    pub(crate) async fn weigh_attempt<R>(
        &self,
        account: &AccountId,
        user: &UserId,
        weigh: impl Fn(&mut Attempts) -> R,
    ) -> Result<R, StoreError> {
        self.change(&attempts_key(account, user), weigh).await
    }

    /// With which Microsoft accounts a user came.
    pub(crate) async fn accounts(&self, account: &AccountId, user: &UserId) -> Accounts {
        self.read(&user_key("accounts", account, user))
            .await
            .unwrap_or_default()
    }

    /// Notes with which account a user came.
    pub(crate) async fn note_account(
        &self,
        account: &AccountId,
        user: &UserId,
        note: impl Fn(&mut Accounts),
    ) {
        let key = user_key("accounts", account, user);
        let noted = self.change(&key, note).await;
        noted.unwrap_or_else(|error| lost(&error));
    }

    /// Where a user's mailbox was seen last.
    pub(crate) async fn mailbox(&self, account: &AccountId, user: &UserId) -> Option<Mailbox> {
        self.read(&mailbox_key(account, user)).await
    }

    /// Notes where a mailbox is. Whatever says nothing about it leaves what was known.
    pub(crate) async fn note_mailbox(
        &self,
        account: &AccountId,
        user: &UserId,
        tenant: Tenant,
        seen: Mailbox,
    ) {
        let key = mailbox_key(account, user);
        let noted = self.change(&key, |known: &mut Option<Mailbox>| {
            *known = Some(seen.or_known(*known));
        });
        noted.await.unwrap_or_else(|error| lost(&error));
        let key = sightings_key(account);
        let noted = self.change(&key, |sightings: &mut Sightings| {
            sightings.saw(user, tenant, seen);
        });
        noted.await.unwrap_or_else(|error| lost(&error));
    }

    /// Where the mailboxes of a company's users were seen.
    pub(crate) async fn sightings(&self, account: &AccountId) -> Sightings {
        self.read(&sightings_key(account)).await.unwrap_or_default()
    }

    /// What of a company's consent was found withdrawn at Microsoft.
    pub(crate) async fn withdrawn_consent(&self, account: &AccountId) -> Option<WithdrawnConsent> {
        self.read::<Option<WithdrawnConsent>>(&withdrawn_key(account))
            .await
            .flatten()
    }

    /// Notes more of it, or that it lives again.
    pub(crate) async fn note_withdrawn_consent(
        &self,
        account: &AccountId,
        note: impl Fn(&mut Option<WithdrawnConsent>),
    ) {
        let noted = self.change(&withdrawn_key(account), note).await;
        noted.unwrap_or_else(|error| lost(&error));
    }

    /// Where they are kept.
    pub fn bucket(&self) -> Bucket {
        self.bucket.clone()
    }

    async fn read<T: Serialize + DeserializeOwned>(&self, key: &str) -> Option<T> {
        let records: KvStore<T> = KvStore::new(self.bucket.clone());
        match records.find(key).await {
            Ok(found) => found.map(|stored| stored.value),
            Err(error) => {
                lost(&error);
                None
            }
        }
    }

    async fn change<T, R>(&self, key: &str, change: impl Fn(&mut T) -> R) -> Result<R, StoreError>
    where
        T: Serialize + DeserializeOwned + Default + Clone + PartialEq,
    {
        let records: KvStore<T> = KvStore::new(self.bucket.clone());
        for _ in 0..ATTEMPTS {
            let (said, done) = if let Some(mut stored) = records.find(key).await? {
                let before = stored.value.clone();
                let said = change(&mut stored.value);
                if stored.value == before {
                    return Ok(said);
                }
                (said, records.change(stored).await)
            } else {
                let mut value = T::default();
                let said = change(&mut value);
                // There is nothing to know.
                if value == T::default() {
                    return Ok(said);
                }
                (said, records.create(key, value).await)
            };
            match done {
                Ok(_) => return Ok(said),
                Err(StoreError::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Changed)
    }
}

fn policy_key(account: &AccountId) -> String {
    format!("policy.{}", id_token(account.as_str()))
}

fn attempts_key(account: &AccountId, user: &UserId) -> String {
    user_key("attempts", account, user)
}

fn mailbox_key(account: &AccountId, user: &UserId) -> String {
    user_key("mailbox", account, user)
}

fn user_key(kind: &str, account: &AccountId, user: &UserId) -> String {
    let (account, user) = (id_token(account.as_str()), id_token(user.as_str()));
    format!("{kind}.{account}.{user}")
}

fn sightings_key(account: &AccountId) -> String {
    format!("sightings.{}", id_token(account.as_str()))
}

fn withdrawn_key(account: &AccountId) -> String {
    format!("withdrawn.{}", id_token(account.as_str()))
}

pub(crate) fn lost(error: &StoreError) {
    OBSERVATIONS_LOST.increment(1);
    tracing::warn!(error = %with_sources(error), "an observation was not read or kept");
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::{AccountId, Cloud, Tenant, TenantId, UserId};
    use assent_microsoft_identity::{MailboxLocation, UnknownReason};

    use uuid::Uuid;

    use super::{Approval, Mailbox, MailboxState, approval, mailbox_key, policy_key};
    use crate::kv_store::KvStore;
    use crate::test_gateway;

    fn acme() -> AccountId {
        AccountId::parse("acme").unwrap()
    }

    fn contoso() -> Tenant {
        Tenant {
            cloud: Cloud::Worldwide,
            id: TenantId(Uuid::nil()),
        }
    }

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    #[tokio::test]
    async fn an_answer_that_says_nothing_leaves_what_was_known() {
        let (_nats, gateway) = test_gateway::start().await;
        let observations = &gateway.observations;
        let timed_out = MailboxLocation::Unknown(UnknownReason::TimedOut);
        for (seen, known) in [
            (timed_out, MailboxState::Unknown),
            (
                MailboxLocation::OnPremises,
                MailboxState::OnPremisesExchange,
            ),
            (timed_out, MailboxState::OnPremisesExchange),
            (
                MailboxLocation::Unlicensed,
                MailboxState::MailboxUnavailable,
            ),
            (MailboxLocation::ExchangeOnline, MailboxState::Available),
        ] {
            let seen = Mailbox::seen(seen, gateway.now());
            observations
                .note_mailbox(&acme(), &user("ana"), contoso(), seen)
                .await;
            let mailbox = observations.mailbox(&acme(), &user("ana")).await;
            assert_eq!(mailbox.unwrap().state, known);
        }
    }

    #[tokio::test]
    async fn what_can_not_be_read_counts_as_not_known() {
        let (_nats, gateway) = test_gateway::start().await;
        let observations = &gateway.observations;
        let garbage: KvStore<u8> = KvStore::new(observations.bucket.clone());
        garbage.create(&policy_key(&acme()), 7).await.unwrap();
        let mailbox = mailbox_key(&acme(), &user("ana"));
        garbage.create(&mailbox, 7).await.unwrap();

        let tenant = contoso();
        let (account, scopes) = (acme(), ["Calendars.ReadWrite".to_owned()]);
        observations
            .learn_policy(&account, |policies| {
                policies
                    .policy_mut(tenant)
                    .refused(&scopes, observations.clock.now());
            })
            .await;
        let policies = observations.policies(&account).await;
        assert_eq!(approval(policies.policy(None), &scopes), Approval::Likely);
        assert!(observations.mailbox(&acme(), &user("ana")).await.is_none());
    }
}
