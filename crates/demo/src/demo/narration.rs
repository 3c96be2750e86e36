//! Printing the story: a heading for each chapter, a line for each step.

use std::io::Write;
use std::time::Duration;

/// The widths of the columns.
const WHO: usize = 11;
const WHAT: usize = 56;
const OUTCOME: usize = 33;
const EFFECTIVE: usize = 32;
const SEQUENCE: usize = 4;

/// Prints the story in columns.
#[derive(Debug)]
pub(crate) struct Narrator<W> {
    screen: W,
}

/// A step of the story.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) who: &'a str,
    pub(crate) what: &'a str,
    /// The decision, or the outcome of the step.
    pub(crate) outcome: &'a str,
    /// The permissions in force for the user in question.
    pub(crate) effective: &'a str,
    /// The position in the log that the permissions reflect.
    pub(crate) sequence: Option<u64>,
    pub(crate) took: Duration,
}

impl<W: Write> Narrator<W> {
    pub(crate) fn new(screen: W) -> Self {
        Self { screen }
    }

    pub(crate) fn title(&mut self, title: &str) -> anyhow::Result<()> {
        writeln!(self.screen, "{title}\n{}", "=".repeat(title.len()))?;
        Ok(())
    }

    pub(crate) fn chapter(&mut self, title: &str) -> anyhow::Result<()> {
        writeln!(self.screen, "\n{title}")?;
        writeln!(
            self.screen,
            "  {:WHO$} {:WHAT$} {:OUTCOME$} {:EFFECTIVE$} {:>SEQUENCE$}  took",
            "who", "what", "decision", "effective", "seq"
        )?;
        Ok(())
    }

    pub(crate) fn step(&mut self, step: &Step<'_>) -> anyhow::Result<()> {
        let sequence = step
            .sequence
            .map_or_else(|| "-".to_owned(), |sequence| sequence.to_string());
        writeln!(
            self.screen,
            "  {:WHO$} {:WHAT$} {:OUTCOME$} {:EFFECTIVE$} {sequence:>SEQUENCE$}  {}",
            step.who,
            step.what,
            step.outcome,
            step.effective,
            time(step.took)
        )?;
        self.screen.flush()?;
        Ok(())
    }

    /// Prints the reason of the step before, below it.
    pub(crate) fn note(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.screen, "  {:WHO$}   because: {text}", "")?;
        Ok(())
    }

    pub(crate) fn aside(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.screen, "\n{text}")?;
        self.screen.flush()?;
        Ok(())
    }

    /// Prints a command and its output.
    pub(crate) fn quote(&mut self, command: &str, output: &str) -> anyhow::Result<()> {
        writeln!(self.screen, "\n$ {command}")?;
        writeln!(self.screen, "{}", output.trim_end())?;
        Ok(())
    }
}

/// Formats a duration for people.
pub(crate) fn time(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_in_columns() {
        let mut narrator = Narrator::new(Vec::new());
        let step = Step {
            who: "Ana",
            what: "signs in",
            outcome: "prompt",
            effective: "nothing",
            sequence: Some(7),
            took: Duration::from_micros(3_250),
        };

        narrator.chapter("(a) Ana signs in").unwrap();
        narrator.step(&step).unwrap();
        narrator
            .step(&Step {
                sequence: None,
                took: Duration::from_millis(1_250),
                ..step
            })
            .unwrap();

        let told = String::from_utf8(narrator.screen).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        let column = |line: usize, text: &str| lines[line].find(text).unwrap();
        assert_eq!(column(2, "decision"), column(3, "prompt"));
        assert_eq!(column(2, "took"), column(3, "3.2 ms"));
        assert_eq!(column(2, "took"), column(4, "1.2 s"));
    }
}
