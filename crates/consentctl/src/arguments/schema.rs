//! The arguments of `schema`.

use clap::Subcommand;

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
    /// The AsyncAPI document of every subject (read-only).
    #[command(after_help = "\
AsyncAPI 3.1, as JSON: queries with their answers and errors, changes with the rules of a program that
follows them, access tokens, and the log; and what only Assent's own programs and operators say to one
another.

Example:
  consentctl schema asyncapi > assent.asyncapi.json")]
    Asyncapi,
}
