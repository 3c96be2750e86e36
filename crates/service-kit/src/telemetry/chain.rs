//! An error and all its causes in one line of a log.

use std::error::Error;
use std::fmt;

/// Shows an error, then its source, and so on: `error = %chain(&error)`.
///
/// An error's own text never repeats its source, and the JSON log would drop
/// the sources of a plain error value.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

/// What [`event_hash`] returns.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(formatter, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
