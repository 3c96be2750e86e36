//! The answers. Each reads rows and sequence at once, so an answer is true of one moment.

use assent_contract::query::{
    Account, AccountFacts, AccountQuery, LoginState, Permissions, UserEntry, UserFacts, UserQuery,
    Users, UsersQuery,
};
use assent_domain::account::AccountState;
use assent_domain::user::UserState;
use assent_permission_store::{ReadError, Standing, View, effective};

use crate::board::Board;
use crate::failure::Failure;

const USUAL_PAGE: u16 = 100;
const LARGEST_PAGE: u16 = 1000;

pub(crate) async fn permissions(board: &Board, query: &UserQuery) -> Result<Permissions, Failure> {
    board.reaches(query.at_least).await?;
    let log = board.log_name();
    read(board, |view| {
        let reading = view.read();
        let account = reading.account(&query.account_id)?;
        let user = reading.user(&query.account_id, &query.user_id)?;
        Ok(Permissions {
            account_id: query.account_id.clone(),
            user_id: query.user_id.clone(),
            method: account.method().into(),
            effective: effective(&account, &user).into(),
            sequence: reading.sequence().0,
            // The view may have become another one since.
            log: log.filter(|log| board.log_name().as_ref() == Some(log)),
        })
    })
}

pub(crate) async fn login_state(board: &Board, query: &UserQuery) -> Result<LoginState, Failure> {
    board.reaches(query.at_least).await?;
    read(board, |view| {
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

pub(crate) async fn account(board: &Board, query: &AccountQuery) -> Result<Account, Failure> {
    board.reaches(query.at_least).await?;
    read(board, |view| {
        let reading = view.read();
        let account = reading.account(&query.account_id)?;
        Ok(Account {
            account_id: query.account_id.clone(),
            facts: account_facts(&account),
            blocked: account.known().is_none(),
            sequence: reading.sequence().0,
        })
    })
}

pub(crate) async fn users(board: &Board, query: &UsersQuery) -> Result<Users, Failure> {
    let limit = query.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Failure::Invalid(format!(
            "limit is from 1 to {LARGEST_PAGE}"
        )));
    }
    board.reaches(query.at_least).await?;
    read(board, |view| {
        let reading = view.read();
        let account = reading.account(&query.account_id)?;
        let page = reading.users(&query.account_id, query.after.as_ref(), usize::from(limit))?;
        let last = page.users.last().map(|(user, _)| user.clone());
        Ok(Users {
            account_id: query.account_id.clone(),
            users: page
                .users
                .into_iter()
                .map(|(user_id, user)| UserEntry {
                    effective: effective(&account, &user).into(),
                    last_sequence: user.last_sequence().0,
                    user_id,
                })
                .collect(),
            next: last.filter(|_| page.more),
            sequence: reading.sequence().0,
        })
    })
}

/// Reads the view, and has it rebuilt if it turns out to be damaged.
pub(crate) fn read<T>(
    board: &Board,
    read: impl FnOnce(&View) -> Result<T, ReadError>,
) -> Result<T, Failure> {
    let view = board.view()?;
    read(&view).map_err(|error| {
        board.report_damage(&view);
        Failure::from(error)
    })
}

fn account_facts(account: &Standing<AccountState>) -> AccountFacts {
    AccountFacts::from(account.known().unwrap_or(&AccountState::default()))
}
