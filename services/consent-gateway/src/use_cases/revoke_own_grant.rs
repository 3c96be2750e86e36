//! A user takes permissions back.

use assent_domain::decide::own_consent::{self, RevokeOwnPermissions};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::Kinds;
use jiff::Timestamp;

use crate::failure::Failure;
use crate::gateway::Gateway;

pub(crate) async fn revoke_own_grant(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    permissions: Kinds,
) -> Result<(), Failure> {
    let now = Timestamp::now();
    // Before the log is read: what comes back in between is held by then.
    let attempts = gateway.observations.attempts(account, user).await;
    gateway
        .ledger
        .decide_user(account, user, |company, state| {
            let command = RevokeOwnPermissions {
                account: account.clone(),
                user: user.clone(),
                permissions,
                under_way: attempts.under_way(company.epoch, now),
            };
            own_consent::revoke(company, state, command)
        })
        .await
        .map(drop)
}
