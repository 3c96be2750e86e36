//! The subjects, and what is said on each.

use assent_domain::refusal::Refusal;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::components::Components;
use super::headers;
use crate::body::{AdminConsentGranted, ModeChanged, UserScopeGranted, UserScopeRevoked};
use crate::change::ChangeMessage;
use crate::custody::{TokenAnswer, TokenRequest};
use crate::names;
use crate::problem::{ErrorCode, Problem};
use crate::query::{
    AccountAnswer, AccountQuery, BlockedPage, BlockedQuery, ChangesPage, ChangesQuery,
    PermissionsAnswer, UserQuery, UsersPage, UsersQuery,
};

/// What any query can be refused with.
const OF_QUERIES: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::TooManyRequests,
    ErrorCode::InternalError,
    ErrorCode::ViewNotReady,
    ErrorCode::NotYetApplied,
];

/// What a query for how everybody stands can be refused with: a page of it may be over (`gone`).
const OF_CHANGES: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::Gone,
    ErrorCode::TooManyRequests,
    ErrorCode::InternalError,
    ErrorCode::ViewNotReady,
];

/// What a request for a token can be refused with.
const OF_TOKENS: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::NotPermitted,
    ErrorCode::NoRefreshToken,
    ErrorCode::ReauthenticationRequired,
    ErrorCode::Refused(Refusal::ConsentWithdrawn),
    ErrorCode::TooManyRequests,
    ErrorCode::InternalError,
    ErrorCode::MicrosoftUnavailable,
    ErrorCode::ViewNotReady,
    ErrorCode::NotYetApplied,
];

/// A document in the making: channels, operations and messages by name.
#[derive(Default)]
struct Document {
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
}

/// All channels, the operations on them, and their messages.
pub(super) fn describe(
    parts: &mut Components,
) -> (Map<String, Value>, Map<String, Value>, Map<String, Value>) {
    let mut document = Document::default();
    document.channels.insert(
        "reply".to_owned(),
        json!({"address": null, "description": "Where the asker wants the answer: the reply subject of its message."}),
    );
    document.request::<UserQuery, PermissionsAnswer>(
        parts,
        ("permissions", names::QUERY_PERMISSIONS, OF_QUERIES),
        "What may be done for one user now. With at_least the answer reflects that write, or is not_yet_applied.",
    );
    document.request::<AccountQuery, AccountAnswer>(
        parts,
        ("account", names::QUERY_ACCOUNT, OF_QUERIES),
        "A company: its authorization method, e-mail level, epoch and consent in force.",
    );
    document.request::<UsersQuery, UsersPage>(
        parts,
        ("users", names::QUERY_USERS, OF_QUERIES),
        "The users of a company that the log knows, by page.",
    );
    document.request::<ChangesQuery, ChangesPage>(
        parts,
        ("currentChanges", names::QUERY_CHANGES, OF_CHANGES),
        "How everybody stands, by page, in the shape of changes: what a sync worker begins with.",
    );
    document.request::<BlockedQuery, BlockedPage>(
        parts,
        ("blocked", names::QUERY_BLOCKED, OF_QUERIES),
        "The companies and users of whom an event can't be believed, by page: nothing is effective for them.",
    );
    document.request::<TokenRequest, TokenAnswer>(
        parts,
        ("token", names::TOKEN_GET, OF_TOKENS),
        "An access token for Microsoft Graph, while the permission is effective. What Microsoft refuses ends as a code.",
    );
    document.changes(parts);
    document.events(parts);
    (document.channels, document.operations, document.messages)
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

    fn request<Q: ToSchema, A: ToSchema>(
        &mut self,
        parts: &mut Components,
        (name, address, codes): (&str, &str, &[ErrorCode]),
        summary: &str,
    ) {
        self.channels.insert(
            name.to_owned(),
            json!({"address": address, "description": summary}),
        );
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
        let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
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

    fn changes(&mut self, parts: &mut Components) {
        let payload = parts.add::<ChangeMessage>();
        for (name, address, summary) in [
            (
                "companyChanged",
                "consent.changes.v1.{account}.company",
                "The company is different from now on. It ends what was known of its users: ask for them again.",
            ),
            (
                "userChanged",
                "consent.changes.v1.{account}.user.{user}",
                "What may be done for the user from now on.",
            ),
        ] {
            self.channels
                .insert(name.to_owned(), channel(address, summary));
            let message = json!({
                "name": name, "summary": summary, "headers": headers::of_change(), "payload": payload,
            });
            self.told(name, summary, &[(name, message)]);
        }
    }

    fn events(&mut self, parts: &mut Components) {
        let of = |name: &str, payload: Value| {
            let message = json!({
                "name": format!("assent.consent.{name}.v1"),
                "summary": "An event of the log, as CloudEvents 1.0 in binary mode.",
                "headers": headers::of_event(name),
                "payload": payload,
            });
            message
        };
        let company = [
            ("ModeChanged", of("ModeChanged", parts.add::<ModeChanged>())),
            (
                "AdminConsentGranted",
                of("AdminConsentGranted", parts.add::<AdminConsentGranted>()),
            ),
        ];
        let user = [
            (
                "UserScopeGranted",
                of("UserScopeGranted", parts.add::<UserScopeGranted>()),
            ),
            (
                "UserScopeRevoked",
                of("UserScopeRevoked", parts.add::<UserScopeRevoked>()),
            ),
        ];
        for (name, address, messages) in [
            (
                "companyEvents",
                "consent.events.v1.{account}.company",
                company.as_slice(),
            ),
            (
                "userEvents",
                "consent.events.v1.{account}.user.{user}",
                user.as_slice(),
            ),
        ] {
            let summary = "The event log (stream CONSENT_EVENTS). Only the gateway writes it, and operators read it.";
            self.channels
                .insert(name.to_owned(), channel(address, summary));
            self.told(name, summary, messages);
        }
    }

    fn told(&mut self, channel: &str, summary: &str, messages: &[(&str, Value)]) {
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

/// A channel whose address names an account, and a user where it has one.
fn channel(address: &str, summary: &str) -> Value {
    let mut parameters = Map::new();
    for (name, what) in [
        ("account", "The account's id, percent-encoded."),
        ("user", "The user's id, percent-encoded."),
    ] {
        if address.contains(&format!("{{{name}}}")) {
            parameters.insert(name.to_owned(), json!({"description": what}));
        }
    }
    json!({"address": address, "description": summary, "parameters": parameters})
}
