//! The use case: a sync worker wants an access token.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::command::{Reach, Sensitive};
use assent_contract::custody::TokenAnswer;
use assent_contract::values::{Permission as WirePermission, PersonId};
use assent_domain::permissions::Permission;
use assent_metrics::tokens::HAND_OUTS;
use assent_microsoft_identity::Refreshed;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use tracing::Instrument as _;

use crate::access_tokens::{AccessToken, Purpose};
use crate::custody::{Attempt, Custody, Reason, Tried};
use crate::endings;
use crate::failure::Failure;
use crate::permissions::Permitted;
use crate::standing::{ending, mailbox};
use crate::user_key::UserKey;
use crate::withdrawals::Withdrawal;

/// How long a token lasts at least, where nothing else is asked for.
const USUAL_MINIMUM: u32 = 300;
/// The longest that may be asked for: the shortest that Microsoft gives is an hour, but for some minutes.
const LONGEST_MINIMUM: u32 = 3000;
/// How long a worker waits for Microsoft: less than NATS remembers where the answer has to go. What was begun goes on, and is
/// there when it asks again.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a worker asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) whose: UserKey,
    pub(crate) permission: WirePermission,
    pub(crate) minimum_seconds: Option<u32>,
    pub(crate) at_least: Option<u64>,
}

/// Hands out an access token, while the permission is effective.
pub(crate) async fn hand_out(
    custody: &Arc<Custody>,
    wanted: Wanted,
) -> Result<TokenAnswer, Failure> {
    let handed_out = try_to_hand_out(custody, wanted).await;
    let result = match &handed_out {
        Ok((_, how)) => *how,
        Err(failure) => failure.code().as_str(),
    };
    HAND_OUTS.with([result]).increment(1);
    handed_out.map(|(answer, _)| answer)
}

async fn try_to_hand_out(
    custody: &Arc<Custody>,
    wanted: Wanted,
) -> Result<(TokenAnswer, &'static str), Failure> {
    let minimum = minimum(wanted.minimum_seconds)?;
    let (whose, permission) = (&wanted.whose, Permission::from(wanted.permission));
    let permitted = custody.permissions.of(whose, wanted.at_least).await?;
    let purpose = purpose(permission, &permitted)?;
    let kept = custody
        .access_tokens
        .find(whose, purpose, &permitted, minimum);
    if let Some(kept) = kept {
        return Ok((answer(&kept, &permitted), "kept"));
    }
    // It goes on if nobody waits any more: what Microsoft answers is written down in any case.
    let obtaining = tokio::spawn(
        obtain(
            Arc::clone(custody),
            whose.clone(),
            purpose,
            permitted,
            minimum,
        )
        .in_current_span(),
    );
    let (obtained, permitted) = match tokio::time::timeout(PATIENCE, obtaining).await {
        Ok(Ok(obtained)) => obtained?,
        Ok(Err(died)) => return Err(Failure::Internal(died.into())),
        Err(_elapsed) => return Err(Failure::MicrosoftUnavailable(None)),
    };
    // That took a while. What was revoked meanwhile is not handed out.
    let permitted = custody.permissions.confirm(whose, permitted).await?;
    let still = self::purpose(permission, &permitted)? == purpose
        && permitted.mailbox == Some(obtained.mailbox);
    if still {
        Ok((answer(&obtained, &permitted), "refreshed"))
    } else {
        Err(Failure::NotPermitted)
    }
}

fn minimum(seconds: Option<u32>) -> Result<Duration, Failure> {
    match seconds.unwrap_or(USUAL_MINIMUM) {
        seconds @ 0..=LONGEST_MINIMUM => Ok(Duration::from_secs(seconds.into())),
        _ => Err(Failure::Invalid(format!(
            "`minimum_seconds`: a number of seconds from 0 to {LONGEST_MINIMUM}"
        ))),
    }
}

fn purpose(permission: Permission, permitted: &Permitted) -> Result<Purpose, Failure> {
    Purpose::of(permission, permitted.effective)
        .filter(|_| permitted.mailbox.is_some())
        .ok_or(Failure::NotPermitted)
}

/// Has Microsoft give a token, unless somebody else just had; and says what is permitted as of what is held.
async fn obtain(
    custody: Arc<Custody>,
    whose: UserKey,
    purpose: Purpose,
    permitted: Permitted,
    minimum: Duration,
) -> Result<(Arc<AccessToken>, Permitted), Failure> {
    let _flight = custody.flights.begin(&whose).await;
    let kept = custody
        .access_tokens
        .find(&whose, purpose, &permitted, minimum);
    if let Some(kept) = kept {
        return Ok((kept, permitted));
    }
    let held = custody.held(&whose).await?;
    let held = held.ok_or(Failure::NoRefreshToken)?;
    let sequence = held.record.sequence;
    // It may have come with a consent that is later than all that is known.
    let permitted = custody
        .permissions
        .reflecting(&whose, permitted, sequence)
        .await?;
    if !purpose.permissions().is_within(permitted.effective) {
        return Err(Failure::NotPermitted);
    }
    if ending(&permitted, &held.record).is_some() {
        endings::destroy_if_over(&custody, &held, sequence).await?;
        return Err(Failure::NoRefreshToken);
    }
    if held.record.reauthentication_required {
        return Err(Failure::ReauthenticationRequired);
    }
    let mailbox = mailbox(&held.record);
    let attempt = Attempt {
        wanted: purpose.permissions(),
        permitted: &permitted,
        reason: Reason::HandOut,
        budget: None,
    };
    let tried = custody.try_held(held, attempt).await?;
    let (tried, _) = tried.ok_or(Failure::NoRefreshToken)?;
    match tried {
        Tried::Yes { refreshed, at } => {
            let token = access_token(&refreshed, mailbox, at, &permitted)?;
            let covered = custody.covered(&refreshed.scopes);
            custody
                .receipts
                .note(&whose, &covered, at, token.expires_at)
                .await
                .map_err(|error| Failure::Store(error.into()))?;
            let token = Arc::new(token);
            custody.access_tokens.keep(&whose, purpose, &token);
            Ok((token, permitted))
        }
        Tried::Gone(evidence) => {
            let permissions = match evidence.reach {
                Reach::User => purpose.permissions().kinds(),
                Reach::Tenant => permitted.effective.kinds(),
            };
            let withdrawal = Withdrawal {
                permissions: permissions.iter().collect(),
                mailbox,
                evidence,
                as_of: permitted.sequence.max(sequence),
            };
            custody.withdrawals.record(&whose, withdrawal).await;
            Err(Failure::ConsentWithdrawn)
        }
        Tried::SignInAgain => Err(Failure::ReauthenticationRequired),
        Tried::No(failure) => Err(failure),
    }
}

fn access_token(
    refreshed: &Refreshed,
    mailbox: PersonId,
    at: Timestamp,
    permitted: &Permitted,
) -> Result<AccessToken, Failure> {
    let lasts = SignedDuration::try_from(refreshed.expires_in);
    let expires_at = lasts.and_then(|lasts| at.checked_add(lasts));
    let scopes: Vec<&str> = refreshed.scopes.iter().collect();
    Ok(AccessToken {
        token: refreshed.access_token.clone(),
        expires_at: expires_at.map_err(|error| Failure::MicrosoftNonsense(error.into()))?,
        scope: scopes.join(" "),
        mailbox,
        obtained_at: at,
        told: permitted.stamp.own,
    })
}

fn answer(token: &AccessToken, permitted: &Permitted) -> TokenAnswer {
    TokenAnswer {
        access_token: Sensitive(token.token.expose_secret().to_owned()),
        token_type: "Bearer".to_owned(),
        expires_at: token.expires_at,
        scope: token.scope.clone(),
        tenant_id: token.mailbox.tenant_id,
        object_id: token.mailbox.object_id,
        effective: permitted.effective.into(),
        allowed: permitted.effective.into(),
        verified_at: token.obtained_at,
        sequence: permitted.sequence,
    }
}
