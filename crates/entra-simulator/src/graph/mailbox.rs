//! A mailbox: its messages, events and contacts, as far as the token's permissions reach.

mod delta;
mod listing;
mod writing;

use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use self::listing::Listing;
use super::access::allow;
use super::answer::Answer;
use super::error::GraphError;
use super::query::ListQuery;
use crate::directory::{Mailbox, User};
use crate::mailboxes::{Contents, Folder, Item, Kind};
use crate::state::AccessToken;

const READ_MAIL: &[&str] = &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"];
const READ_BODIES: &[&str] = &["Mail.Read", "Mail.ReadWrite"];
const SEND_MAIL: &[&str] = &["Mail.Send"];
const READ_CALENDARS: &[&str] = &[
    "Calendars.ReadBasic",
    "Calendars.Read",
    "Calendars.ReadWrite",
];
const WRITE_CALENDARS: &[&str] = &["Calendars.ReadWrite"];
const READ_CONTACTS: &[&str] = &["Contacts.Read", "Contacts.ReadWrite"];

/// What an address of something in a mailbox begins with.
pub(super) const SEGMENTS: [&str; 9] = [
    "calendar",
    "calendarView",
    "calendars",
    "contactFolders",
    "contacts",
    "events",
    "mailFolders",
    "messages",
    "sendMail",
];

/// A request for something in a mailbox.
pub(super) struct MailboxCall<'a> {
    pub(super) user: &'a User,
    pub(super) contents: &'a mut Contents,
    pub(super) token: &'a AccessToken,
    pub(super) method: &'a Method,
    /// Behind the person.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) base_url: &'a str,
    pub(super) now: i64,
}

/// What of a mailbox is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target<'a> {
    Folders,
    Folder(Folder),
    /// None of the folders that there are.
    NoFolder,
    Calendars,
    Calendar,
    ContactFolders,
    List(Kind, Option<Folder>),
    View,
    Delta(Kind, Option<Folder>),
    One(Kind, &'a str),
    /// Microsoft has changes of a folder's messages, not of all.
    DeltaOfAllMessages,
    SendMail,
}

impl<'a> Target<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path.split('/').collect();
        if let ["mailFolders", name, rest @ ..] = segments.as_slice() {
            let Some(folder) = Folder::named(name) else {
                return Some(Self::NoFolder);
            };
            return match rest {
                [] => Some(Self::Folder(folder)),
                ["messages"] => Some(Self::List(Kind::Message, Some(folder))),
                ["messages", "delta" | "delta()"] => Some(Self::Delta(Kind::Message, Some(folder))),
                _ => None,
            };
        }
        Some(match segments.as_slice() {
            ["sendMail"] => Self::SendMail,
            ["mailFolders"] => Self::Folders,
            ["calendars"] => Self::Calendars,
            ["contactFolders"] => Self::ContactFolders,
            ["messages"] => Self::List(Kind::Message, None),
            ["messages", "delta" | "delta()"] => Self::DeltaOfAllMessages,
            ["messages", id] => Self::One(Kind::Message, id),
            ["calendar"] => Self::Calendar,
            ["events"] | ["calendar", "events"] => Self::List(Kind::Event, None),
            ["events", id] => Self::One(Kind::Event, id),
            ["calendarView"] | ["calendar", "calendarView"] => Self::View,
            ["calendarView", "delta" | "delta()"] => Self::Delta(Kind::Event, None),
            ["contacts"] => Self::List(Kind::Contact, None),
            ["contacts", "delta" | "delta()"] => Self::Delta(Kind::Contact, None),
            ["contacts", id] => Self::One(Kind::Contact, id),
            _ => return None,
        })
    }

    /// What it takes to do this.
    fn permissions(self, method: &Method) -> &'static [&'static str] {
        match self {
            Self::SendMail => SEND_MAIL,
            Self::Folders | Self::Folder(_) | Self::NoFolder | Self::DeltaOfAllMessages => {
                READ_MAIL
            }
            Self::Calendars | Self::Calendar | Self::View => READ_CALENDARS,
            Self::ContactFolders => READ_CONTACTS,
            Self::List(kind, _) | Self::Delta(kind, _) | Self::One(kind, _) => match kind {
                Kind::Message => READ_MAIL,
                Kind::Event if *method == Method::POST => WRITE_CALENDARS,
                Kind::Event => READ_CALENDARS,
                Kind::Contact => READ_CONTACTS,
            },
        }
    }

    fn takes(self, method: &Method) -> bool {
        match self {
            Self::SendMail => *method == Method::POST,
            Self::List(Kind::Event, _) => *method == Method::GET || *method == Method::POST,
            Self::Folders
            | Self::Folder(_)
            | Self::NoFolder
            | Self::Calendars
            | Self::Calendar
            | Self::ContactFolders
            | Self::List(Kind::Message | Kind::Contact, _)
            | Self::View
            | Self::Delta(..)
            | Self::One(..)
            | Self::DeltaOfAllMessages => *method == Method::GET,
        }
    }
}

impl MailboxCall<'_> {
    /// `None`: there is no such thing.
    pub(super) fn answer(&mut self) -> Option<Result<Answer, GraphError>> {
        let target = Target::parse(self.path)?;
        Some(self.permitted(target).and_then(|()| self.carry_out(target)))
    }

    fn permitted(&self, target: Target<'_>) -> Result<(), GraphError> {
        if !target.takes(self.method) {
            return Err(GraphError::no_method());
        }
        allow(self.token, target.permissions(self.method)).map_err(|_denied| {
            GraphError::new(
                StatusCode::FORBIDDEN,
                "ErrorAccessDenied",
                "Access is denied. Check credentials and try again.",
            )
        })?;
        match self.user.mailbox {
            Mailbox::Ok => Ok(()),
            // One answer for all of these: it does not tell them apart.
            Mailbox::NotEnabled | Mailbox::OnPremises | Mailbox::Unlicensed | Mailbox::Gone => {
                Err(GraphError::new(
                    StatusCode::NOT_FOUND,
                    "MailboxNotEnabledForRESTAPI",
                    "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
                ))
            }
        }
    }

    fn carry_out(&mut self, target: Target<'_>) -> Result<Answer, GraphError> {
        match target {
            Target::SendMail => self.send_mail(),
            Target::Folders => {
                let all: Vec<Value> = Folder::ALL.map(|folder| self.folder(folder)).into();
                Ok(Answer::Body(json!({
                    "@odata.context": self.context("mailFolders"), "value": all,
                })))
            }
            Target::Folder(folder) => Ok(self.entity("mailFolders", self.folder(folder))),
            Target::NoFolder => Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "ErrorInvalidIdMalformed",
                "Id is malformed.",
            )),
            Target::Calendars => Ok(Answer::Body(json!({
                "@odata.context": self.context("calendars"), "value": [calendar()],
            }))),
            Target::Calendar => Ok(self.entity("calendars", calendar())),
            Target::ContactFolders => Ok(Answer::Body(json!({
                "@odata.context": self.context("contactFolders"), "value": [],
            }))),
            Target::List(Kind::Event, _) if *self.method == Method::POST => self.add_event(),
            Target::List(kind, folder) => self.list(Listing::all(kind, folder)),
            Target::View => self.list(Listing::view()),
            Target::Delta(kind, folder) => self.delta(kind, folder),
            Target::One(kind, id) => self.one(kind, id),
            Target::DeltaOfAllMessages => Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "ErrorInvalidRequest",
                "Change tracking is not supported against 'microsoft.graph.message' outside of a folder.",
            )),
        }
    }

    fn folder(&self, folder: Folder) -> Value {
        let inside = || {
            let present = self.contents.present();
            present.filter(|item| item.folder == Some(folder))
        };
        let unread = inside().filter(|item| item.properties.get("isRead") == Some(&json!(false)));
        json!({
            "id": folder.id(), "displayName": folder.display_name(), "totalItemCount": inside().count(),
            "unreadItemCount": unread.count(),
        })
    }

    fn one(&self, kind: Kind, id: &str) -> Result<Answer, GraphError> {
        let query = ListQuery::parse(self.query)?;
        query.without_order()?;
        let mut present = self.contents.present();
        let item = present
            .find(|item| item.kind == kind && item.id == id)
            .ok_or_else(|| {
                GraphError::new(
                    StatusCode::NOT_FOUND,
                    "ErrorItemNotFound",
                    "The specified object was not found in the store.",
                )
            })?;
        let shown = self.shown(item, &query)?;
        let list = Listing::all(kind, None).name();
        Ok(self.entity(&format!("{list}{}", query.selection()), shown))
    }

    /// One thing, with what it is.
    fn entity(&self, list: &str, thing: Value) -> Answer {
        let context = self.context(&format!("{list}/$entity"));
        Answer::Body(with_context(context, thing))
    }

    /// Something, as much of it as the token may see and the query selects.
    fn shown(&self, item: &Item, query: &ListQuery) -> Result<Value, GraphError> {
        let kind = type_name(item.kind);
        if item.kind != Kind::Message || allow(self.token, READ_BODIES).is_ok() {
            return query.selected(&item.properties, kind);
        }
        // `Mail.ReadBasic`: all but what is written.
        let hidden = |name: &str| matches!(name, "body" | "bodyPreview");
        let properties: Map<String, Value> = item
            .properties
            .iter()
            .filter(|(name, _)| !hidden(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        query.selected(&properties, kind)
    }

    fn context(&self, what: &str) -> String {
        let (base_url, user) = (self.base_url, self.user.id);
        format!("{base_url}/v1.0/$metadata#users('{user}')/{what}")
    }

    /// This very address, with other parameters.
    fn own_address(&self, parameters: &[(&str, String)]) -> String {
        let mut encoded = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            encoded.append_pair(name, value);
        }
        let encoded = encoded.finish().replace("%24", "$");
        let whose = if self.token.user.is_some() {
            "me".to_owned()
        } else {
            format!("users/{}", self.user.id)
        };
        format!("{}/v1.0/{whose}/{}?{encoded}", self.base_url, self.path)
    }
}

/// What Graph calls a thing of this kind.
fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Message => "message",
        Kind::Event => "event",
        Kind::Contact => "contact",
    }
}

/// The one that everybody has.
fn calendar() -> Value {
    json!({ "id": "calendar", "name": "Calendar", "isDefaultCalendar": true, "canEdit": true })
}

/// A thing, with its context before all else.
fn with_context(context: String, thing: Value) -> Value {
    let mut body = Map::from_iter([("@odata.context".to_owned(), Value::String(context))]);
    if let Value::Object(properties) = thing {
        body.extend(properties);
    }
    Value::Object(body)
}
