//! `consentctl blocked`.

use assent_contract::operation::{MAX_OPERATOR, MAX_REASON};
use clap::Subcommand;

/// The commands about messages that can't be read.
#[derive(Debug, Subcommand)]
pub(crate) enum BlockedCommand {
    /// List the accounts and users that can't be read: since when, why, and what permits it again (read-only).
    #[command(after_help = "\
Nothing may be done for them until then. Asks the projection who they are, and the log why.
Exit code 1 if there are any.

Examples:
  consentctl blocked list
  consentctl blocked list --json | jq -r '.blocked[].since'")]
    List {
        /// How many at the most; 0 means all.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Show a message of the log as it is stored, and why it can't be read (read-only).
    #[command(after_help = "\
Example:
  consentctl blocked show 1200")]
    Show {
        /// Its place in the log.
        #[arg(value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
        sequence: u64,
    },
    /// Declare a message void that is no event: from then on every reader passes over it (writes).
    #[command(after_help = "\
For a message that is no event at all: an answer that somebody had stored in the log, a torn write.
The gateway records it, with the reason, for ever; it can't be taken back. A message that can be
read as an event is never void, whether or not it fits; neither is one of a type that only a newer
program knows: start that program instead.

Don't put names or e-mail addresses of customers' users into the reason.

Example:
  consentctl blocked void 1200 --reason \"an answer of the server's, ticket 4711\"")]
    Void {
        /// Its place in the log.
        #[arg(value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
        sequence: u64,
        /// Why, in up to 500 characters.
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,
        /// Who you are [default: the name of your login on this machine].
        #[arg(long, value_name = "NAME", value_parser = operator)]
        operator: Option<String>,
        /// Don't ask first.
        #[arg(long)]
        yes: bool,
    },
}

fn reason(text: &str) -> Result<String, String> {
    one_line(text, MAX_REASON)
}

fn operator(text: &str) -> Result<String, String> {
    one_line(text, MAX_OPERATOR)
}

/// What is kept for ever, and shown in terminals. The gateway is as strict.
fn one_line(text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || most < length {
        return Err(format!("1 to {most} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("one line without control characters".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{operator, reason};

    #[test]
    fn what_is_kept_for_ever_is_one_line() {
        assert_eq!(reason("  a torn write "), Ok("a torn write".to_owned()));
        assert!(reason(&"é".repeat(500)).is_ok());
        for refused in ["", " \t", "a\nb", "a\u{1b}[2J", &"x".repeat(501)] {
            assert!(reason(refused).is_err(), "{refused:?}");
        }
        assert!(operator(&"x".repeat(129)).is_err());
    }
}
