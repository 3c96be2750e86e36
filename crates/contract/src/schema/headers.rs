//! What stands in the headers of messages.

use serde_json::{Value, json};

use crate::change::{CHANGE_TYPE, SOURCE as SOURCE_OF_CHANGES};
use crate::codec::SOURCE;

/// Of an event: CloudEvents 1.0 in binary mode. Values are percent-encoded where the binding says so.
pub(super) fn of_event(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time",
            "ce-datacontenttype", "ce-prevhash", "Nats-Msg-Id"],
        "properties": {
            "ce-specversion": {"const": "1.0"},
            "ce-id": {"type": "string", "format": "uuid", "description": "A UUIDv7."},
            "ce-source": {"const": SOURCE},
            "ce-type": {"const": format!("assent.consent.{name}.v1")},
            "ce-subject": {"type": "string", "description":
                "accounts/{account}, or accounts/{account}/users/{user}."},
            "ce-time": {"type": "string", "format": "date-time", "description":
                "To the nanosecond. Whoever stores it in fewer digits can't recompute the hash of the event from it."},
            "ce-datacontenttype": {"const": "application/json"},
            "ce-prevhash": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description":
                "The SHA-256 of the event before on the same subject; 64 zeros for the first."},
            "Nats-Msg-Id": {"type": "string", "format": "uuid", "description": "The same as ce-id."},
            "traceparent": {"type": "string", "description": "W3C Trace Context."},
        },
    })
}

/// Of a change, which is a CloudEvent in binary mode as well. Those told by older programs have no `ce-` headers.
pub(super) fn of_change() -> Value {
    json!({
        "type": "object",
        "properties": {
            "Nats-Stream": {"const": crate::names::CHANGE_STREAM, "description":
                "What does not have it was not told by the stream: pass over it."},
            "Nats-Sequence": {"type": "string", "pattern": "^[0-9]+$", "description":
                "One more than the message before: where a number is missing, begin anew."},
            "ce-specversion": {"const": "1.0"},
            "ce-id": {"type": "string", "pattern": "^[0-9]+-[0-9]+$", "description":
                "The event's place in the log, and the message's in the stream."},
            "ce-source": {"type": "string", "description": format!("{SOURCE_OF_CHANGES}/ and the log.")},
            "ce-type": {"const": CHANGE_TYPE},
            "ce-subject": {"type": "string", "description":
                "accounts/{account}, or accounts/{account}/users/{user}."},
            "ce-datacontenttype": {"const": "application/json"},
            "traceparent": {"type": "string", "description": "W3C Trace Context."},
        },
    })
}

/// Of an answer that is an error.
pub(super) fn of_error() -> Value {
    json!({
        "type": "object",
        "required": ["Nats-Service-Error", "Nats-Service-Error-Code"],
        "properties": {
            "Nats-Service-Error": {"type": "string", "description": "The code, as in the body."},
            "Nats-Service-Error-Code": {"type": "string", "pattern": "^[0-9]{3}$", "description":
                "The status that the error has over HTTP."},
        },
    })
}
