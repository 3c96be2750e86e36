//! Whoever writes asks first.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::exit::CommandError;
use crate::output::printable;

/// The error of a question that nobody is there to answer.
#[derive(Debug, thiserror::Error)]
#[error("this writes, and nobody is at a terminal to be asked first: say --yes if it is meant")]
struct NobodyToAsk;

/// Asks at the terminal whether to go on; the question says what would be done. Without a terminal it is an error.
pub(crate) fn confirm(question: &str) -> Result<bool, CommandError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(CommandError::Usage(NobodyToAsk.into()));
    }
    let mut stderr = std::io::stderr();
    for line in question.split_inclusive('\n') {
        let (text, end) = line
            .strip_suffix('\n')
            .map_or((line, ""), |text| (text, "\n"));
        write!(stderr, "{}{end}", printable(text))?;
    }
    stderr.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
