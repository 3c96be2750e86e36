//! In which rows a projection's view differs from the one that was made of the log.

use std::collections::VecDeque;

use assent_contract::query::AggregateId;
use assent_contract::replica::{Row, RowState, RowsPage};
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_messaging::Connection;
use assent_permission_store::{self as store, Projected, ReadError, View};
use serde_json::Value;

use super::report::{Finding, Findings};
use crate::projection::QueryError;
use crate::replicas;

/// How many rows are read at once.
const PAGE: u16 = 200;
/// After so many differences nothing more is looked at.
const MOST_FOUND: u64 = 20;

/// Compares row by row, both in the order of their keys. What has changed in the projection's since is passed over.
pub(super) async fn differences(
    connection: &Connection,
    instance: &str,
    view: &View,
) -> Result<Findings, QueryError> {
    let mut findings = Findings::default();
    let mut theirs = Rows::default();
    let mut ours = Rows::default();
    while findings.total() < MOST_FOUND {
        if ours.is_read_on() {
            ours.add(page_of(view, ours.after.as_ref()).map_err(|error| unread(&error))?);
        }
        if theirs.is_read_on() {
            theirs.add(replicas::rows(connection, instance, theirs.after.clone(), PAGE).await?);
        }
        let (our, their) = (ours.read.front(), theirs.read.front());
        let is_ours = match (our, their) {
            (None, None) => break,
            (Some(our), Some(their)) if our.whose == their.whose => {
                if !is_newer(their, view) {
                    findings.extend(compare(our, their));
                }
                theirs.read.pop_front();
                true
            }
            (Some(our), their) => {
                let is_missing = match their {
                    Some(their) => holds(view, their).map_err(|error| unread(&error))?,
                    None => true,
                };
                if is_missing {
                    findings.add(finding(our, None, "missing from the view".to_owned()));
                }
                is_missing
            }
            (None, Some(_)) => false,
        };
        if is_ours {
            ours.read.pop_front();
        } else if let Some(their) = theirs.read.pop_front()
            && !is_newer(&their, view)
        {
            let says = "in the view, although no event is about it".to_owned();
            findings.add(finding(&their, None, says));
        }
    }
    Ok(findings)
}

/// Rows, read page by page.
#[derive(Default)]
struct Rows {
    read: VecDeque<Row>,
    after: Option<AggregateId>,
    is_over: bool,
}

impl Rows {
    fn is_read_on(&self) -> bool {
        self.read.is_empty() && !self.is_over
    }

    fn add(&mut self, page: RowsPage) {
        self.read.extend(page.rows);
        self.is_over = page.next.is_none();
        self.after = page.next;
    }
}

/// A page of the view that was made of the log.
fn page_of(view: &View, after: Option<&AggregateId>) -> Result<RowsPage, ReadError> {
    let after = after.cloned().map(Aggregate::from);
    let reading = view.read();
    let page = reading.rows(after.as_ref(), usize::from(PAGE))?;
    let last = page.rows.last().map(|row| row.aggregate().into());
    Ok(RowsPage {
        instance: String::new(),
        sequence: reading.sequence().0,
        rows: page.rows.iter().map(row).collect(),
        next: last.filter(|_| page.more),
    })
}

fn row(row: &store::Row) -> Row {
    let state = match row {
        store::Row::Account(_, Projected::Known(account)) => account.into(),
        store::Row::User(_, _, Projected::Known(user)) => user.into(),
        store::Row::Account(_, Projected::Blocked { at })
        | store::Row::User(_, _, Projected::Blocked { at }) => RowState::blocked(*at),
    };
    Row {
        whose: row.aggregate().into(),
        state,
    }
}

/// Whether the view that was made of the log has a row of that account or user.
fn holds(view: &View, row: &Row) -> Result<bool, ReadError> {
    let whose = Aggregate::from(row.whose.clone());
    Ok(view.read().current_change(&whose)?.is_some())
}

/// Whether an event made the row that came after those that the view was made of.
fn is_newer(row: &Row, view: &View) -> bool {
    view.read().sequence() < Sequence(last_sequence(&row.state))
}

fn last_sequence(state: &RowState) -> u64 {
    match state {
        RowState::Account(account) => account.facts.last_sequence,
        RowState::User(user) => user.facts.last_sequence,
        RowState::Blocked { since } => *since,
    }
}

fn compare(ours: &Row, theirs: &Row) -> Option<Finding> {
    if ours.state == theirs.state {
        return None;
    }
    let read = |row: &Row| serde_json::to_value(&row.state).unwrap_or_default();
    let (field, our, their) = first_difference("", &read(ours), &read(theirs))?;
    let says = format!("the log adds up to {our}, and the view has {their}");
    Some(finding(ours, Some(field), says))
}

/// The first part of the one that the other has not, or has otherwise: its name and both values.
fn first_difference(name: &str, ours: &Value, theirs: &Value) -> Option<(String, Value, Value)> {
    if ours == theirs {
        return None;
    }
    if let (Value::Object(our), Value::Object(their)) = (ours, theirs)
        && our.keys().eq(their.keys())
    {
        let mut parts = our.iter().zip(their.values());
        return parts.find_map(|((part, our), their)| {
            let dot = if name.is_empty() { "" } else { "." };
            first_difference(&format!("{name}{dot}{part}"), our, their)
        });
    }
    Some((name.to_owned(), ours.clone(), theirs.clone()))
}

fn finding(row: &Row, field: Option<String>, says: String) -> Finding {
    Finding {
        sequence: Some(last_sequence(&row.state)),
        whose: Some(row.whose.clone()),
        field: field.filter(|field| !field.is_empty()),
        says,
    }
}

fn unread(error: &ReadError) -> QueryError {
    QueryError::Refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::first_difference;

    #[test]
    fn the_first_part_that_differs_is_named_by_its_path() {
        let ours = json!({"user": {"epoch": 1, "own": {"calendar": true, "email": "full"}}});
        for (theirs, expected) in [
            (ours.clone(), None),
            (
                json!({"user": {"epoch": 1, "own": {"calendar": false, "email": "none"}}}),
                Some(("user.own.calendar", json!(true), json!(false))),
            ),
            (
                json!({"user": {"epoch": 2, "own": null}}),
                Some(("user.epoch", json!(1), json!(2))),
            ),
            (
                json!({"blocked": {"since": 1}}),
                Some(("", ours.clone(), json!({"blocked": {"since": 1}}))),
            ),
        ] {
            let found = first_difference("", &ours, &theirs);
            let expected = expected.map(|(name, our, their)| (name.to_owned(), our, their));
            assert_eq!(found, expected, "{theirs}");
        }
    }
}
