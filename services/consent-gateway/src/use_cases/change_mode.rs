//! The Super Admin changes the e-mail sync, or goes back to individual authorization.

use assent_domain::decide::{CompanyManager, mode_change};
use assent_domain::ids::AccountId;
use assent_domain::mode::Mode;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::representation::AccountView;

pub(crate) async fn change_mode(
    gateway: &Gateway,
    account: &AccountId,
    by: CompanyManager,
    to: Mode,
) -> Result<AccountView, Failure> {
    let command = mode_change::ChangeMode {
        account: account.clone(),
        by,
        to,
    };
    gateway
        .ledger
        .decide_company(account, |company| {
            mode_change::change(company, command.clone())
        })
        .await?;
    let company = gateway.ledger.company(account).await?;
    Ok(AccountView::of(account, &company))
}
