//! The command line all services share: `--help`, `--version`, `--config FILE`, and the flags of
//! one program alone.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::Program;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Invocation {
    Help,
    Version,
    Run {
        config: Option<PathBuf>,
        given: GivenFlags,
    },
}

/// An option of one program alone. What is meant for one run and must not stay by accident is a
/// flag, and no variable.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// The flag's name, with the dashes.
    pub name: &'static str,
    /// What the flag's value is called, if it takes one.
    pub value: Option<&'static str>,
    /// When to use the flag.
    pub help: &'static str,
}

/// The flags that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenFlags(Vec<(&'static str, String)>);

impl GivenFlags {
    /// Whether this flag was given.
    pub fn has(&self, flag: &str) -> bool {
        self.value_of(flag).is_some()
    }

    /// What was given with it; empty for one that takes no value.
    pub fn value_of(&self, flag: &str) -> Option<&str> {
        let mut all = self.0.iter();
        all.find(|(name, _)| *name == flag)
            .map(|(_, value)| value.as_str())
    }
}

/// Why a command line cannot be followed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArgumentError {
    #[error("unexpected argument `{0}` (see --help)")]
    Unexpected(String),
    #[error("--config needs the name of a file")]
    ConfigWithoutFile,
    #[error("--config is given twice")]
    ConfigTwice,
    #[error("{0} needs a value (see --help)")]
    WithoutValue(&'static str),
    #[error("{0} takes no value (see --help)")]
    WithValue(&'static str),
    #[error("{0} is given twice")]
    Twice(&'static str),
}

pub(super) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    flags: &'static [Flag],
) -> Result<Invocation, ArgumentError> {
    let mut arguments = arguments.into_iter();
    let mut config = None;
    let mut given = GivenFlags::default();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text.as_ref(), None),
        };
        if let Some(flag) = flags.iter().find(|flag| flag.name == name) {
            let value = match (flag.value, value) {
                (None, None) => String::new(),
                (None, Some(_)) => return Err(ArgumentError::WithValue(flag.name)),
                (Some(_), Some(value)) => value,
                (Some(_), None) => arguments
                    .next()
                    .map(|value| value.to_string_lossy().into_owned())
                    .ok_or(ArgumentError::WithoutValue(flag.name))?,
            };
            if flag.value.is_some() && value.is_empty() {
                return Err(ArgumentError::WithoutValue(flag.name));
            }
            if given.has(flag.name) {
                return Err(ArgumentError::Twice(flag.name));
            }
            given.0.push((flag.name, value));
            continue;
        }
        let file = match text.as_ref() {
            "--help" | "-h" => return Ok(Invocation::Help),
            "--version" | "-V" => return Ok(Invocation::Version),
            "--config" => arguments.next().ok_or(ArgumentError::ConfigWithoutFile)?,
            other => match other.strip_prefix("--config=") {
                Some(file) => OsString::from(file),
                None => return Err(ArgumentError::Unexpected(other.to_owned())),
            },
        };
        if file.is_empty() {
            return Err(ArgumentError::ConfigWithoutFile);
        }
        if config.replace(PathBuf::from(file)).is_some() {
            return Err(ArgumentError::ConfigTwice);
        }
    }
    Ok(Invocation::Run { config, given })
}

pub(super) fn help(program: &Program, flags: &[Flag]) -> String {
    let mut text = format!(
        "{name} {version}\n{about}\n\n\
         Usage: {name} [--config FILE]\n\n\
         Options:\n  \
         --config FILE  read a TOML file; its keys are the names below without\n                 \
         ASSENT_, in lower case. The environment wins over the file.\n  \
         --help         show this\n  \
         --version      show the version\n",
        name = program.name,
        version = program.version,
        about = program.about,
    );
    for flag in flags {
        let value = flag.value.map(|value| format!(" {value}"));
        // Writing to a String cannot fail.
        let _infallible = write!(
            text,
            "  {}{}\n      {}\n",
            flag.name,
            value.unwrap_or_default(),
            flag.help
        );
    }
    text.push_str("\nVariables:\n");
    for variable in program.variables {
        let note = match (variable.default, variable.secret) {
            (Some(default), _) => format!(" [default: {default}]"),
            (None, true) => format!(" [or {}_FILE: a file holding it]", variable.name),
            (None, false) => String::new(),
        };
        // Writing to a String cannot fail.
        let _infallible = write!(text, "  {}\n      {}{note}\n", variable.name, variable.help);
    }
    text.push_str(
        "  RUST_LOG\n      what to log [default: info]\n  \
         OTEL_EXPORTER_OTLP_ENDPOINT\n      where traces go, over OTLP/HTTP; unset: nowhere\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    static FLAGS: [Flag; 2] = [
        Flag {
            name: "--anew",
            value: None,
            help: "begins anew",
        },
        Flag {
            name: "--end",
            value: Some("SEQUENCE"),
            help: "accepts an end",
        },
    ];

    fn parsed(arguments: &[&str]) -> Result<Invocation, ArgumentError> {
        parse(arguments.iter().map(OsString::from), &FLAGS)
    }

    #[test]
    fn a_flag_is_given_once_and_with_its_value() {
        for arguments in [
            &["--end", "812", "--anew"][..],
            &["--anew", "--end=812", "--config=a.toml"],
        ] {
            let Ok(Invocation::Run { given, .. }) = parsed(arguments) else {
                panic!("{arguments:?}");
            };
            assert_eq!(given.value_of("--end"), Some("812"));
            assert!(given.has("--anew") && !given.has("--config"));
        }
        for (arguments, error) in [
            (&["--end"][..], ArgumentError::WithoutValue("--end")),
            (&["--end="], ArgumentError::WithoutValue("--end")),
            (&["--anew=yes"], ArgumentError::WithValue("--anew")),
            (&["--anew", "--anew"], ArgumentError::Twice("--anew")),
            (&["--end=1", "--end", "2"], ArgumentError::Twice("--end")),
        ] {
            assert_eq!(parsed(arguments), Err(error), "{arguments:?}");
        }
    }

    #[test]
    fn a_command_line_means_one_thing() {
        let run = |file: &str| Invocation::Run {
            config: Some(PathBuf::from(file)),
            given: GivenFlags::default(),
        };
        let nothing = Invocation::Run {
            config: None,
            given: GivenFlags::default(),
        };
        assert_eq!(parsed(&[]), Ok(nothing));
        assert_eq!(parsed(&["--config", "a.toml"]), Ok(run("a.toml")));
        assert_eq!(parsed(&["--config=a.toml"]), Ok(run("a.toml")));
        assert_eq!(parsed(&["--config", "a.toml", "-h"]), Ok(Invocation::Help));
        assert_eq!(parsed(&["-V"]), Ok(Invocation::Version));
        assert_eq!(parsed(&["--config"]), Err(ArgumentError::ConfigWithoutFile));
        assert_eq!(
            parsed(&["--config="]),
            Err(ArgumentError::ConfigWithoutFile)
        );
        assert_eq!(
            parsed(&["--config=a", "--config=b"]),
            Err(ArgumentError::ConfigTwice)
        );
        assert_eq!(
            parsed(&["--verbose"]),
            Err(ArgumentError::Unexpected("--verbose".to_owned()))
        );
    }
}
