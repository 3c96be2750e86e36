//! Where the answer goes: text for people, JSON for programs, on standard output.

use std::io::{self, BufWriter, Stdout, Write as _};

use jiff::Timestamp;
use serde::Serialize;

/// Standard output, in the form that was asked for.
#[derive(Debug)]
pub(crate) struct Output {
    out: BufWriter<Stdout>,
    json: bool,
}

impl Output {
    /// Writes to standard output.
    pub(crate) fn to_stdout(json: bool) -> Self {
        Self {
            out: BufWriter::new(io::stdout()),
            json,
        }
    }

    /// Whether JSON was asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A line of text. What others wrote may stand in it, but can't command the terminal.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", printable(text).trim_end())
    }

    /// A value that is the whole answer.
    pub(crate) fn document(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// A value that is one of many.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// A remark for people, beside the answer.
    pub(crate) fn remark(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        self.flush()?;
        writeln!(io::stderr(), "{}", printable(text))
    }

    /// Makes what was written so far visible.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The text without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect()
}

/// A time for people: always of the same width.
pub(crate) fn clock(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// "1 event", "2 events".
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::{clock, count, printable};

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }

    #[test]
    fn times_are_of_one_width() {
        for (time, shown) in [
            ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000Z"),
            (
                "2026-11-23T12:00:00.123456+02:00",
                "2026-11-23T10:00:00.123Z",
            ),
        ] {
            assert_eq!(clock(time.parse().unwrap()), shown);
        }
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(count(1, "event"), "1 event");
        assert_eq!(count(0, "event"), "0 events");
    }
}
