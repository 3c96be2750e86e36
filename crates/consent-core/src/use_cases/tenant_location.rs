//! What is known of where a company is at Microsoft: the cloud of its tenant, and where its mailboxes are.

use assent_domain::decide::administrator_consent::{Mailboxes, Premises};
use assent_domain::effective::effective;
use assent_domain::ids::{AccountId, Tenant, UserId};
use assent_service_kit::error_chain::with_sources;
use futures::{StreamExt as _, TryStreamExt as _, future, stream};

use crate::failure::Failure;
use crate::gateway::Gateway;

/// How many users are looked at at once.
const AT_ONCE: usize = 16;

/// Where the tenant that is to be asked is. `mailboxes_in_exchange_online`: the word of a Super Admin, who knows better
/// than what was seen of some mailboxes.
pub(crate) async fn locate_tenant(
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
pub async fn mailboxes(
    gateway: &Gateway,
    account: &AccountId,
    tenant: Option<Tenant>,
) -> Mailboxes {
    let seen = gateway.observations.sightings(account).await;
    let suspects = seen.on_premises_only(tenant, gateway.now());
    match one_has_a_grant(gateway, account, suspects).await {
        Ok(true) => Mailboxes::OnPremisesOnly,
        Ok(false) => Mailboxes::NothingAgainst,
        Err(failure) => {
            tracing::warn!(error = %with_sources(&failure), "where a company's mailboxes are is not known");
            Mailboxes::NothingAgainst
        }
    }
}

/// Whether something is effective for one of these users, of a mailbox in the tenant that it was seen in.
async fn one_has_a_grant(
    gateway: &Gateway,
    account: &AccountId,
    suspects: Vec<(UserId, Tenant)>,
) -> Result<bool, Failure> {
    if suspects.is_empty() {
        return Ok(false);
    }
    let company = gateway.executor.account(account).await?.state;
    let have = suspects.into_iter().map(async |(user, tenant)| {
        let state = gateway.executor.user(account, &user).await?.state;
        let is_of_tenant = state
            .identity
            .is_some_and(|identity| identity.tenant == tenant);
        Ok(is_of_tenant && !effective(&company, &state).is_nothing())
    });
    stream::iter(have)
        .buffer_unordered(AT_ONCE)
        .try_any(future::ready)
        .await
}

#[cfg(test)]
mod tests;
