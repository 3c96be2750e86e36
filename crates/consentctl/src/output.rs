//! Where the answer goes: text for people, JSON for programs, on standard output.

use std::io::{self, BufWriter, Stdout, Write as _};

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

/// How often it is told how far something is that takes long.
pub(crate) const TELL_EVERY: Duration = Duration::from_secs(2);

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

    /// Writes a line of text. What others wrote may stand in it, but can't command the terminal.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", printable(text).trim_end())
    }

    /// Writes what was made for another program than a terminal, as it is.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Writes a heading and its lines after an empty line; nothing where there are none.
    pub(crate) fn section(&mut self, heading: &str, lines: &[String]) -> io::Result<()> {
        if !lines.is_empty() {
            self.line("")?;
            self.line(heading)?;
        }
        lines.iter().try_for_each(|line| self.line(line))
    }

    /// Writes the findings, as their own section.
    pub(crate) fn findings(&mut self, findings: &[String]) -> io::Result<()> {
        let lines = findings.iter().map(|finding| format!("  {finding}"));
        self.section("Findings", &lines.collect::<Vec<_>>())
    }

    /// Writes a value that is the whole answer, as JSON.
    pub(crate) fn document(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// Writes a value that is one of many, as a line of JSON.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// Writes a remark for people to standard error; nothing where JSON was asked for.
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

/// Replaces the control characters of a text.
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

/// Formats a time for people, always in the same width.
pub(crate) fn clock(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Formats a number with its noun: "1 event", "2 events".
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
