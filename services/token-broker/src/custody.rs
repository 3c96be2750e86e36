//! What is held: one sealed refresh token a user. It is tried at Microsoft here, and nowhere else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::command::{Evidence, Reach};
use assent_contract::values::PersonId;
use assent_domain::permissions::{Permission, PermissionSet};
use assent_metrics::tokens::REFRESHES;
use assent_microsoft_identity::{
    AuthorizationError, ConsentEnd, Entra, ErrorClass, RedeemError, Refreshed, ScopeMap, ScopeSet,
};
use assent_service_kit::error_chain::with_sources;
use assent_token_vault::{
    Binding, Held, KeyRing, OpenError, SealedFacts, StoreError, TokenRecord, TokenStore, Vault as _,
};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::access_tokens::AccessTokens;
use crate::budget::Budget;
use crate::counted::Count;
use crate::failure::Failure;
use crate::flights::Flights;
use crate::permissions::{Permissions, Permitted};
use crate::receipts::Receipts;
use crate::standing::{is_confirmed, mailbox};
use crate::user_key::UserKey;
use crate::withdrawals::{Withdrawals, evidence};

/// Without it Microsoft gives no new refresh token.
const OFFLINE_ACCESS: &str = "offline_access";
/// A consent takes some seconds until it is known everywhere at Microsoft. After how long what may not be known yet is asked
/// for again, before it is believed to be gone.
const ASKED_AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// What the use cases work with. Shared by all of them, never changed.
pub(crate) struct Custody {
    pub(crate) store: TokenStore,
    pub(crate) keys: KeyRing,
    pub(crate) entra: Entra,
    pub(crate) scopes: ScopeMap,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) receipts: Receipts,
    pub(crate) withdrawals: Withdrawals,
    pub(crate) flights: Arc<Flights>,
    pub(crate) count: Count,
    /// Within what time each token is tried.
    pub(crate) verify_every: Duration,
}

impl fmt::Debug for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custody").finish_non_exhaustive()
    }
}

/// What Microsoft is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason {
    HandOut,
    Verification,
    /// Which of several permissions it is: whether it is any was asked before.
    Narrowing,
    Deposit,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::HandOut => "hand_out",
            Self::Verification | Self::Narrowing => "verification",
            Self::Deposit => "deposit",
        }
    }

    /// Whether what Microsoft does not know (yet) is asked for once more.
    const fn doubts(self) -> bool {
        match self {
            Self::HandOut | Self::Verification => true,
            Self::Narrowing | Self::Deposit => false,
        }
    }
}

/// What is held is to be tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// For these permissions.
    pub(crate) wanted: PermissionSet,
    /// What is effective, by what is known before Microsoft is asked.
    pub(crate) permitted: &'a Permitted,
    pub(crate) reason: Reason,
    /// Within which budget it is tried again; the first try is in it already.
    pub(crate) budget: Option<&'a Budget>,
}

/// How a try ended.
pub(crate) enum Tried {
    /// Microsoft gave tokens.
    Yes {
        refreshed: Box<Refreshed>,
        at: Timestamp,
    },
    /// The consent is gone.
    Gone(Evidence),
    /// The consent stands; the token is of no use until the user signs in.
    SignInAgain,
    /// Nothing is known.
    No(Failure),
}

impl Custody {
    /// What is held of a user, where it can be read.
    pub(crate) async fn held(&self, whose: &UserKey) -> Result<Option<Held>, Failure> {
        match self.store.get(&whose.account, &whose.user).await {
            Ok(held) => Ok(held),
            Err(StoreError::Unreadable(error)) => {
                alarm(whose, &error);
                Ok(None)
            }
            Err(error @ (StoreError::Conflict | StoreError::Bucket(_))) => {
                Err(Failure::Store(error.into()))
            }
        }
    }

    /// The token that is held. Nothing where it does not open: then a new one is wanted, as if none were held.
    pub(crate) async fn open(
        &self,
        whose: &UserKey,
        record: &TokenRecord,
    ) -> Result<Option<SecretString>, Failure> {
        match self.keys.open(record, &whose.account, &whose.user).await {
            Ok(token) => Ok(Some(token)),
            Err(error @ OpenError::OutOfReach(_)) => Err(Failure::Store(error.into())),
            Err(
                error @ (OpenError::UnknownKey(_)
                | OpenError::NotItsPlace
                | OpenError::Damaged
                | OpenError::OtherVersion(_)),
            ) => {
                alarm(whose, &error);
                Ok(None)
            }
        }
    }

    /// Tries what is held, and notes in its record what came of it. Nothing where it does not open.
    pub(crate) async fn try_held(
        &self,
        held: Held,
        attempt: Attempt<'_>,
    ) -> Result<Option<(Tried, Held)>, Failure> {
        let whose = UserKey {
            account: held.account.clone(),
            user: held.user.clone(),
        };
        let Some(token) = self.open(&whose, &held.record).await? else {
            return Ok(None);
        };
        let tried = self.try_until_known(&held.record, &token, attempt).await;
        let record = match &tried {
            Tried::Yes { refreshed, at } => {
                let token = refreshed.refresh_token.as_ref().unwrap_or(&token);
                let sealed = self.sealed_again(&held, token, attempt.permitted, *at);
                Some(sealed.await?)
            }
            Tried::SignInAgain if !held.record.reauthentication_required => {
                let mut marked = held.record.clone();
                marked.reauthentication_required = true;
                Some(marked)
            }
            Tried::SignInAgain | Tried::Gone(_) | Tried::No(_) => None,
        };
        let held = match record {
            Some(record) => self.replaced(held, record).await?,
            None => held,
        };
        Ok(Some((tried, held)))
    }

    /// Tries it; and again, where Microsoft says that a consent is not there which may not have reached all of it.
    async fn try_until_known(
        &self,
        record: &TokenRecord,
        token: &SecretString,
        attempt: Attempt<'_>,
    ) -> Tried {
        let scopes = self.scopes_to_ask_for(attempt.wanted);
        let tenant = record.tenant_id;
        let ask = || self.try_token(tenant, token.clone(), scopes.clone(), attempt.reason);
        let mut tried = ask().await;
        if !attempt.reason.doubts() || is_confirmed(attempt.permitted, record) {
            return tried;
        }
        for pause in ASKED_AGAIN_AFTER {
            if !matches!(tried, Tried::Gone(_)) {
                break;
            }
            tokio::time::sleep(pause).await;
            if let Some(budget) = attempt.budget {
                budget.wait(tenant).await;
            }
            tried = ask().await;
        }
        tried
    }

    /// Uses a refresh token at Microsoft.
    pub(crate) async fn try_token(
        &self,
        tenant: uuid::Uuid,
        token: SecretString,
        scopes: Vec<String>,
        reason: Reason,
    ) -> Tried {
        let (tried, result) = match self.entra.refresh(tenant, token, scopes).await {
            Ok(refreshed) => {
                let at = Timestamp::now();
                let refreshed = Box::new(refreshed);
                (Tried::Yes { refreshed, at }, "refreshed")
            }
            Err(RedeemError::Refused(refusal)) => refused(refusal),
            Err(error @ (RedeemError::Unreachable(_) | RedeemError::TimedOut)) => {
                tracing::debug!(error = %with_sources(&error), "Microsoft gave no answer");
                let failure = Failure::MicrosoftUnavailable(error.retry_after());
                (Tried::No(failure), "unavailable")
            }
            Err(
                error @ (RedeemError::IdToken(_)
                | RedeemError::Nonsense(_)
                | RedeemError::OurFault(_)),
            ) => (
                Tried::No(Failure::MicrosoftNonsense(error.into())),
                "our_fault",
            ),
        };
        REFRESHES.with([reason.as_str(), result]).increment(1);
        tried
    }

    pub(crate) fn scopes_to_ask_for(&self, wanted: PermissionSet) -> Vec<String> {
        let mut scopes = self.scopes.scopes_for(wanted);
        scopes.push(OFFLINE_ACCESS.to_owned());
        scopes
    }

    /// Which permissions a token covers, by what Microsoft says that it can do.
    pub(crate) fn covered(&self, scopes: &ScopeSet) -> Vec<Permission> {
        self.scopes.permissions(scopes).kinds().iter().collect()
    }

    /// Seals a token for a place.
    pub(crate) async fn seal(
        &self,
        whose: &UserKey,
        mailbox: PersonId,
        token: &SecretString,
        facts: SealedFacts,
    ) -> Result<TokenRecord, Failure> {
        let binding = Binding {
            account: whose.account.clone(),
            user: whose.user.clone(),
            tenant_id: mailbox.tenant_id,
            object_id: mailbox.object_id,
            client_id: self.entra.client_id().to_owned(),
        };
        let key = self.keys.public_key().await;
        key.seal(token, &binding, facts)
            .map_err(|error| Failure::Internal(error.into()))
    }

    async fn sealed_again(
        &self,
        held: &Held,
        token: &SecretString,
        permitted: &Permitted,
        at: Timestamp,
    ) -> Result<TokenRecord, Failure> {
        let whose = UserKey {
            account: held.account.clone(),
            user: held.user.clone(),
        };
        let facts = SealedFacts {
            sequence: held.record.sequence,
            epoch: Some(permitted.epoch),
            stored_at: held.record.stored_at,
        };
        let mut sealed = self
            .seal(&whose, mailbox(&held.record), token, facts)
            .await?;
        sealed.verified_at = at;
        sealed.confirmed = permitted.last_event;
        Ok(sealed)
    }

    /// Where somebody else was first (another broker that refreshed it, the gateway with the token of a new consent, whoever
    /// destroyed it), theirs stays: the token that was used is as good as before.
    async fn replaced(&self, held: Held, record: TokenRecord) -> Result<Held, Failure> {
        match self.store.replace(&held, record).await {
            Ok(replaced) => Ok(replaced),
            Err(StoreError::Conflict) => Ok(held),
            Err(error @ (StoreError::Unreadable(_) | StoreError::Bucket(_))) => {
                Err(Failure::Store(error.into()))
            }
        }
    }
}

/// What a refusal means for what is held.
fn refused(refusal: AuthorizationError) -> (Tried, &'static str) {
    match refusal.consent_end() {
        Some(ConsentEnd::User) => {
            let gone = evidence(&refusal, Reach::User);
            return (Tried::Gone(gone), "consent_missing");
        }
        Some(ConsentEnd::Tenant) => {
            let gone = evidence(&refusal, Reach::Tenant);
            return (Tried::Gone(gone), "tenant_absent");
        }
        None => {}
    }
    match refusal.class {
        // What the person or somebody in the tenant has to do first; or the person is gone.
        ErrorClass::SessionEnded
        | ErrorClass::InteractionRequired
        | ErrorClass::AdministratorApprovalRequired
        | ErrorClass::WrongTenantOrUser
        // These two are ends of a consent, and told above.
        | ErrorClass::ConsentMissing
        | ErrorClass::TenantAbsent => (Tried::SignInAgain, "sign_in_again"),
        // A token that is good for nothing, or none at all: another one helps, and nobody's consent is touched.
        ErrorClass::Undetermined
        | ErrorClass::Declined
        | ErrorClass::AlreadyRedeemed
        | ErrorClass::OurFault
            if refusal.error.eq_ignore_ascii_case("invalid_grant") =>
        {
            (Tried::SignInAgain, "sign_in_again")
        }
        ErrorClass::OurFault => {
            let failure = Failure::MicrosoftNonsense(refusal.into());
            (Tried::No(failure), "our_fault")
        }
        ErrorClass::Undetermined
        | ErrorClass::Declined
        | ErrorClass::AlreadyRedeemed
        | ErrorClass::TryAgain => (
            Tried::No(Failure::MicrosoftUnavailable(None)),
            "unavailable",
        ),
    }
}

fn alarm(whose: &UserKey, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(
        operator_alarm = "token_does_not_open",
        account.id = %whose.account,
        user.id = %whose.user,
        error = %with_sources(error),
        "a refresh token that is held can't be used: the user has to connect again"
    );
}
