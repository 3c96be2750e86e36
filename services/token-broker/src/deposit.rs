//! The use case: a refresh token came with a sign-in to the host application.

use std::sync::Arc;

use assent_contract::custody::{Deposit, Deposited};
use assent_token_vault::SealedFacts;
use jiff::SignedDuration;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::custody::{Custody, Reason, Tried, mailbox};
use crate::failure::Failure;
use crate::user_key::UserKey;

/// By it Microsoft says whose token it is.
const OPENID: &str = "openid";
/// What was good so lately makes another one unnecessary.
const LATELY: SignedDuration = SignedDuration::from_mins(60);

/// Takes a token into custody that Microsoft says is of the mailbox for which something is effective.
pub(crate) async fn deposit(
    custody: &Arc<Custody>,
    deposit: Deposit,
) -> Result<Deposited, Failure> {
    let whose = UserKey {
        account: deposit.account_id,
        user: deposit.user_id,
    };
    let token = SecretString::from(deposit.refresh_token.0);
    let permitted = custody.permissions.of(&whose, deposit.at_least).await?;
    let not_kept = Ok(Deposited { kept: false });
    let person = deposit.microsoft_identity;
    if permitted.effective().is_nothing() || permitted.answer.microsoft_identity != Some(person) {
        return not_kept;
    }
    let _flight = custody.flights.begin(&whose).await;
    if let Some(held) = custody.held(&whose).await? {
        let record = &held.record;
        let is_good = mailbox(record) == person
            && !record.reauthentication_required
            && Timestamp::now().duration_since(record.verified_at) < LATELY
            && custody.open(&whose, record).await?.is_some();
        if is_good {
            return Ok(Deposited { kept: true });
        }
    }
    let mut scopes = custody.scopes_to_ask_for(permitted.effective());
    scopes.push(OPENID.to_owned());
    let tried = custody
        .try_token(person.tenant_id, token.clone(), scopes, Reason::Deposit)
        .await;
    let (refreshed, at) = match tried {
        Tried::Yes { refreshed, at } => (refreshed, at),
        // It may be of another application, or old: what it is refused for says nothing about what is held or consented to.
        Tried::Gone(_) | Tried::SignInAgain => return not_kept,
        Tried::No(failure) => return Err(failure),
    };
    let is_theirs = refreshed
        .identity
        .as_ref()
        .is_some_and(|identity| identity.object_id == person.object_id);
    if !is_theirs {
        tracing::warn!(
            security_event = "another_mailbox",
            account.id = %whose.account,
            user.id = %whose.user,
            "a refresh token came with a sign-in that it is not of"
        );
        return not_kept;
    }
    let permitted = custody.permissions.confirm(&whose, permitted).await?;
    if permitted.effective().is_nothing() || permitted.answer.microsoft_identity != Some(person) {
        return not_kept;
    }
    let facts = SealedFacts {
        sequence: permitted.answer.sequence,
        stored_at: at,
    };
    let token = refreshed.refresh_token.as_ref().unwrap_or(&token);
    let record = custody.seal(&whose, person, token, facts).await?;
    custody
        .store
        .put(&whose.account, &whose.user, &record)
        .await
        .map_err(|error| Failure::Store(error.into()))?;
    Ok(Deposited { kept: true })
}
