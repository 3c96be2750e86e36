//! Messages, events and contacts, made up: always the same, so that tests can count on them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Contents, Folder, Kind};
use crate::directory::User;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

const PEOPLE: [(&str, &str); 4] = [
    ("Mira Meyer", "mira@candidates.example"),
    ("Jonas Jung", "jonas@candidates.example"),
    ("Priya Patel", "priya@candidates.example"),
    ("Tom Tanaka", "tom@candidates.example"),
];

/// How many of each to make up.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sample {
    pub(crate) messages: usize,
    pub(crate) events: usize,
    pub(crate) contacts: usize,
}

impl Sample {
    pub(crate) fn total(self) -> usize {
        self.messages
            .saturating_add(self.events)
            .saturating_add(self.contacts)
    }

    /// The newest message came just now, each older one an hour before; an event begins on each day from tomorrow.
    pub(crate) fn put_into(self, contents: &mut Contents, user: &User, now: i64) {
        // The oldest first, as they came.
        let ages: Vec<i64> = (0_i64..).take(self.messages).collect();
        for (number, age) in (1..=self.messages).zip(ages.into_iter().rev()) {
            let at = now - age * HOUR;
            contents.add(
                Kind::Message,
                Some(Folder::Inbox),
                (at, at),
                received(user, number, at),
            );
        }
        for (day, number) in (1_i64..).zip(1..=self.events) {
            let begins = now + day * DAY;
            let ends = begins + HOUR;
            contents.add(
                Kind::Event,
                None,
                (begins, ends),
                event(&format!("Interview {number}"), begins, ends),
            );
        }
        for number in 1..=self.contacts {
            contents.add(Kind::Contact, None, (now, now), contact(number));
        }
    }
}

fn person(number: usize) -> (&'static str, &'static str) {
    let place = number.saturating_sub(1) % PEOPLE.len();
    PEOPLE.into_iter().nth(place).unwrap_or(("", ""))
}

/// A moment as Graph writes it.
pub(crate) fn time_text(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or_default()
        .to_string()
}

/// An `emailAddress`.
fn address((name, address): (&str, &str)) -> Value {
    json!({ "emailAddress": { "name": name, "address": address } })
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn received(user: &User, number: usize, at: i64) -> Map<String, Value> {
    let from = address(person(number));
    let text = format!("Dear {}, this is message {number}.", user.name);
    message(
        (from, json!([address((&user.name, &user.upn))])),
        (&format!("Application {number}"), &text),
        (at, Folder::Inbox),
    )
}

/// What somebody sent, as it lies in their own mailbox.
pub(crate) fn sent_message(
    user: &User,
    to: Value,
    subject: &str,
    text: &str,
    at: i64,
) -> Map<String, Value> {
    let from = address((&user.name, &user.upn));
    message((from, to), (subject, text), (at, Folder::SentItems))
}

fn message(
    (from, to): (Value, Value),
    (subject, text): (&str, &str),
    (at, folder): (i64, Folder),
) -> Map<String, Value> {
    let at = time_text(at);
    let preview: String = text.chars().take(255).collect();
    object(&json!({
        "createdDateTime": at, "lastModifiedDateTime": at, "receivedDateTime": at, "sentDateTime": at,
        "subject": subject, "bodyPreview": preview, "body": { "contentType": "text", "content": text },
        "importance": "normal", "parentFolderId": folder.id(), "isRead": folder == Folder::SentItems, "isDraft": false,
        "hasAttachments": false, "from": from, "sender": from, "toRecipients": to, "ccRecipients": [],
    }))
}

fn event(subject: &str, begins: i64, ends: i64) -> Map<String, Value> {
    let moment = |seconds| {
        let text = time_text(seconds);
        json!({ "dateTime": format!("{}.0000000", text.trim_end_matches('Z')), "timeZone": "UTC" })
    };
    object(&json!({
        "subject": subject, "bodyPreview": "", "body": { "contentType": "text", "content": "" },
        "start": moment(begins), "end": moment(ends), "isAllDay": false, "isCancelled": false, "showAs": "busy",
        "attendees": [], "location": { "displayName": "" },
    }))
}

fn contact(number: usize) -> Map<String, Value> {
    let (name, mail) = person(number);
    object(&json!({
        "displayName": name, "givenName": name.split(' ').next(), "surname": name.split(' ').nth(1),
        "emailAddresses": [{ "name": name, "address": mail }], "companyName": null,
    }))
}
