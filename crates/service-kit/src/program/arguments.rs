//! The command line all services share: `--help`, `--version`, `--config FILE`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::Program;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Help,
    Version,
    Run { config: Option<PathBuf> },
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
}

pub(super) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Request, ArgumentError> {
    let mut arguments = arguments.into_iter();
    let mut config = None;
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let file = match text.as_ref() {
            "--help" | "-h" => return Ok(Request::Help),
            "--version" | "-V" => return Ok(Request::Version),
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
    Ok(Request::Run { config })
}

pub(super) fn help(program: &Program) -> String {
    let mut text = format!(
        "{name} {version}\n{about}\n\n\
         Usage: {name} [--config FILE]\n\n\
         Options:\n  \
         --config FILE  read a TOML file; its keys are the names below without\n                 \
         ASSENT_, in lower case. The environment wins over the file.\n  \
         --help         show this\n  \
         --version      show the version\n\n\
         Variables:\n",
        name = program.name,
        version = program.version,
        about = program.about,
    );
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

    fn parsed(arguments: &[&str]) -> Result<Request, ArgumentError> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn a_command_line_means_one_thing() {
        let run = |file: &str| Request::Run {
            config: Some(PathBuf::from(file)),
        };
        assert_eq!(parsed(&[]), Ok(Request::Run { config: None }));
        assert_eq!(parsed(&["--config", "a.toml"]), Ok(run("a.toml")));
        assert_eq!(parsed(&["--config=a.toml"]), Ok(run("a.toml")));
        assert_eq!(parsed(&["--config", "a.toml", "-h"]), Ok(Request::Help));
        assert_eq!(parsed(&["-V"]), Ok(Request::Version));
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
