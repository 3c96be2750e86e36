//! An operator declares a message of the log void that is no event, so that every reader passes
//! over it. What can be read as an event is never void.

use assent_contract::command::{MessageVoided, VoidMessage};
use assent_contract::operation::{MAX_OPERATOR, MAX_REASON};
use assent_domain::ids::Sequence;
use assent_metrics::gateway::MESSAGES_VOIDED;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::reasons::{InvalidRequest, VoidField};

/// Who it was, where nobody said.
const SOMEBODY: &str = "operator";

/// Declares a message void that is no event, so that what it blocks goes on.
pub async fn void_message(
    gateway: &Gateway,
    command: VoidMessage,
) -> Result<MessageVoided, Failure> {
    let reason = words(VoidField::Reason, &command.reason, MAX_REASON)?;
    let operator = command.operator.as_deref().unwrap_or(SOMEBODY);
    let operator = words(VoidField::Operator, operator, MAX_OPERATOR)?;
    let sequence = Sequence(command.sequence);
    let (record, already) = gateway
        .executor
        .declare_void(sequence, reason, operator, gateway.now())
        .await?;
    if !already {
        tracing::warn!(
            operator_act = "message_voided",
            %sequence,
            subject = record.subject,
            hash = %record.hash,
            "a message of the log was declared void"
        );
        MESSAGES_VOIDED.increment(1);
    }
    Ok(MessageVoided { record, already })
}

/// What somebody wrote by hand, for others to read: it is kept for ever, and shown in terminals.
fn words(field: VoidField, text: &str, most: usize) -> Result<&str, Failure> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || most < length {
        return Err(Failure::Invalid(InvalidRequest::Length { field, most }));
    }
    if text.chars().any(char::is_control) {
        return Err(Failure::Invalid(InvalidRequest::ControlCharacters(field)));
    }
    Ok(text)
}
