//! The use case: a refresh token came with a sign-in to the host application.

use std::sync::Arc;

use assent_contract::custody::{Deposit, Deposited, NotKept};
use assent_contract::values::PersonId;
use assent_token_vault::SealedFacts;
use jiff::SignedDuration;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::custody::{Custody, Reason, Tried};
use crate::failure::Failure;
use crate::permissions::Permitted;
use crate::standing::{ending, mailbox};
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
    let person = deposit.microsoft_identity;
    let token = SecretString::from(deposit.refresh_token.into_text());
    let permitted = custody.permissions.of(&whose, deposit.at_least).await?;
    if let Some(why) = no_use(&permitted, person) {
        return Ok(not_kept(why));
    }
    let _flight = custody.flights.begin(&whose).await;
    if is_held_and_good(custody, &whose, permitted, person).await? {
        return Ok(Deposited {
            kept: true,
            reason: None,
        });
    }
    let mut scopes = custody.scopes_to_ask_for(permitted.effective);
    scopes.push(OPENID.to_owned());
    let tried = custody
        .try_token(person.tenant_id, token.clone(), scopes, Reason::Deposit)
        .await;
    let (refreshed, at) = match tried {
        Tried::Yes { refreshed, at } => (refreshed, at),
        // It may be of another application, or old: what it is refused for says nothing about what is held or consented to.
        Tried::Gone(_) | Tried::SignInAgain => return Ok(not_kept(NotKept::Refused)),
        // Nobody's login waits for what we or Microsoft have to mend first.
        Tried::No(Failure::MicrosoftUnavailable(_)) => {
            return Ok(not_kept(NotKept::MicrosoftUnavailable));
        }
        Tried::No(failure) => {
            tracing::warn!(code = %failure.code(), "a refresh token could not be tried, by our own fault");
            return Ok(not_kept(NotKept::Misconfigured));
        }
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
        return Ok(not_kept(NotKept::AnotherMailbox));
    }
    let known = custody.permissions.confirm(&whose, permitted).await?;
    if let Some(why) = no_use(&known, person) {
        return Ok(not_kept(why));
    }
    let facts = SealedFacts {
        sequence: known.sequence,
        epoch: Some(known.epoch),
        stored_at: at,
    };
    let token = refreshed.refresh_token.as_ref().unwrap_or(&token);
    let mut record = custody.seal(&whose, person, token, facts).await?;
    // Microsoft was asked for what was known before.
    record.confirmed = permitted.last_event;
    custody
        .store
        .put(&whose.account, &whose.user, &record)
        .await
        .map_err(|error| Failure::Store(error.into()))?;
    Ok(Deposited {
        kept: true,
        reason: None,
    })
}

fn not_kept(why: NotKept) -> Deposited {
    Deposited {
        kept: false,
        reason: Some(why),
    }
}

/// Why there is nothing to hold a token of this mailbox for.
fn no_use(permitted: &Permitted, person: PersonId) -> Option<NotKept> {
    if permitted.effective.is_nothing() {
        return Some(NotKept::NothingEffective);
    }
    (permitted.mailbox != Some(person)).then_some(NotKept::AnotherMailbox)
}

/// Whether what is held makes another one unnecessary.
async fn is_held_and_good(
    custody: &Custody,
    whose: &UserKey,
    permitted: Permitted,
    person: PersonId,
) -> Result<bool, Failure> {
    let Some(held) = custody.held(whose).await? else {
        return Ok(false);
    };
    let record = &held.record;
    if mailbox(record) != person
        || record.reauthentication_required
        || LATELY <= Timestamp::now().duration_since(record.verified_at)
    {
        return Ok(false);
    }
    let reflecting = custody
        .permissions
        .reflecting(whose, permitted, record.sequence);
    Ok(
        ending(&reflecting.await?, record).is_none()
            && custody.open(whose, record).await?.is_some(),
    )
}
