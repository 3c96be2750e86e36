//! Asking before something is written.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::exit::CommandError;
use crate::output::printable;

/// Why nobody was asked.
#[derive(Debug, thiserror::Error)]
#[error("say --yes: there is nobody to ask at this terminal")]
struct NobodyToAsk;

/// Whether whoever is at the terminal says yes to a question, which may have several lines.
pub(crate) fn confirm(question: &str) -> Result<bool, CommandError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(CommandError::Settings(NobodyToAsk.into()));
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
