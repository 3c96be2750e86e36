//! `blocked void`: asks the gateway to record that a message is void.

use std::time::Duration;

use assent_contract::command::{MessageVoided, VoidMessage};
use assent_contract::names::COMMAND_VOID_MESSAGE;
use assent_contract::problem::Problem;
use assent_messaging::{ConnectionSettings, RequestError};

use super::message::MessageStatus;
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
enum Refused {
    #[error("the gateway refused: {detail} ({code})")]
    ByGateway { code: String, detail: String },
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
    if !request.yes {
        let subject = entry.as_ref().map_or("nothing", |entry| entry.subject());
        let why = message.why();
        let question = format!(
            "Message {sequence} ({subject}): {why}.\nThe gateway will record for ever that it is void, and every \
             reader will pass over it. This can't be taken back. Go on? [y/N] "
        );
        if !confirm(&question)? {
            output.remark("Nothing was recorded.")?;
            return Ok(Outcome::Finding);
        }
    }
    let command = VoidMessage {
        sequence,
        reason: request.reason,
        operator: request.operator.or_else(login_name),
    };
    let command = serde_json::to_vec(&command).map_err(Refused::Nonsense);
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
        .map_err(|error| CommandError::Finding(Refused::Nonsense(error).into()))?;
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

/// Makes an error of a refusal: its status tells whether waiting helps.
fn refused(status: u16, code: String, body: &[u8]) -> CommandError {
    let detail = serde_json::from_slice(body)
        .map_or_else(|_| code.clone(), |problem: Problem| problem.detail);
    let refused = Refused::ByGateway { code, detail };
    match status {
        400 => CommandError::Settings(refused.into()),
        500.. => CommandError::NotReachable(refused.into()),
        _ => CommandError::Finding(refused.into()),
    }
}

/// The name of the login on this machine, as far as the environment says.
fn login_name() -> Option<String> {
    let name = std::env::var("LOGNAME")
        .or_else(|_| std::env::var("USER"))
        .ok()?;
    (!name.trim().is_empty()).then_some(name)
}
