//! Refresh tokens, on their way to the token broker: sealed as soon as they are here, put where the broker finds them, and
//! forgotten. The gateway can read none, not even its own.

use std::sync::Arc;

use assent_domain::ids::{AccountId, Epoch, MicrosoftIdentity, Sequence, UserId};
use assent_messaging::Connection;
use assent_metrics::gateway::REFRESH_TOKENS;
use assent_service_kit::Dependency;
use assent_service_kit::error_chain::with_sources;
use assent_token_vault::{
    Binding, PublicKeyFile, SealError, SealedFacts, TokenRecord, TokenWriter,
};
use jiff::Timestamp;
use secrecy::SecretString;

/// What seals, and where it goes.
#[derive(Debug)]
pub struct Custody {
    key: Option<Arc<PublicKeyFile>>,
    client_id: String,
    writer: TokenWriter,
    readiness: Dependency,
}

impl Custody {
    /// Seals with the key in this file what was given to this application at Microsoft; without a key tokens are dropped.
    pub fn new(
        connection: &Connection,
        key: Option<PublicKeyFile>,
        client_id: &str,
        readiness: Dependency,
    ) -> Self {
        match key {
            Some(_) => readiness.ready(),
            None => readiness.do_without(
                "consents are recorded, and refresh tokens dropped: ASSENT_VAULT_PUBLIC_KEY_FILE names no key to seal them \
                 with",
            ),
        }
        Self {
            key: key.map(Arc::new),
            client_id: client_id.to_owned(),
            writer: TokenWriter::new(connection),
            readiness,
        }
    }

    /// Seals a refresh token that Microsoft gave a user whose mailbox this is; `None` where none is kept. What it rests on is
    /// noted once that is recorded ([`Custody::put`]).
    pub(crate) async fn seal(
        &self,
        (account, user): (&AccountId, &UserId),
        mailbox: MicrosoftIdentity,
        token: Option<SecretString>,
        now: Timestamp,
    ) -> Option<TokenRecord> {
        let Some(token) = token else {
            REFRESH_TOKENS.with(["none_given"]).increment(1);
            return None;
        };
        let binding = Binding {
            account: account.clone(),
            user: user.clone(),
            tenant_id: mailbox.tenant.id.0,
            object_id: mailbox.object_id.0,
            client_id: self.client_id.clone(),
        };
        let facts = SealedFacts {
            sequence: 0,
            epoch: None,
            stored_at: now,
        };
        let Some(key) = self.key.clone() else {
            REFRESH_TOKENS.with(["no_key"]).increment(1);
            return None;
        };
        // The key's file is read.
        let sealing =
            tokio::task::spawn_blocking(move || key.current().seal(&token, &binding, facts));
        let why: Box<dyn std::error::Error + Send + Sync> = match sealing.await {
            Ok(Ok(record)) => return Some(record),
            Ok(Err(error @ (SealError::Length | SealError::Key))) => error.into(),
            Err(stopped) => stopped.into(),
        };
        REFRESH_TOKENS.with(["lost"]).increment(1);
        tracing::warn!(error = %with_sources(&*why), "a refresh token could not be sealed and is dropped");
        None
    }

    /// Puts a sealed token into the broker's bucket. Whether it is there now. `granted` is the write from which on something is
    /// effective for its mailbox, and the epoch in which it counts.
    pub(crate) async fn put(
        &self,
        (account, user): (&AccountId, &UserId),
        mut record: TokenRecord,
        (sequence, epoch): (Sequence, Epoch),
    ) -> bool {
        record.sequence = sequence.0;
        record.epoch = Some(epoch.0);
        match self.writer.put(account, user, &record).await {
            Ok(()) => {
                REFRESH_TOKENS.with(["kept"]).increment(1);
                self.readiness.ready();
                true
            }
            Err(error) => {
                REFRESH_TOKENS.with(["lost"]).increment(1);
                let error = with_sources(&error).to_string();
                tracing::warn!(
                    account.id = %account,
                    user.id = %user,
                    error,
                    "a sealed refresh token could not be put and is dropped: the consent stands"
                );
                self.readiness.do_without(format!(
                    "the last refresh token could not be put where the token broker finds it: {error}"
                ));
                false
            }
        }
    }

    /// The id of the key that seals from now on; nothing without one.
    pub async fn key_id(&self) -> Option<String> {
        let key = self.key.clone()?;
        // The key's file is read.
        let id = tokio::task::spawn_blocking(move || key.current().id().to_string());
        id.await.ok()
    }

    /// Whether there is a key to seal refresh tokens with.
    pub(crate) const fn keeps(&self) -> bool {
        self.key.is_some()
    }

    /// Puts a refresh token into the broker's bucket, sealed, and forgets it. Whether it is there now.
    pub(crate) async fn keep(
        &self,
        whose: (&AccountId, &UserId),
        mailbox: MicrosoftIdentity,
        token: Option<SecretString>,
        granted: (Sequence, Epoch),
        now: Timestamp,
    ) -> bool {
        match self.seal(whose, mailbox, token, now).await {
            Some(record) => self.put(whose, record, granted).await,
            None => false,
        }
    }
}
