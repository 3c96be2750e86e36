//! Changes since one was last here: by pages too, and the last page says where to go on the next time.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::MailboxCall;
use super::listing::{Listing, window};
use crate::graph::answer::Answer;
use crate::graph::error::GraphError;
use crate::graph::query::ListQuery;
use crate::mailboxes::{Folder, Item, Kind, time_text};

/// How far a round of changes has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    /// The revision that is known already.
    after: u64,
    /// The revision at which the round ends; what comes later is in the next one.
    up_to: u64,
    /// How many of the round were shown.
    shown: usize,
}

impl Position {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let position = Self {
            after: parts.next()?.parse().ok()?,
            up_to: parts.next()?.parse().ok()?,
            shown: parts.next()?.parse().ok()?,
        };
        (parts.next().is_none() && position.after <= position.up_to).then_some(position)
    }

    fn text(self) -> String {
        format!("{}-{}-{}", self.after, self.up_to, self.shown)
    }
}

impl MailboxCall<'_> {
    pub(super) fn delta(&self, kind: Kind, folder: Option<Folder>) -> Result<Answer, GraphError> {
        let query = ListQuery::parse(self.query)?;
        query.without_order()?;
        let listing = Listing::all(kind, folder);
        let window = match kind {
            Kind::Event => Some(window(&query)?),
            Kind::Message | Kind::Contact => None,
        };
        let newest = self.contents.revision();
        let at = position(&query, newest)?;
        let mut round: Vec<&Item> = self
            .contents
            .changed(at.after, at.up_to)
            .filter(|item| listing.admits(item))
            .filter(|item| window.is_none_or(|(from, to)| item.begins < to && from <= item.ends))
            // Whoever is here for the first time is not told of what is gone.
            .filter(|item| at.after > 0 || !item.removed)
            .collect();
        round.sort_by_key(|item| item.revision);
        let page = query.page(self.headers);
        let value = round
            .iter()
            .skip(at.shown)
            .take(page)
            .map(|item| {
                if item.removed {
                    Ok(json!({ "@removed": { "reason": "deleted" }, "id": item.id }))
                } else {
                    self.shown(item, &query)
                }
            })
            .collect::<Result<Vec<Value>, GraphError>>()?;
        let shown = at.shown + value.len();
        let mut body = Map::new();
        let context = format!("{}{}/$delta", listing.name(), query.selection());
        let context = self.context(&context);
        body.insert("@odata.context".to_owned(), json!(context));
        body.insert("value".to_owned(), json!(value));
        let mut parameters: Vec<(&str, String)> = Vec::new();
        if let Some((from, to)) = window {
            parameters.push(("startDateTime", time_text(from)));
            parameters.push(("endDateTime", time_text(to)));
        }
        if let Some(names) = &query.select {
            parameters.push(("$select", names.join(",")));
        }
        let link = if shown < round.len() {
            parameters.push(("$skiptoken", Position { shown, ..at }.text()));
            "@odata.nextLink"
        } else {
            let next = Position {
                after: at.up_to,
                up_to: at.up_to,
                shown: 0,
            };
            parameters.push(("$deltatoken", next.text()));
            "@odata.deltaLink"
        };
        body.insert(link.to_owned(), json!(self.own_address(&parameters)));
        Ok(Answer::Body(Value::Object(body)))
    }
}

/// Where this request goes on.
fn position(query: &ListQuery, newest: u64) -> Result<Position, GraphError> {
    let gone = || {
        GraphError::new(
            StatusCode::GONE,
            "SyncStateNotFound",
            "The sync state generation is not found; continuation token was not honored.",
        )
    };
    let read = |token: &String| {
        Position::parse(token)
            .filter(|position| position.up_to <= newest)
            .ok_or_else(gone)
    };
    match (&query.skip_token, &query.delta_token) {
        (Some(token), _) => read(token),
        (None, Some(token)) => read(token).map(|position| Position {
            up_to: newest,
            ..position
        }),
        (None, None) => Ok(Position {
            up_to: newest,
            ..Position::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let position = Position {
            after: 3,
            up_to: 29,
            shown: 10,
        };
        assert_eq!(Position::parse(&position.text()), Some(position));
        for nonsense in ["", "3", "3-2-0", "3-29-10-1", "a-b-c"] {
            assert_eq!(Position::parse(nonsense), None, "{nonsense}");
        }
    }
}
