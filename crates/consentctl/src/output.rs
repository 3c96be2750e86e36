//! Printing, for a person or for a program.

use std::io::{BufWriter, Write};

use serde::Serialize;

use crate::stop::Stop;

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whether a program reads it.
    pub(crate) json: bool,
    out: BufWriter<std::io::Stdout>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            out: BufWriter::new(std::io::stdout()),
        }
    }

    /// A line for a person.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> Result<(), Stop> {
        Ok(writeln!(self.out, "{}", text.as_ref())?)
    }

    /// A line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        let text = serde_json::to_string(value)?;
        self.line(text)
    }

    /// Shows what was printed so far.
    pub(crate) fn flush(&mut self) -> Result<(), Stop> {
        Ok(self.out.flush()?)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // A reader that has gone, as `head` does, is no error.
        drop(self.out.flush());
    }
}
