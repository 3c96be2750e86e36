//! The use case: what is held of a user, and what is out?

use std::sync::Arc;

use assent_contract::custody::{CustodyQuery, CustodyStatus, HeldToken};

use crate::custody::{Custody, mailbox};
use crate::failure::Failure;
use crate::user_key::UserKey;

/// Says what is held, and until when the access tokens last that were handed out. What does not open is not held: a new
/// token is wanted then.
pub(crate) async fn status(
    custody: &Arc<Custody>,
    query: CustodyQuery,
) -> Result<CustodyStatus, Failure> {
    let whose = UserKey {
        account: query.account_id,
        user: query.user_id,
    };
    let held = match custody.held(&whose).await? {
        Some(held) => custody
            .open(&whose, &held.record)
            .await?
            .map(|_| HeldToken {
                microsoft_identity: mailbox(&held.record),
                since: held.record.stored_at,
                verified_at: held.record.verified_at,
                reauthentication_required: held.record.reauthentication_required,
            }),
        None => None,
    };
    let handed_out = custody.receipts.of(&whose).await;
    Ok(CustodyStatus {
        held,
        handed_out: handed_out.map_err(|error| Failure::Store(error.into()))?,
    })
}
