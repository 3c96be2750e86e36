//! Reading an account, a user, a flow. Always from the log's leader, so a write that was
//! answered is always seen.

use std::time::Duration;

use assent_domain::ids::{AccountId, UserId};
use assent_service_kit::Caller;
use jiff::Timestamp;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::{FlowView, Stored};
use crate::gateway::Gateway;
use crate::representation::{AccountView, UserView};
use crate::rights;

/// How long a read waits for the write that `at_least` names.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);

pub(crate) async fn account(
    gateway: &Gateway,
    account: &AccountId,
    at_least: Option<u64>,
) -> Result<AccountView, Failure> {
    wait_for(gateway, at_least).await?;
    let company = gateway.ledger.company(account).await?;
    Ok(AccountView::of(account, &company))
}

pub(crate) async fn user(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    at_least: Option<u64>,
) -> Result<UserView, Failure> {
    wait_for(gateway, at_least).await?;
    // The user first: its events name epochs that the company has to know by then.
    let of_user = gateway.ledger.user(account, user).await?;
    let company = gateway.ledger.company(account).await?;
    UserView::of(account, user, &company, &of_user)
}

/// A flow, for whoever began it. For others there is no such flow.
pub(crate) async fn flow(
    gateway: &Gateway,
    caller: &Caller,
    id: Uuid,
) -> Result<FlowView, Failure> {
    Ok(own_flow(gateway, caller, id)
        .await?
        .flow
        .view(Timestamp::now()))
}

pub(crate) async fn own_flow(
    gateway: &Gateway,
    caller: &Caller,
    id: Uuid,
) -> Result<Stored, Failure> {
    let unknown = Failure::NotFound("there is no such flow of yours, or not any more");
    let (Ok(account), Ok(user)) = (rights::account(caller), rights::subject(caller)) else {
        return Err(unknown);
    };
    match gateway.flows.find(id).await? {
        Some(stored) if stored.flow.account == account && stored.flow.started_by == user => {
            Ok(stored)
        }
        Some(_) | None => Err(unknown),
    }
}

/// The leader's answer holds every acknowledged write, so this waits only where the caller
/// names a sequence that nobody was ever given, or the leader changed just now.
async fn wait_for(gateway: &Gateway, at_least: Option<u64>) -> Result<(), Failure> {
    let Some(at_least) = at_least else {
        return Ok(());
    };
    let reached = async {
        while gateway.ledger.last_sequence().await? < at_least {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .unwrap_or(Err(Failure::NotYetApplied))
}
