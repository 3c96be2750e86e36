//! The use case: what is held of a user, and what is out?

use std::sync::Arc;

use assent_contract::custody::{CustodyQuery, CustodyStatus, HeldToken};
use assent_contract::problem::ErrorCode;
use assent_token_vault::TokenRecord;

use crate::custody::Custody;
use crate::failure::Failure;
use crate::standing::{ending, mailbox};
use crate::user_key::UserKey;

/// Says what is held, and until when the access tokens last that were handed out. What does not open, or has no use any more,
/// is not held: a new token is wanted then.
pub(crate) async fn status(
    custody: &Arc<Custody>,
    query: CustodyQuery,
) -> Result<CustodyStatus, Failure> {
    let whose = UserKey {
        account: query.account_id,
        user: query.user_id,
    };
    let held = match custody.held(&whose).await? {
        Some(held) if has_use(custody, &whose, &held.record).await => {
            let opened = custody.open(&whose, &held.record).await?;
            opened.map(|_| HeldToken {
                microsoft_identity: mailbox(&held.record),
                since: held.record.stored_at,
                verified_at: held.record.verified_at,
                reauthentication_required: held.record.reauthentication_required,
            })
        }
        Some(_) | None => None,
    };
    let handed_out = custody.receipts.of(&whose).await;
    Ok(CustodyStatus {
        held,
        handed_out: handed_out.map_err(|error| Failure::Store(error.into()))?,
    })
}

/// Whether it is of this epoch and this mailbox, as far as that is known. Where it is not, it is destroyed soon.
async fn has_use(custody: &Custody, whose: &UserKey, record: &TokenRecord) -> bool {
    match custody.permissions.of(whose, Some(record.sequence)).await {
        Ok(permitted) => ending(&permitted, record).is_none(),
        // It came with a consent that is not on this log, or not told yet.
        Err(unknown) if unknown.code() == ErrorCode::NotYetApplied => false,
        // What is held is held, though nobody can say what is effective.
        Err(_) => true,
    }
}
