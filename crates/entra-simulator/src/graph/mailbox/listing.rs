//! Lists, by pages: each says where the next one is, until there is none.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{MailboxCall, type_name};
use crate::graph::answer::Answer;
use crate::graph::error::GraphError;
use crate::graph::query::ListQuery;
use crate::mailboxes::{Folder, Item, Kind, time_text};

/// Which things, in which order.
#[derive(Clone, Copy)]
pub(super) struct Listing {
    pub(super) kind: Kind,
    folder: Option<Folder>,
    /// Only what happens within the query's window.
    is_view: bool,
}

impl Listing {
    pub(super) fn all(kind: Kind, folder: Option<Folder>) -> Self {
        Self {
            kind,
            folder,
            is_view: false,
        }
    }

    pub(super) fn view() -> Self {
        Self {
            kind: Kind::Event,
            folder: None,
            is_view: true,
        }
    }

    pub(super) fn admits(self, item: &Item) -> bool {
        item.kind == self.kind && self.folder.is_none_or(|folder| item.folder == Some(folder))
    }

    /// As `@odata.context` names it.
    pub(super) fn name(self) -> String {
        match (self.kind, self.folder) {
            (Kind::Message, Some(folder)) => format!("mailFolders('{}')/messages", folder.id()),
            (Kind::Message, None) => "messages".to_owned(),
            (Kind::Event, _) if self.is_view => "calendarView".to_owned(),
            (Kind::Event, _) => "events".to_owned(),
            (Kind::Contact, _) => "contacts".to_owned(),
        }
    }
}

/// The window of a view, which has to be there.
pub(super) fn window(query: &ListQuery) -> Result<(i64, i64), GraphError> {
    let (Some(from), Some(to)) = query.window else {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "ErrorInvalidParameter",
            "This request requires a time window specified by the query string parameters StartDateTime and \
             EndDateTime.",
        ));
    };
    Ok((from, to))
}

impl MailboxCall<'_> {
    pub(super) fn list(&self, listing: Listing) -> Result<Answer, GraphError> {
        let query = ListQuery::parse(self.query)?;
        let window = listing.is_view.then(|| window(&query)).transpose()?;
        let mut found: Vec<&Item> = self
            .contents
            .present()
            .filter(|item| listing.admits(item))
            .filter(|item| window.is_none_or(|(from, to)| item.begins < to && from <= item.ends))
            .collect();
        if let Some(example) = found.first() {
            query.check_order(&example.properties, type_name(listing.kind))?;
        }
        // Messages: the newest first, unless asked otherwise; everything else as it begins or came.
        found.sort_by_key(|item| item.begins);
        if listing.kind == Kind::Message {
            found.reverse();
        }
        found.sort_by(|one, other| query.compare(&one.properties, &other.properties));
        let page = query.page(self.headers);
        let value = found
            .iter()
            .skip(query.skip)
            .take(page)
            .map(|item| self.shown(item, &query))
            .collect::<Result<Vec<Value>, GraphError>>()?;
        let mut body = Map::new();
        body.insert(
            "@odata.context".to_owned(),
            json!(self.context(&format!("{}{}", listing.name(), query.selection()))),
        );
        if query.count {
            body.insert("@odata.count".to_owned(), json!(found.len()));
        }
        let shown_up_to = query.skip + value.len();
        body.insert("value".to_owned(), json!(value));
        if shown_up_to < found.len() {
            let next = self.next_page(&query, page, shown_up_to);
            body.insert("@odata.nextLink".to_owned(), json!(next));
        }
        Ok(Answer::Body(Value::Object(body)))
    }

    fn next_page(&self, query: &ListQuery, page: usize, skip: usize) -> String {
        let mut parameters: Vec<(&str, String)> = Vec::new();
        if let (Some(from), Some(to)) = query.window {
            parameters.push(("startDateTime", time_text(from)));
            parameters.push(("endDateTime", time_text(to)));
        }
        if let Some(names) = &query.select {
            parameters.push(("$select", names.join(",")));
        }
        if let Some(order) = query.order_text() {
            parameters.push(("$orderby", order));
        }
        if query.count {
            parameters.push(("$count", "true".to_owned()));
        }
        parameters.push(("$top", page.to_string()));
        parameters.push(("$skip", skip.to_string()));
        self.own_address(&parameters)
    }
}
