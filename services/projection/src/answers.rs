//! The answers. Each reads rows and sequence at once, so an answer is true of one moment.

use std::time::Duration;

use assent_contract::query::{
    AccountAnswer, AccountFacts, AccountQuery, BlockedEntry, BlockedPage, BlockedQuery, LoginState,
    LoginStateQuery, PermissionsAnswer, UserEntry, UserFacts, UserQuery, UsersPage, UsersQuery,
};
use assent_contract::values::PersonId;
use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::user::UserState;
use assent_permission_store::{Projected, ReadError, View, effective, mailbox};

use crate::query_failure::QueryFailure;
use crate::served_view::ServedView;

const USUAL_PAGE: u16 = 100;
const LARGEST_PAGE: u16 = 1000;

pub(crate) async fn permissions(
    served: &ServedView,
    query: &UserQuery,
) -> Result<PermissionsAnswer, QueryFailure> {
    served.reaches(query.at_least).await?;
    let log = served.log_name();
    read(served, |view| {
        let reading = view.read();
        let account = reading.account(&query.account_id)?;
        let user = reading.user(&query.account_id, &query.user_id)?;
        let effective = effective(&account, &user);
        Ok(PermissionsAnswer {
            account_id: query.account_id.clone(),
            user_id: query.user_id.clone(),
            method: account.method().into(),
            effective: effective.into(),
            allowed: effective.into(),
            microsoft_identity: mailbox(&account, &user).map(PersonId::from),
            sequence: reading.sequence().0,
            // The view may have become another one since.
            log: log.filter(|log| served.log_name().as_ref() == Some(log)),
        })
    })
}

pub(crate) async fn login_state(
    served: &ServedView,
    query: &LoginStateQuery,
) -> Result<LoginState, QueryFailure> {
    let patience = query.wait_ms.map_or(Duration::MAX, Duration::from_millis);
    served.reaches_within(query.at_least, patience).await?;
    read(served, |view| {
        let reading = view.read();
        let account = reading.account(&query.account_id)?;
        let user = reading.user(&query.account_id, &query.user_id)?;
        Ok(LoginState {
            account: account_facts(&account),
            user: UserFacts::from(user.known().unwrap_or(&UserState::default())),
            blocked: account.known().is_none() || user.known().is_none(),
            sequence: reading.sequence().0,
        })
    })
}

pub(crate) async fn account(
    served: &ServedView,
    query: &AccountQuery,
) -> Result<AccountAnswer, QueryFailure> {
    served.reaches(query.at_least).await?;
    read(served, |view| {
        let reading = view.read();
        let account = reading.account(&query.account_id)?;
        Ok(AccountAnswer {
            account_id: query.account_id.clone(),
            facts: account_facts(&account),
            blocked: account.known().is_none(),
            sequence: reading.sequence().0,
        })
    })
}

pub(crate) async fn users(
    served: &ServedView,
    query: &UsersQuery,
) -> Result<UsersPage, QueryFailure> {
    let limit = page_size(query.limit)?;
    served.reaches(query.at_least).await?;
    read(served, |view| {
        let reading = view.read();
        let account = reading.account(&query.account_id)?;
        let page = reading.users(&query.account_id, query.after.as_ref(), limit)?;
        let last = page.users.last().map(|(user, _)| user.clone());
        Ok(UsersPage {
            account_id: query.account_id.clone(),
            users: page
                .users
                .into_iter()
                .map(|(user_id, user)| {
                    let effective = effective(&account, &user);
                    UserEntry {
                        effective: effective.into(),
                        allowed: effective.into(),
                        last_sequence: user.last_sequence().0,
                        user_id,
                    }
                })
                .collect(),
            next: last.filter(|_| page.more),
            sequence: reading.sequence().0,
        })
    })
}

pub(crate) async fn blocked(
    served: &ServedView,
    query: BlockedQuery,
) -> Result<BlockedPage, QueryFailure> {
    let limit = page_size(query.limit)?;
    served.reaches(query.at_least).await?;
    let after = query.after.map(Aggregate::from);
    read(served, |view| {
        let reading = view.read();
        // One more than asked for tells whether there is another page.
        let mut found = reading.blocked_after(after.as_ref(), limit.saturating_add(1))?;
        let more = limit < found.len();
        found.truncate(limit);
        let blocked = found.into_iter().map(|blocked| {
            Ok(BlockedEntry {
                since: blocked.at.0,
                held: reading.is_held(&blocked.aggregate)?,
                whose: blocked.aggregate.into(),
            })
        });
        let blocked = blocked.collect::<Result<Vec<_>, ReadError>>()?;
        let counts = reading.counts();
        Ok(BlockedPage {
            next: blocked
                .last()
                .filter(|_| more)
                .map(|last| last.whose.clone()),
            blocked,
            total: counts.blocked,
            orphans: counts.orphans,
            sequence: reading.sequence().0,
        })
    })
}

fn page_size(asked: Option<u16>) -> Result<usize, QueryFailure> {
    let limit = asked.unwrap_or(USUAL_PAGE);
    if (1..=LARGEST_PAGE).contains(&limit) {
        return Ok(usize::from(limit));
    }
    Err(QueryFailure::Invalid(format!(
        "limit is from 1 to {LARGEST_PAGE}"
    )))
}

/// Reads the view, and has it rebuilt if it turns out to be damaged.
pub(crate) fn read<T>(
    served: &ServedView,
    read: impl FnOnce(&View) -> Result<T, ReadError>,
) -> Result<T, QueryFailure> {
    let view = served.view()?;
    read(&view).map_err(|error| {
        served.report_damage(&view);
        QueryFailure::from(error)
    })
}

fn account_facts(account: &Projected<AccountState>) -> AccountFacts {
    AccountFacts::from(account.known().unwrap_or(&AccountState::default()))
}
