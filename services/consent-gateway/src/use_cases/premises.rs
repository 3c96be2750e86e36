//! What is known of where a company is at Microsoft: the cloud of its tenant, and where its mailboxes are.

use assent_domain::decide::administrator_consent::{Mailboxes, Premises};
use assent_domain::effective::effective;
use assent_domain::ids::{AccountId, Tenant, UserId};
use assent_service_kit::telemetry::chain;
use jiff::Timestamp;

use crate::failure::Failure;
use crate::gateway::Gateway;

/// Where the tenant that is to be asked is. `mailboxes_in_exchange_online`: the word of a Super Admin, who knows better
/// than what was seen of some mailboxes.
pub(crate) async fn premises(
    gateway: &Gateway,
    account: &AccountId,
    tenant: Option<Tenant>,
    mailboxes_in_exchange_online: bool,
) -> Premises {
    let mailboxes = match tenant {
        // Of which tenant's mailboxes nobody knows: so nothing speaks against it.
        None => Mailboxes::NothingAgainst,
        Some(_) if mailboxes_in_exchange_online => Mailboxes::NothingAgainst,
        Some(tenant) => mailboxes(gateway, account, Some(tenant)).await,
    };
    Premises {
        cloud: tenant.map(|tenant| tenant.cloud),
        mailboxes,
    }
}

/// What was seen of the mailboxes of a company in one tenant, or in all: only what was seen of late, and of users whose
/// grant is in force. So nobody speaks for a company but those who use what it is about.
pub(crate) async fn mailboxes(
    gateway: &Gateway,
    account: &AccountId,
    tenant: Option<Tenant>,
) -> Mailboxes {
    let seen = gateway.observations.sightings(account).await;
    let suspects = seen.on_premises_only(tenant, Timestamp::now());
    for (user, tenant) in suspects {
        match has_a_grant_in(gateway, account, &user, tenant).await {
            Ok(true) => return Mailboxes::OnPremisesOnly,
            Ok(false) => {}
            Err(failure) => {
                let cause = std::io::Error::other(format!("{failure:?}"));
                tracing::warn!(error = %chain(&cause), "where a company's mailboxes are is not known");
                return Mailboxes::NothingAgainst;
            }
        }
    }
    Mailboxes::NothingAgainst
}

/// Whether something is effective for a user, of a mailbox in this tenant.
async fn has_a_grant_in(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    tenant: Tenant,
) -> Result<bool, Failure> {
    let state = gateway.ledger.user(account, user).await?.state;
    let company = gateway.ledger.company(account).await?.state;
    let is_of_tenant = state
        .identity
        .is_some_and(|identity| identity.tenant == tenant);
    Ok(is_of_tenant && !effective(&company, &state).is_nothing())
}

#[cfg(test)]
mod tests;
