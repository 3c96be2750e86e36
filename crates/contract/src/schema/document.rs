//! An `AsyncAPI` document in the making.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::components::Components;
use super::headers;
use crate::problem::{ErrorCode, Problem};

/// A document in the making: channels, operations and messages by name.
#[derive(Default)]
pub(super) struct Document {
    pub(super) channels: Map<String, Value>,
    pub(super) operations: Map<String, Value>,
    pub(super) messages: Map<String, Value>,
}

impl Document {
    fn message(&mut self, name: &str, message: Value) -> Value {
        self.messages.insert(name.to_owned(), message);
        json!({"$ref": format!("#/components/messages/{name}")})
    }

    /// A message of the channel: what operations refer to is the channel's entry, not the component.
    fn on_channel(&mut self, channel: &str, name: &str, message: Value) -> Value {
        let component = self.message(name, message);
        if let Some(Value::Object(channel)) = self.channels.get_mut(channel) {
            let messages = channel
                .entry("messages")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(messages) = messages {
                messages.insert(name.to_owned(), component);
            }
        }
        json!({"$ref": format!("#/channels/{channel}/messages/{name}")})
    }

    /// A request, its answer, and the errors that its answer may be instead.
    pub(super) fn request<Q: ToSchema, A: ToSchema>(
        &mut self,
        parts: &mut Components,
        (name, address, codes): (&str, &str, &[ErrorCode]),
        summary: &str,
    ) {
        self.channels
            .insert(name.to_owned(), channel(address, summary));
        let query = self.on_channel(
            name,
            &Q::name(),
            json!({"name": Q::name(), "payload": parts.add::<Q>()}),
        );
        let answer = self.on_channel(
            "reply",
            &A::name(),
            json!({"name": A::name(), "payload": parts.add::<A>()}),
        );
        // Two errors may have one code.
        let codes: BTreeSet<&str> = codes.iter().map(|code| code.as_str()).collect();
        let error = self.on_channel(
            "reply",
            &format!("{name}Error"),
            json!({
                "name": format!("{name}Error"),
                "summary": "Why there is no answer.",
                "headers": headers::of_error(),
                "payload": {"allOf": [
                    parts.add::<Problem>(),
                    {"properties": {"code": {"enum": codes}}},
                ]},
            }),
        );
        self.operations.insert(
            name.to_owned(),
            json!({
                "action": "receive",
                "summary": summary,
                "channel": {"$ref": format!("#/channels/{name}")},
                "messages": [query],
                "reply": {"channel": {"$ref": "#/channels/reply"}, "messages": [answer, error]},
            }),
        );
    }

    /// Messages that are told, and not asked for.
    pub(super) fn told(&mut self, channel: &str, summary: &str, messages: &[(&str, Value)]) {
        let messages: Vec<_> = messages
            .iter()
            .map(|(name, message)| self.on_channel(channel, name, message.clone()))
            .collect();
        self.operations.insert(
            channel.to_owned(),
            json!({
                "action": "send",
                "summary": summary,
                "channel": {"$ref": format!("#/channels/{channel}")},
                "messages": messages,
            }),
        );
    }
}

/// A channel, with what stands for the parts of its address that vary.
pub(super) fn channel(address: &str, summary: &str) -> Value {
    let mut parameters = Map::new();
    for (name, what) in [
        ("account", "The account's id, percent-encoded."),
        ("user", "The user's id, percent-encoded."),
        (
            "instance",
            "The projection, as its status names it: another one after each start.",
        ),
        ("log", "When the log was created, percent-encoded."),
        ("sequence", "The message's place in the log."),
    ] {
        if address.contains(&format!("{{{name}}}")) {
            parameters.insert(name.to_owned(), json!({"description": what}));
        }
    }
    let mut channel = json!({"address": address, "description": summary});
    if let (Value::Object(channel), false) = (&mut channel, parameters.is_empty()) {
        channel.insert("parameters".to_owned(), parameters.into());
    }
    channel
}
