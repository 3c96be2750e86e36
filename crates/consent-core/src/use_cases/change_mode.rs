//! The Super Admin changes the e-mail sync, or goes back to individual authorization.

use assent_domain::decide::{AccountManager, mode_change};
use assent_domain::ids::{AccountId, Sequence};
use assent_domain::mode::Mode;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::use_cases::queries::account_view;
use crate::views::AccountView;

/// Changes the settings to these, whatever they were.
pub async fn change_mode(
    gateway: &Gateway,
    account: &AccountId,
    by: AccountManager,
    to: Mode,
) -> Result<AccountView, Failure> {
    gateway.limits.write(account)?;
    let command = command(account, by, to);
    gateway
        .executor
        .execute_on_account(account, |company| {
            mode_change::change(company, command.clone())
        })
        .await?;
    let company = gateway.executor.account(account).await?;
    Ok(account_view(gateway, account, &company).await)
}

/// Changes the settings as somebody saw them. A page that has been overtaken must not undo what it did not show.
pub async fn change_mode_as_seen(
    gateway: &Gateway,
    account: &AccountId,
    by: AccountManager,
    to: Mode,
    seen: Sequence,
) -> Result<(), Failure> {
    gateway.limits.write(account)?;
    let command = command(account, by, to);
    gateway
        .executor
        .execute_on_account_as_seen(account, seen, |company| {
            mode_change::change(company, command.clone())
        })
        .await
        .map(drop)
}

fn command(account: &AccountId, by: AccountManager, to: Mode) -> mode_change::ChangeMode {
    mode_change::ChangeMode {
        account: account.clone(),
        by,
        to,
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::decide::{AccountManager, HostRights};
    use assent_domain::ids::{AccountId, Sequence, UserId};
    use assent_domain::mode::{EmailSync, Mode};

    use super::change_mode_as_seen;
    use crate::failure::Failure;
    use crate::test_gateway;

    #[tokio::test]
    async fn of_two_who_saw_the_same_only_one_changes_it() {
        let (_nats, gateway) = test_gateway::start().await;
        let acme = AccountId::parse("acme").unwrap();
        let rights = HostRights {
            is_super_admin: true,
            manages_company_settings: true,
        };
        let sam = AccountManager::with_rights(UserId::parse("sam").unwrap(), rights).unwrap();
        let limited = Mode {
            email_sync: EmailSync::Limited,
            ..Mode::default()
        };
        let seen = Sequence::default();
        let change = |to| change_mode_as_seen(&gateway, &acme, sam.clone(), to, seen);
        let (one, other) = tokio::join!(change(limited), change(limited));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let late = change(Mode::default()).await;
        assert!(matches!(late, Err(Failure::ConcurrentChange)), "{late:?}");
        let company = gateway.executor.account(&acme).await.unwrap();
        assert_eq!(company.state.email_sync, EmailSync::Limited);
    }
}
