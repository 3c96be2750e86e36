//! An error and all its causes in one line of a log.

use std::error::Error;
use std::fmt;

/// Shows an error, then its source, and so on: `error = %with_sources(&error)`.
///
/// The text of an error of ours never repeats its source. Those of some libraries do, and what is said already is not said
/// again. The JSON log would drop the sources of a plain error value.
pub fn with_sources(error: &(dyn Error + 'static)) -> impl fmt::Display {
    fmt::from_fn(move |formatter| {
        let mut said = error.to_string();
        formatter.write_str(&said)?;
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !said.ends_with(&text) {
                write!(formatter, ": {text}")?;
                said = text;
            }
            source = cause.source();
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn what_an_error_says_of_its_source_is_not_said_again() {
        let refused = Said("Connection refused", None);
        let io = Said("IO error: Connection refused", Some(Box::new(refused)));
        let ours = Said("nobody is there", Some(Box::new(io)));
        let said = with_sources(&ours).to_string();
        assert_eq!(said, "nobody is there: IO error: Connection refused");
    }
}
