//! `schema`: the descriptions of Assent's messages.

use assent_contract::schema;
use clap::ValueEnum as _;
use serde_json::Value;

use crate::arguments::SchemaCommand;
use crate::exit::{CommandError, Outcome};
use crate::output::Output;

/// Prints one document, as JSON in any case.
pub(crate) fn run(of: &SchemaCommand, output: &mut Output) -> Result<Outcome, CommandError> {
    let document = match of {
        SchemaCommand::Events { event: None } => schema::events(),
        SchemaCommand::Events { event: Some(event) } => {
            let name = event.to_possible_value();
            let mut all = schema::events();
            name.and_then(|name| all.get_mut(name.get_name()).map(Value::take))
                .unwrap_or_default()
        }
        SchemaCommand::Messages { message: None } => schema::messages(),
        SchemaCommand::Messages {
            message: Some(message),
        } => {
            let mut all = schema::messages();
            all.get_mut(message).map(Value::take).unwrap_or_default()
        }
        SchemaCommand::Asyncapi => schema::asyncapi(),
    };
    output.document(&document)?;
    Ok(Outcome::Clean)
}
