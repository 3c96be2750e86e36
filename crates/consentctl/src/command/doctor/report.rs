//! The checks, in the form that was asked for.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use serde::Serialize;

use super::check::{Check, Quantity, Severity};
use crate::arguments::CheckFormat;
use crate::exit::Outcome;
use crate::output::{Output, count, printable};

/// What Nagios is told when nothing can be told (3: UNKNOWN).
pub(crate) const NAGIOS_UNKNOWN: u8 = 3;

/// The checks as they are shown.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    ok: bool,
    checks: Vec<Check>,
    /// Whether NATS was not reached, so that most could not be checked.
    #[serde(skip)]
    is_away: bool,
}

impl Report {
    pub(super) fn new(checks: Vec<Check>, is_away: bool) -> Self {
        Self {
            ok: checks.iter().all(|check| check.ok),
            checks,
            is_away,
        }
    }

    pub(super) fn show(&self, format: CheckFormat, output: &mut Output) -> io::Result<Outcome> {
        match format {
            CheckFormat::Text => self.text(output)?,
            CheckFormat::Json => output.document(self)?,
            CheckFormat::Prometheus => {
                self.prometheus(output)?;
                return Ok(Outcome::Clean);
            }
            CheckFormat::Nagios => return self.nagios(output),
        }
        Ok(if self.is_away {
            Outcome::Unreachable
        } else {
            Outcome::finding_if(!self.ok)
        })
    }

    fn problems(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.ok)
    }

    fn summary(&self) -> String {
        match u64::try_from(self.problems().count()) {
            Ok(0) => "All is well.".to_owned(),
            Ok(problems) => format!("{} found.", count(problems, "problem")),
            Err(_) => "Many problems found.".to_owned(),
        }
    }

    fn text(&self, output: &mut Output) -> io::Result<()> {
        for check in &self.checks {
            let verdict = if check.ok { "ok" } else { "PROBLEM" };
            let advice = check.advice.map(|advice| format!("; {advice}"));
            let advice = advice.unwrap_or_default();
            output.line(&format!(
                "{verdict:<8} {:<20} {}{advice}",
                check.name, check.says
            ))?;
        }
        output.line("")?;
        output.line(&self.summary())
    }

    /// Metrics in Prometheus' text format, one family after another, for a collector of text files.
    fn prometheus(&self, output: &mut Output) -> io::Result<()> {
        let ok = self.checks.iter().map(|check| {
            let value = if check.ok { "1" } else { "0" };
            (check, value.to_owned())
        });
        let help = "Whether a check found nothing (1) or a problem (0)";
        family(output, "ok", help, ok)?;
        let mut measured: BTreeMap<Quantity, Vec<(&Check, String)>> = BTreeMap::new();
        for check in &self.checks {
            for (quantity, value) in &check.measured {
                let of_kind = measured.entry(*quantity).or_default();
                of_kind.push((check, value.to_string()));
            }
        }
        for (quantity, values) in measured {
            family(output, quantity.name(), quantity.help(), values.into_iter())?;
        }
        let now = Timestamp::now().as_second();
        output.line("# HELP assent_check_run_timestamp_seconds When the checks ran")?;
        output.line("# TYPE assent_check_run_timestamp_seconds gauge")?;
        output.line(&format!("assent_check_run_timestamp_seconds {now}"))
    }

    /// One status line with performance data, then the problems, as Nagios' plugin guidelines have it.
    fn nagios(&self, output: &mut Output) -> io::Result<Outcome> {
        let worst = self.checks.iter().map(|check| check.severity).max();
        let (word, code) = match worst.unwrap_or(Severity::Ok) {
            Severity::Ok => ("OK", 0),
            Severity::Warning => ("WARNING", 1),
            Severity::Critical => ("CRITICAL", 2),
        };
        let first = self.problems().max_by_key(|check| check.severity);
        let says = first.map_or_else(
            || format!("all {} are well", self.checks.len()),
            |check| format!("{} {}: {}", self.summary(), check.name, check.says),
        );
        let says = says.replace('|', "/");
        let mut numbers = Vec::new();
        for check in &self.checks {
            for (quantity, value) in &check.measured {
                let (name, unit) = (quantity.name(), quantity.unit());
                let label = format!("{name} {}", check.name).replace(['\'', '=', '|'], "_");
                numbers.push(format!("'{label}'={value}{unit}"));
            }
        }
        let numbers = if numbers.is_empty() {
            String::new()
        } else {
            format!(" | {}", numbers.join(" "))
        };
        status_line(output, word, &format!("{says}{numbers}"))?;
        for check in self.problems() {
            let advice = check.advice.unwrap_or_default();
            let line = format!("{}: {}; {advice}", check.name, check.says);
            output.line(&line.replace('|', "/"))?;
        }
        Ok(Outcome::Nagios(code))
    }
}

/// Tells Nagios that nothing could be checked, and why.
pub(crate) fn nagios_unknown(why: &str, output: &mut Output) -> io::Result<Outcome> {
    status_line(output, "UNKNOWN", &why.replace('|', "/"))?;
    Ok(Outcome::Nagios(NAGIOS_UNKNOWN))
}

fn status_line(output: &mut Output, word: &str, says: &str) -> io::Result<()> {
    output.line(&format!("ASSENT {word} - {}", says.replace('\n', " ")))
}

fn family<'a>(
    output: &mut Output,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (&'a Check, String)>,
) -> io::Result<()> {
    output.line(&format!("# HELP assent_check_{name} {help}"))?;
    output.line(&format!("# TYPE assent_check_{name} gauge"))?;
    for (check, value) in values {
        let labels = [("check", check.kind.as_str()), ("name", &check.name)];
        let labels = labels.map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
        output.line(&format!(
            "assent_check_{name}{{{}}} {value}",
            labels.join(",")
        ))?;
    }
    Ok(())
}

/// A label's value, with what would end it escaped.
fn escaped(value: &str) -> String {
    printable(value).replace('\\', "\\\\").replace('"', "\\\"")
}
