//! An error and all its causes in one line of a log.

use std::error::Error;
use std::fmt;

/// Shows an error, then its source, and so on: `error = %with_sources(&error)`.
///
/// An error's own text never repeats its source, and the JSON log would drop the sources of a plain error value.
pub fn with_sources(error: &(dyn Error + 'static)) -> impl fmt::Display {
    fmt::from_fn(move |formatter| {
        write!(formatter, "{error}")?;
        let mut source = error.source();
        while let Some(cause) = source {
            write!(formatter, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    })
}
