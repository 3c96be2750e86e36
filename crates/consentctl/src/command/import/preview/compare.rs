//! Two views side by side: who stands otherwise.

use std::cmp::Ordering;
use std::io;

use assent_contract::query::AggregateId;
use assent_contract::values;
use assent_domain::event::Aggregate;
use assent_domain::permissions::PermissionSet;
use assent_permission_store::{AggregateChange, View};
use serde::Serialize;

use super::words;
use crate::exit::CommandError;
use crate::output::{Output, count};

/// How many rows are read at a time.
const PAGE: usize = 1024;

/// Who stands otherwise, counted. Each is told as it is found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Differences {
    /// Companies whose authorization method would be another one.
    companies_changed: u64,
    /// Users of whom something would be on that is off now.
    users_on_again: u64,
    /// Users of whom something would be off that is on now.
    users_off: u64,
    /// Users of whom either is so.
    users_changed: u64,
    #[serde(skip)]
    shown: usize,
}

/// Who stands otherwise.
#[derive(Debug, Serialize)]
struct Difference {
    #[serde(flatten)]
    whose: AggregateId,
    now: Option<Stand>,
    import: Option<Stand>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Stand {
    method: values::Method,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective: Option<values::PermissionSet>,
}

impl From<&AggregateChange> for Stand {
    fn from(change: &AggregateChange) -> Self {
        Self {
            method: change.method.into(),
            effective: change.effective.map(Into::into),
        }
    }
}

/// Goes through both views at once, which have the same order.
pub(super) fn compare(
    now: &View,
    then: &View,
    limit: usize,
    output: &mut Output,
) -> Result<Differences, CommandError> {
    let mut differences = Differences::default();
    let (mut left, mut right) = (Rows::of(now), Rows::of(then));
    loop {
        let (one, other) = (left.peek()?, right.peek()?);
        let order = match (&one, &other) {
            (None, None) => return Ok(differences),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => place(&one.aggregate).cmp(&place(&other.aggregate)),
        };
        let one = if order == Ordering::Greater {
            None
        } else {
            left.take()
        };
        let other = if order == Ordering::Less {
            None
        } else {
            right.take()
        };
        differences.add(one.as_ref(), other.as_ref(), limit, output)?;
    }
}

/// By what rows are ordered: companies first, then users.
fn place(aggregate: &Aggregate) -> (bool, &str, &str) {
    match aggregate {
        Aggregate::Account(account) => (false, account.as_str(), ""),
        Aggregate::User(account, user) => (true, account.as_str(), user.as_str()),
    }
}

/// The rows of a view, page by page.
struct Rows<'a> {
    view: &'a View,
    page: std::vec::IntoIter<AggregateChange>,
    last: Option<Aggregate>,
    is_over: bool,
}

impl<'a> Rows<'a> {
    fn of(view: &'a View) -> Self {
        Self {
            view,
            page: Vec::new().into_iter(),
            last: None,
            is_over: false,
        }
    }

    fn peek(&mut self) -> Result<Option<AggregateChange>, CommandError> {
        if self.page.as_slice().is_empty() && !self.is_over {
            let page = self.view.read();
            let page = page.current_changes(None, self.last.as_ref(), PAGE);
            let page = page.map_err(|error| CommandError::Files(error.into()))?;
            self.is_over = !page.more;
            self.last = page.changes.last().map(|last| last.aggregate.clone());
            self.page = page.changes.into_iter();
        }
        Ok(self.page.as_slice().first().cloned())
    }

    fn take(&mut self) -> Option<AggregateChange> {
        self.page.next()
    }
}

impl Differences {
    fn add(
        &mut self,
        now: Option<&AggregateChange>,
        then: Option<&AggregateChange>,
        limit: usize,
        output: &mut Output,
    ) -> io::Result<()> {
        let Some(aggregate) = now.or(then).map(|change| &change.aggregate) else {
            return Ok(());
        };
        let says = match aggregate {
            Aggregate::Account(_) => {
                let method = |change: Option<&AggregateChange>| {
                    change.map(|change| change.method).unwrap_or_default()
                };
                let (now, then) = (method(now), method(then));
                if now == then {
                    return Ok(());
                }
                self.companies_changed += 1;
                words::method(now, then)
            }
            Aggregate::User(..) => {
                let may = |change: Option<&AggregateChange>| {
                    let effective = change.and_then(|change| change.effective);
                    effective.unwrap_or(PermissionSet::NOTHING)
                };
                let changed = words::permissions(may(now), may(then));
                if !changed.on && !changed.off {
                    return Ok(());
                }
                self.users_changed += 1;
                self.users_on_again += u64::from(changed.on);
                self.users_off += u64::from(changed.off);
                changed.says
            }
        };
        if output.is_json() {
            return output.json_line(&Difference {
                whose: whose(aggregate),
                now: now.map(Stand::from),
                import: then.map(Stand::from),
            });
        }
        if limit == 0 || self.shown < limit {
            self.shown += 1;
            output.line(&format!("{:<24} {says}", words::name(aggregate)))?;
        }
        Ok(())
    }

    pub(super) fn render(&self, output: &mut Output) -> io::Result<()> {
        let found = self.users_changed.saturating_add(self.companies_changed);
        let shown = u64::try_from(self.shown).unwrap_or(u64::MAX);
        if shown < found {
            let more = found.saturating_sub(shown);
            output.line(&format!(
                "above      {shown} of the differences; {more} more with --limit 0, or --json"
            ))?;
        }
        output.line(&format!(
            "on again   {}, of whom something would be on that is off now",
            count(self.users_on_again, "user")
        ))?;
        output.line(&format!(
            "off        {}, of whom something would be off that is on now",
            count(self.users_off, "user")
        ))?;
        output.line(&format!(
            "companies  {} with another method",
            self.companies_changed
        ))
    }
}

fn whose(aggregate: &Aggregate) -> AggregateId {
    match aggregate {
        Aggregate::Account(account) => AggregateId {
            account_id: account.clone(),
            user_id: None,
        },
        Aggregate::User(account, user) => AggregateId {
            account_id: account.clone(),
            user_id: Some(user.clone()),
        },
    }
}
