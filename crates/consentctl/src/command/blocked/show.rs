//! `blocked show`: a message of the log as it is stored.

use assent_messaging::ConnectionSettings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;

use super::message::Verdict;
use crate::ending::{Ending, Failure};
use crate::history::Source;
use crate::output::{Output, clock};

/// How many bytes of the body are shown.
const SHOWN: usize = 512;

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    sequence: u64,
    message: Verdict,
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
    /// Of the body, or of as much of it as is shown.
    data_base64: String,
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    sequence: u64,
    output: &mut Output,
) -> Result<Ending, Failure> {
    let source = Source::open(settings).await?;
    let (entry, message) = Verdict::at(&source.log, sequence).await?;
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
    let answer = Answer {
        sequence,
        way_back: message.way_back(sequence),
        message,
        stored,
    };
    if output.is_json() {
        output.document(&answer)?;
    } else {
        answer.tell(output)?;
    }
    Ok(Ending::with(answer.stored.is_none()))
}

impl Answer {
    fn tell(&self, output: &mut Output) -> std::io::Result<()> {
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
            Verdict::Event => {
                return output
                    .line("  It is an event, and can be read: it can't be declared void.");
            }
            Verdict::Missing | Verdict::NewerEvent { .. } | Verdict::NoEvent { .. } => {
                output.line(&format!("  why        {}", self.message.why()))?;
            }
            Verdict::Void(record) => {
                output.line(&format!("  void since {}", clock(record.recorded_at)))?;
                output.line(&format!("  declared   by {}", record.operator))?;
                output.line(&format!("  reason     {}", record.reason))?;
                return Ok(());
            }
        }
        output.line(&format!("  way back   {}", self.way_back))
    }
}
