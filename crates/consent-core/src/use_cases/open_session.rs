//! The host application opens a browser session for one of its users.

use assent_service_kit::Caller;
use jiff::Timestamp;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::reasons::Unauthenticated;
use crate::secrets::Digest;
use crate::session::{LONGEST_TOKEN, Session, SessionSecret};

/// What came of a token.
#[derive(Debug)]
pub enum Opened {
    /// A session.
    Session(SessionSecret),
    /// The token had opened a session already. Single use is what keeps whoever copied it out.
    UsedBefore,
}

/// Opens a session for whoever a token, which was checked, speaks for. The token can't be used for another. `from_elsewhere`:
/// the browser says that the form was sent by a site that is none of the host application's.
pub async fn open_session(
    gateway: &Gateway,
    (token, caller): (&str, &Caller),
    from_elsewhere: bool,
) -> Result<Opened, Failure> {
    let now = gateway.now();
    let until = now + gateway.session_lifetime;
    let session = Session::new(caller, Digest::compute(token), until, from_elsewhere)?;
    let token_id = caller
        .token_id
        .as_deref()
        .ok_or(Failure::Unauthenticated(Unauthenticated::NoTokenId))?;
    let runs_out_in_time =
        Timestamp::try_from(caller.expires_at).is_ok_and(|end| end <= now + LONGEST_TOKEN);
    if !runs_out_in_time {
        return Err(Failure::Unauthenticated(Unauthenticated::TokenTooLongLived));
    }
    if is_of_lost_times(gateway, caller, now).await? {
        return Err(Failure::Unauthenticated(Unauthenticated::UseOfTokenLost));
    }
    if is_of_earlier_times(gateway, caller, &session).await? {
        return Err(Failure::Unauthenticated(Unauthenticated::BeforeCutoff));
    }
    if !gateway.sessions.use_up(token_id).await? {
        tracing::warn!(
            security_event = "session_token_replayed",
            account.id = %session.account,
            user.id = %session.user,
            "a token that has opened a session was sent again"
        );
        return Ok(Opened::UsedBefore);
    }
    if from_elsewhere {
        tracing::warn!(
            security_event = "session_opened_elsewhere",
            account.id = %session.account,
            user.id = %session.user,
            "a session was opened from a site that is none of the host application's: nothing is bound in it"
        );
    }
    let secret = SessionSecret::random();
    tracing::info!(account.id = %session.account, user.id = %session.user, "a session of the settings began");
    gateway.sessions.create(&secret, session).await?;
    Ok(Opened::Session(secret))
}

/// Whether the user was cut off after the token was made, so that what it says of them may no longer be true. Tokens count
/// whole seconds: one of the same second is taken to be the later of the two.
async fn is_of_earlier_times(
    gateway: &Gateway,
    caller: &Caller,
    session: &Session,
) -> Result<bool, Failure> {
    let Some(issued_at) = issued_at(caller) else {
        return Ok(false);
    };
    let last = gateway.cutoffs.last(&session.account, &session.user);
    let last = last.await?;
    Ok(last.is_some_and(|cutoff| issued_at.as_second() < cutoff.at.as_second()))
}

/// Whether the token may have been used up, or its user cut off since it was made, and what says so is lost. One that does
/// not say when it was made may be of any time, as long as one of before can still be good.
async fn is_of_lost_times(
    gateway: &Gateway,
    caller: &Caller,
    now: Timestamp,
) -> Result<bool, Failure> {
    let (used_up, cut_off) = tokio::try_join!(
        gateway.sessions.lost_before(),
        gateway.cutoffs.lost_before()
    )?;
    let Some(lost_before) = used_up.max(cut_off) else {
        return Ok(false);
    };
    Ok(match issued_at(caller) {
        // Of the very second of the loss: perhaps of before.
        Some(issued_at) => issued_at.as_second() <= lost_before.as_second(),
        None => now.duration_since(lost_before) <= LONGEST_TOKEN,
    })
}

fn issued_at(caller: &Caller) -> Option<Timestamp> {
    Timestamp::try_from(caller.issued_at?).ok()
}
