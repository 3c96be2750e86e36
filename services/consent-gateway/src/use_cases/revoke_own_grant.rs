//! A user takes permissions back.

use assent_domain::decide::own_consent::{self, RevokeOwnPermissions};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::Kinds;

use crate::failure::Failure;
use crate::gateway::Gateway;

pub(crate) async fn revoke_own_grant(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    permissions: Kinds,
) -> Result<(), Failure> {
    gateway.limits.revoke(account, user)?;
    let command = RevokeOwnPermissions {
        account: account.clone(),
        user: user.clone(),
        permissions,
    };
    gateway
        .ledger
        .decide_user(account, user, |company, state| {
            own_consent::revoke(company, state, command.clone())
        })
        .await
        .map(drop)
}
