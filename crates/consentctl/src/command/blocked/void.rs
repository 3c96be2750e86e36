//! `blocked void`: asks the gateway to record that a message is void.

use std::time::Duration;

use assent_contract::command::{MessageVoided, VoidMessage};
use assent_contract::names::COMMAND_VOID_MESSAGE;
use assent_contract::problem::{ErrorCode, Problem};
use assent_messaging::{ConnectionSettings, RequestError};

use super::message::{MessageKind, MessageStatus};
use crate::confirm::confirm;
use crate::exit::{CommandError, Outcome};
use crate::history::LogSource;
use crate::output::Output;

/// The gateway reads the message, records, and looks at the record.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the operator asked for.
#[derive(Debug)]
pub(crate) struct VoidRequest {
    pub(crate) sequence: u64,
    pub(crate) reason: String,
    pub(crate) operator: Option<String>,
    pub(crate) yes: bool,
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
enum VoidRefused {
    #[error("the gateway's answer can't be read")]
    Nonsense(#[source] serde_json::Error),
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    request: VoidRequest,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let source = LogSource::open(settings).await?;
    let sequence = request.sequence;
    let (entry, message) = MessageStatus::read(&source.log, sequence).await?;
    let operator = request.operator.or_else(login_name);
    if !request.yes && message.kind() != MessageKind::Void {
        // What can't be is not asked about.
        if let Some(refused) = refused_without_asking(sequence, &message) {
            return Err(refused);
        }
        let subject = entry.as_ref().map_or("nothing", |entry| entry.subject());
        let (why, by) = (message.why(), operator.as_deref().unwrap_or("an operator"));
        let question = format!(
            "Message {sequence} ({subject}): {why}.\nThe gateway will record for ever that it is void, in the name of \
             {by}: {}.\nEvery reader will pass over it. This can't be taken back. Go on? [y/N] ",
            request.reason
        );
        if !confirm(&question)? {
            output.remark("Nothing was recorded.")?;
            return Ok(Outcome::Finding);
        }
    }
    let command = VoidMessage {
        sequence,
        reason: request.reason,
        operator,
    };
    let command = serde_json::to_vec(&command).map_err(VoidRefused::Nonsense);
    let command = command.map_err(|error| CommandError::Finding(error.into()))?;
    let asked = source
        .connection
        .request(COMMAND_VOID_MESSAGE, command, None, DEADLINE);
    let answer = match asked.await {
        Ok(answer) => answer,
        Err(RequestError::Service {
            status,
            description,
            body,
        }) => return Err(refused(status, description, &body)),
        Err(error) => return Err(CommandError::NotReachable(error.into())),
    };
    let answer: MessageVoided = serde_json::from_slice(&answer)
        .map_err(|error| CommandError::Finding(VoidRefused::Nonsense(error).into()))?;
    if output.is_json() {
        output.document(&answer)?;
        return Ok(Outcome::Clean);
    }
    let before = if answer.already { " since before" } else { "" };
    let record = &answer.record;
    output.line(&format!(
        "Message {sequence} is void{before}: {} (declared by {})",
        record.reason, record.operator
    ))?;
    Ok(Outcome::Clean)
}

/// What the gateway would say of a message that it need not be asked about.
fn refused_without_asking(sequence: u64, message: &MessageStatus) -> Option<CommandError> {
    let (code, detail) = match message.kind() {
        MessageKind::NoEvent | MessageKind::NewerEvent | MessageKind::Void | MessageKind::Held => {
            return None;
        }
        MessageKind::Missing => (
            ErrorCode::NotFound,
            format!("the log has no message {sequence}"),
        ),
        MessageKind::Event => (
            ErrorCode::MessageIsAnEvent,
            format!("message {sequence} is an event that can be read: it can't be declared void"),
        ),
    };
    Some(CommandError::Refused {
        status: code.status(),
        code: code.as_str().to_owned(),
        detail,
    })
}

/// Makes an error of a refusal.
fn refused(status: u16, code: String, body: &[u8]) -> CommandError {
    let detail = serde_json::from_slice(body)
        .map_or_else(|_| code.clone(), |problem: Problem| problem.detail);
    CommandError::Refused {
        status,
        code,
        detail,
    }
}

/// The name of the login on this machine, as far as the environment says.
fn login_name() -> Option<String> {
    let name = std::env::var("LOGNAME")
        .or_else(|_| std::env::var("USER"))
        .ok()?;
    (!name.trim().is_empty()).then_some(name)
}
