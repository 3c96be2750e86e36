//! `blocked show`: a message of the log as it is stored.

use assent_messaging::ConnectionSettings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;

use super::message::{MessageKind, MessageStatus};
use crate::exit::{CommandError, Outcome};
use crate::history::LogSource;
use crate::output::{Output, clock};

/// How many bytes of the body are shown.
const SHOWN: usize = 512;

/// The message as it is shown.
#[derive(Debug, Serialize)]
struct MessageView {
    sequence: u64,
    reason: MessageKind,
    message: MessageStatus,
    #[serde(flatten)]
    stored: Option<Stored>,
    way_back: String,
}

#[derive(Debug, Serialize)]
struct Stored {
    subject: String,
    time: Timestamp,
    headers: Vec<(String, String)>,
    size: usize,
    /// The hash by which the next event on the subject would name it.
    hash: String,
    /// The body, or as much of it as is shown, in base64.
    data_base64: String,
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    sequence: u64,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let source = LogSource::open(settings).await?;
    let (entry, message) = MessageStatus::read(&source.log, sequence).await?;
    let stored = entry.map(|entry| {
        let body = entry.payload();
        Stored {
            subject: entry.subject().to_owned(),
            time: entry.recorded_at(),
            headers: entry
                .headers()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            size: body.len(),
            hash: entry.hash().to_string(),
            data_base64: STANDARD.encode(body.get(..SHOWN).unwrap_or(body)),
        }
    });
    let answer = MessageView {
        sequence,
        reason: message.kind(),
        way_back: message.way_back(sequence),
        message,
        stored,
    };
    if output.is_json() {
        output.document(&answer)?;
    } else {
        answer.render(output)?;
    }
    Ok(Outcome::finding_if(answer.stored.is_none()))
}

impl MessageView {
    fn render(&self, output: &mut Output) -> std::io::Result<()> {
        output.line(&format!("Message {}", self.sequence))?;
        if let Some(stored) = &self.stored {
            output.line(&format!("  subject    {}", stored.subject))?;
            output.line(&format!("  stored     {}", clock(stored.time)))?;
            for (name, value) in &stored.headers {
                output.line(&format!("  header     {name}: {value}"))?;
            }
            output.line(&format!("  size       {} bytes", stored.size))?;
            output.line(&format!("  hash       {}", stored.hash))?;
            let cut = if SHOWN < stored.size { " ..." } else { "" };
            output.line(&format!("  base64     {}{cut}", stored.data_base64))?;
        }
        match &self.message {
            MessageStatus::Event => {
                return output
                    .line("  It is an event, and can be read: it can't be declared void.");
            }
            MessageStatus::Missing
            | MessageStatus::NewerEvent { .. }
            | MessageStatus::NoEvent { .. } => {
                output.line(&format!("  why        {}", self.message.why()))?;
            }
            MessageStatus::Void(record) => {
                output.line(&format!("  void since {}", clock(record.recorded_at)))?;
                output.line(&format!("  declared   by {}", record.operator))?;
                output.line(&format!("  reason     {}", record.reason))?;
                return Ok(());
            }
        }
        output.line(&format!("  way back   {}", self.way_back))
    }
}
