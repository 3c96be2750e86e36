//! What is in a mailbox, as far as anybody needs to know that it is there.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::access::allow;
use super::error::GraphError;
use crate::directory::{Mailbox, User};
use crate::state::AccessToken;

const READ_MAIL: &[&str] = &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"];
const READ_CALENDARS: &[&str] = &[
    "Calendars.ReadBasic",
    "Calendars.Read",
    "Calendars.ReadWrite",
];
const READ_CONTACTS: &[&str] = &["Contacts.Read", "Contacts.ReadWrite"];

/// `None`: there is no such thing.
pub(super) fn read(
    user: &User,
    token: &AccessToken,
    what: &str,
) -> Option<Result<Value, GraphError>> {
    let (any_of, body) = match what {
        "mailFolders/inbox" => (
            READ_MAIL,
            json!({ "id": "inbox", "displayName": "Inbox", "unreadItemCount": 0 }),
        ),
        "messages" => (READ_MAIL, json!({ "value": [] })),
        "calendar" => (
            READ_CALENDARS,
            json!({ "id": "calendar", "name": "Calendar" }),
        ),
        "contacts" => (READ_CONTACTS, json!({ "value": [] })),
        _ => return None,
    };
    if allow(token, any_of).is_err() {
        return Some(Err(GraphError::new(
            StatusCode::FORBIDDEN,
            "ErrorAccessDenied",
            "Access is denied. Check credentials and try again.",
        )));
    }
    Some(match user.mailbox {
        Mailbox::Ok => Ok(body),
        // One answer for all of these: it does not tell them apart.
        Mailbox::NotEnabled | Mailbox::OnPremises | Mailbox::Unlicensed | Mailbox::Gone => {
            Err(GraphError::new(
                StatusCode::NOT_FOUND,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            ))
        }
    })
}
