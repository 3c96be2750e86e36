//! The arguments of `schema`.

use assent_contract::schema::MESSAGES;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;

use super::events::Kind;

/// What is described.
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// A JSON Schema for the body of each event (read-only).
    #[command(after_help = "\
One object with a schema for each event, by the event's name; with a name, that schema alone. They
are JSON Schema 2020-12, and refuse fields that an event does not have, as Assent's own readers do.

Examples:
  consentctl schema events
  consentctl schema events UserScopeGranted > user-scope-granted.schema.json")]
    Events {
        /// One event; all four if absent.
        #[arg(value_name = "EVENT")]
        event: Option<Kind>,
    },
    /// A JSON Schema for each message that is asked, answered or told over NATS (read-only).
    #[command(after_help = "\
One object with a schema for each message, by its name; with a name, that schema alone. Questions
refuse other fields, as Assent does. Answers and changes may have more in a newer release.

Examples:
  consentctl schema messages
  consentctl schema messages ChangeMessage > change.schema.json")]
    Messages {
        /// One message; all if absent.
        #[arg(value_name = "MESSAGE", value_parser = PossibleValuesParser::new(MESSAGES))]
        message: Option<String>,
    },
    /// The AsyncAPI document of every subject (read-only).
    #[command(after_help = "\
AsyncAPI 3.1, as JSON: queries with their answers and errors, changes with the rules of a program that
follows them, access tokens, and the log; and what only Assent's own programs and operators say to one
another.

Example:
  consentctl schema asyncapi > assent.asyncapi.json")]
    Asyncapi,
}
