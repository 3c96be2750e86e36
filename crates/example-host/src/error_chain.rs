//! Errors as the log shows them: the outermost one alone rarely says what happened.

use std::error::Error;
use std::fmt;

/// Displays an error and all its sources on one line, separated by `: `.
pub(crate) fn with_sources(error: &dyn Error) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut source = error.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    })
}
