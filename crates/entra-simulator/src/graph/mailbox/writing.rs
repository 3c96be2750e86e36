//! Sending a message, and putting an event into the calendar.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{MailboxCall, with_context};
use crate::graph::answer::Answer;
use crate::graph::error::GraphError;
use crate::graph::query::moment;
use crate::mailboxes::{Folder, Kind, sent_message};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendMail {
    message: OutgoingMessage,
    #[serde(default = "yes")]
    save_to_sent_items: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutgoingMessage {
    #[serde(default)]
    subject: String,
    #[serde(default)]
    body: MessageBody,
    to_recipients: Vec<Value>,
}

#[derive(Default, Deserialize)]
struct MessageBody {
    #[serde(default)]
    content: String,
}

fn bad(message: impl Into<String>) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

fn full() -> GraphError {
    GraphError::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "ErrorQuotaExceeded",
        "The mailbox is full.",
    )
}

impl MailboxCall<'_> {
    /// Delivers it to nobody; it lies among what was sent.
    pub(super) fn send_mail(&mut self) -> Result<Answer, GraphError> {
        let order: SendMail =
            serde_json::from_slice(self.body).map_err(|error| bad(error.to_string()))?;
        let to = order.message.to_recipients;
        let has_address = |recipient: &Value| {
            let address = recipient.pointer("/emailAddress/address");
            address
                .and_then(Value::as_str)
                .is_some_and(|text| text.contains('@'))
        };
        if to.is_empty() || !to.iter().all(has_address) {
            return Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "ErrorInvalidRecipients",
                "At least one recipient isn't valid.",
            ));
        }
        if order.save_to_sent_items {
            let (subject, text) = (&order.message.subject, &order.message.body.content);
            let message = sent_message(self.user, json!(to), subject, text, self.now);
            let place = (Kind::Message, Some(Folder::SentItems));
            self.contents
                .add(place.0, place.1, (self.now, self.now), message)
                .ok_or_else(full)?;
        }
        Ok(Answer::Accepted)
    }

    pub(super) fn add_event(&mut self) -> Result<Answer, GraphError> {
        let given: Map<String, Value> =
            serde_json::from_slice(self.body).map_err(|error| bad(error.to_string()))?;
        let when = |name: &str| {
            let text = given
                .get(name)
                .and_then(|moment| moment.get("dateTime")?.as_str())
                .ok_or_else(|| bad(format!("The property '{name}' is required.")))?;
            moment(text)
        };
        let (begins, ends) = (when("start")?, when("end")?);
        if ends < begins {
            return Err(bad("The end is before the start."));
        }
        let item = self
            .contents
            .add(Kind::Event, None, (begins, ends), given)
            .ok_or_else(full)?;
        let created = Value::Object(item.properties.clone());
        let context = self.context("events/$entity");
        Ok(Answer::Created(with_context(context, created)))
    }
}
