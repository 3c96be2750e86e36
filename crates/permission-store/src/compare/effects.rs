//! What the differences come to: whether users gain or lose what may be done for them.

use std::collections::HashMap;

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence};
use assent_domain::permissions::PermissionSet;
use assent_domain::user::UserState;

use crate::key;
use crate::projected::{Projected, effective};
use crate::row::Stored;
use crate::table::{Damage, Table};
use crate::view::read_row;

/// Counts users, as the rows of both views come by: companies first.
pub(super) struct Effects<'t> {
    rebuilt: &'t Table,
    /// The companies that differ: as they are served, and as they were rebuilt.
    companies: HashMap<AccountId, (Projected<AccountState>, Projected<AccountState>)>,
    pub(super) gaining: u64,
    pub(super) losing: u64,
}

impl<'t> Effects<'t> {
    pub(super) fn new(rebuilt: &'t Table) -> Self {
        Self {
            rebuilt,
            companies: HashMap::new(),
            gaining: 0,
            losing: 0,
        }
    }

    /// Whether rows matter that do not differ.
    pub(super) fn may_concern_others(&self) -> bool {
        !self.companies.is_empty()
    }

    pub(super) fn see(
        &mut self,
        aggregate: &Aggregate,
        served: Option<&[u8]>,
        rebuilt: Option<&[u8]>,
    ) -> Result<(), Damage> {
        match aggregate {
            Aggregate::Account(account) if served != rebuilt => {
                let states = (state(served), state(rebuilt));
                self.companies.insert(account.clone(), states);
            }
            Aggregate::Account(_) => {}
            Aggregate::User(account, _) => {
                let companies = match self.companies.get(account) {
                    Some(companies) => companies,
                    None if served == rebuilt => return Ok(()),
                    None => {
                        let row = self.rebuilt.get(&key::company(account))?;
                        let company: Projected<AccountState> = row
                            .map(|row| read_row(&row))
                            .transpose()?
                            .unwrap_or_default();
                        &(company.clone(), company)
                    }
                };
                let users: (Projected<UserState>, Projected<UserState>) =
                    (state(served), state(rebuilt));
                let before = effective(&companies.0, &users.0);
                let after = effective(&companies.1, &users.1);
                self.count(before, after);
            }
        }
        Ok(())
    }

    fn count(&mut self, before: PermissionSet, after: PermissionSet) {
        if !after.is_within(before) {
            self.gaining = self.gaining.saturating_add(1);
        }
        if !before.is_within(after) {
            self.losing = self.losing.saturating_add(1);
        }
    }
}

/// Nothing is effective for whoever has a row that can't be read.
fn state<S: Stored + Default>(row: Option<&[u8]>) -> Projected<S> {
    match row {
        None => Projected::default(),
        Some(row) => S::read(row).unwrap_or(Projected::Blocked { at: Sequence(0) }),
    }
}
