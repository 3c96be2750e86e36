//! The messages described for programs in any language, made from the types that read and write them.
//!
//! [`events`] is a JSON Schema for each event, [`messages`] for what is asked, answered and told; [`asyncapi`] is an AsyncAPI document of every subject. `consentctl schema` prints them.

mod channels;
mod components;
mod document;
mod headers;
mod internal;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::body::{AdminConsentGranted, ModeChanged, UserScopeGranted, UserScopeRevoked};
use crate::change::ChangeMessage;
use crate::custody::{TokenAnswer, TokenRequest};
use crate::problem::Problem;
use crate::query::{
    AccountAnswer, AccountQuery, BlockedPage, BlockedQuery, ChangesPage, ChangesQuery,
    PermissionsAnswer, UserQuery, UsersPage, UsersQuery,
};
use components::{Components, Room};
use document::Document;

/// A JSON Schema (draft 2020-12) for the body of each event, by the event's name. Each stands alone, and refuses fields
/// that the event does not have, as our own readers do.
pub fn events() -> Value {
    let mut all = Map::new();
    for (name, schema) in [
        event::<ModeChanged>(),
        event::<AdminConsentGranted>(),
        event::<UserScopeGranted>(),
        event::<UserScopeRevoked>(),
    ] {
        all.insert(name, schema);
    }
    Value::Object(all)
}

fn event<T: ToSchema>() -> (String, Value) {
    let (name, schema) = alone::<T>(Room::Closed);
    (
        name.clone(),
        titled(schema, &format!("assent.consent.{name}.v1")),
    )
}

/// A schema that stands alone.
fn alone<T: ToSchema>(room: Room) -> (String, Value) {
    let mut parts = Components::default();
    parts.add::<T>();
    let name = T::name().into_owned();
    let mut schema = parts.take(&name, room);
    if let Value::Object(schema) = &mut schema {
        let about = [
            ("$schema", "https://json-schema.org/draft/2020-12/schema"),
            ("$id", &format!("urn:assent:schema:{name}:v1")),
        ];
        for (key, value) in about {
            schema.insert(key.to_owned(), value.into());
        }
        schema.insert("$defs".to_owned(), parts.into_definitions(room));
    }
    (name, schema)
}

fn titled(mut schema: Value, title: &str) -> Value {
    if let Value::Object(schema) = &mut schema {
        schema.insert("title".to_owned(), title.into());
    }
    schema
}

/// What [`messages`] describes.
pub const MESSAGES: [&str; 14] = [
    "AccountAnswer",
    "AccountQuery",
    "BlockedPage",
    "BlockedQuery",
    "ChangeMessage",
    "ChangesPage",
    "ChangesQuery",
    "PermissionsAnswer",
    "Problem",
    "TokenAnswer",
    "TokenRequest",
    "UserQuery",
    "UsersPage",
    "UsersQuery",
];

/// A JSON Schema (draft 2020-12) for each message that other people's programs send or read, by its name: the changes, the
/// questions and their answers, and the error that an answer can be. Each stands alone. What is asked has no other fields;
/// what is told and answered may have more in a newer release, so those leave room for them.
pub fn messages() -> Value {
    let mut all = Map::new();
    for (name, schema) in [
        alone::<ChangeMessage>(Room::Open),
        alone::<UserQuery>(Room::Closed),
        alone::<PermissionsAnswer>(Room::Open),
        alone::<AccountQuery>(Room::Closed),
        alone::<AccountAnswer>(Room::Open),
        alone::<UsersQuery>(Room::Closed),
        alone::<UsersPage>(Room::Open),
        alone::<ChangesQuery>(Room::Closed),
        alone::<ChangesPage>(Room::Open),
        alone::<BlockedQuery>(Room::Closed),
        alone::<BlockedPage>(Room::Open),
        alone::<TokenRequest>(Room::Closed),
        alone::<TokenAnswer>(Room::Open),
        alone::<Problem>(Room::Open),
    ] {
        let schema = titled(schema, &name);
        all.insert(name, schema);
    }
    Value::Object(all)
}

/// The AsyncAPI 3.1 document of every subject: queries, changes, tokens and the log, and what only programs of ours and
/// operators say to one another; with what each message is made of and the errors that an answer can be.
pub fn asyncapi() -> Value {
    let mut parts = Components::default();
    let mut document = Document::default();
    let reply = json!({"address": null, "description": "Where the asker wants the answer: the reply subject of its message."});
    document.channels.insert("reply".to_owned(), reply);
    channels::describe(&mut document, &mut parts);
    internal::describe(&mut document, &mut parts);
    let (channels, operations) = (document.channels, document.operations);
    json!({
        "asyncapi": "3.1.0",
        "id": "urn:assent",
        "info": {
            "title": "Assent over NATS",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": parts.into_schemas(), "messages": document.messages},
    })
}

/// What a program that follows the changes has to know, wherever it was written.
const DESCRIPTION: &str = "\
Microsoft 365 consent: what may be done for each user, as queries and as changes. The document is written from Assent's \
side: it receives queries and sends changes.\n\n\
Ids are opaque. In subjects, every character of an id but `A-Z a-z 0-9 _ -` is percent-encoded (`auth0|5f7c` is \
`auth0%7C5f7c`).\n\n\
An answer that is an error has the headers `Nats-Service-Error` and `Nats-Service-Error-Code` (the status that it has over \
HTTP) and a `Problem` as its body; `code` is what to rely on. Whoever gets no answer within two seconds, or none at all, \
knows nothing, and nothing is what may be done then.\n\n\
A program that follows the changes:\n\n\
1. subscribes to `consent.changes.v1.>`, then asks `consent.query.v1.changes` page by page, and begins nothing before the \
last page was read;\n\
2. keeps of each account and user the message with the highest `sequence`, from wherever it came; a user's counts only \
where it is not below the company's, so a message of a company ends what was known of its users until they were asked for \
again;\n\
3. forgets all and begins anew when a message names another `log` (sequences of two logs are never compared), when \
`Nats-Sequence` skips a number, or when the connection was lost;\n\
4. takes `allowed` for what it is, and what is not in it as not allowed. Silence means nothing: neither that all stands as \
it was, nor that anything ended; only an answer does.\n\n\
Commands, custody and what is asked of one projection are for programs of Assent's and for operators: the server's \
permissions keep others off.\n\n\
Answers and changes may have fields that are not described here: pass over them. Queries may not.";

#[cfg(test)]
mod tests;
