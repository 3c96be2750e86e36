//! `completions`: what completes command lines in a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde::Serialize;

use crate::arguments::Arguments;
use crate::exit::{CommandError, Outcome};
use crate::output::Output;

/// The script as it is shown to programs.
#[derive(Debug, Serialize)]
struct Script {
    shell: String,
    script: String,
}

pub(crate) fn run(shell: Shell, output: &mut Output) -> Result<Outcome, CommandError> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    if output.is_json() {
        output.document(&Script {
            shell: shell.to_string(),
            script: String::from_utf8_lossy(&script).into_owned(),
        })?;
    } else {
        output.raw(&script)?;
    }
    Ok(Outcome::Clean)
}
