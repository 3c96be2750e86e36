//! Configuration from the environment and an optional TOML file.
//!
//! A variable `ASSENT_LISTEN` is the key `listen` of the file and the field
//! `listen` of the program's configuration struct. The environment wins over
//! the file, the file over the default. An empty value counts as unset. For a
//! secret, `ASSENT_X_FILE` (or `x_file`) names a file that holds the value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

mod http_url;
pub mod microsoft;
mod names;
mod origin;
pub mod shared;
mod values;

pub use http_url::{HttpUrl, HttpUrlError, url_without_path, url_without_query};
pub use origin::{Origin, OriginError};
pub use values::{CommaSeparated, ListenAddress};

/// What every variable of ours begins with.
const PREFIX: &str = "ASSENT_";

/// A variable that a program reads.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// The variable's name in the environment: `ASSENT_LISTEN`.
    pub name: &'static str,
    /// What the variable is for: in `--help`, and in the error when it is missing.
    pub help: &'static str,
    /// The value when nobody sets the variable.
    pub default: Option<&'static str>,
    /// Whether the variable holds a secret, which may be read from a file instead.
    pub secret: bool,
}

impl Variable {
    /// A variable whose value anybody may see.
    pub const fn plain(
        name: &'static str,
        help: &'static str,
        default: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            help,
            default,
            secret: false,
        }
    }

    /// A variable that holds a secret, which may be read from a file instead.
    pub const fn secret(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            default: None,
            secret: true,
        }
    }

    /// The key in the TOML file and the field in the configuration struct.
    fn key(&self) -> String {
        key_of(self.name)
    }
}

fn key_of(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase()
}

fn name_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase())
}

/// Why a configuration cannot be used. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A name with our prefix that no program of ours reads.
    #[error("{place} {name} is not known{}", .nearest.map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// Where it stands: the environment or the file.
        place: &'static str,
        /// The unknown name.
        name: String,
        /// The known name most like it.
        nearest: Option<&'static str>,
    },
    /// A value that is not text.
    #[error("{name} is not valid UTF-8")]
    NotUnicode {
        /// The variable.
        name: String,
    },
    /// A secret given both as a value and as a file.
    #[error("{name} and {name}_FILE are both set; set one")]
    Both {
        /// The variable.
        name: String,
    },
    /// The file of a secret cannot be read.
    #[error("{name}_FILE: cannot read {}", .path.display())]
    SecretFile {
        /// The variable.
        name: String,
        /// The file it names.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The configuration file cannot be read.
    #[error("cannot read the configuration file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The configuration file is not TOML.
    #[error("the configuration file {} is not valid TOML: {message}", .path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What the parser says, without the text it was reading.
        message: String,
    },
    /// A variable without a default is not set.
    #[error("{name} is required: {help}")]
    Missing {
        /// The variable.
        name: String,
        /// What it is.
        help: &'static str,
    },
    /// A value is not what the variable takes.
    #[error("{name}: expected {expected}")]
    Invalid {
        /// The variable.
        name: String,
        /// What would be accepted.
        expected: String,
    },
}

/// Reads a program's configuration from an environment and a file.
///
/// `known` are the names of all variables of all programs that share the environment: any other name with our prefix is
/// refused. The environment is an argument so that tests need not change their own.
pub fn load<C: DeserializeOwned>(
    variables: &[Variable],
    known: &[&'static str],
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    file: Option<&Path>,
) -> Result<C, ConfigError> {
    let environment = read_environment(known, environment)?;
    let file = file.map(|path| read_file(known, path)).transpose()?;
    let file = file.unwrap_or_default();
    let mut values = Dict::new();
    for variable in variables {
        let key = variable.key();
        let value = match find(variable, &environment)? {
            Some(value) => Some(value),
            None => find(variable, &file)?,
        };
        refuse_quotation_marks(variable, value.as_ref())?;
        if let Some(value) = value.or_else(|| variable.default.map(Value::from)) {
            values.insert(key, value);
        }
    }
    // The lossy reading turns the text "5" into a number where the field is one.
    Figment::from(Serialized::defaults(values))
        .extract_lossy()
        .map_err(|error| explain(variables, error))
}

/// The variables of ours that are set, by key; refuses names nobody knows.
fn read_environment(
    known: &[&'static str],
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Dict, ConfigError> {
    let mut ours = BTreeMap::new();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        names::check(known, name)?;
        let value = value.to_str().ok_or_else(|| ConfigError::NotUnicode {
            name: name.to_owned(),
        })?;
        // Files of variables come from other systems and editors, too: their line ends, and what was typed around a value,
        // are passed on as a part of it.
        ours.insert(key_of(name), Value::from(value.trim()));
    }
    Ok(ours)
}

/// Who sets variables by something else than a shell gets the shell's quotation marks passed on.
fn refuse_quotation_marks(variable: &Variable, value: Option<&Value>) -> Result<(), ConfigError> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let is_quoted = ['"', '\''].into_iter().any(|mark| {
        let rest = text.strip_prefix(mark);
        rest.is_some_and(|rest| rest.ends_with(mark))
    });
    if is_quoted {
        return Err(ConfigError::Invalid {
            name: variable.name.to_owned(),
            expected: "a value without quotation marks around it; they belong to a shell, and none has taken them off"
                .to_owned(),
        });
    }
    Ok(())
}

fn read_file(known: &[&'static str], path: &Path) -> Result<Dict, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        path: path.to_owned(),
        source,
    })?;
    // The parser's own Display quotes the offending line, which may hold a secret.
    let values: Dict = Toml::from_str(&text).map_err(|error| ConfigError::Toml {
        path: path.to_owned(),
        message: error.message().to_owned(),
    })?;
    for key in values.keys() {
        names::check_key(known, key)?;
    }
    Ok(values)
}

/// The value of a variable in one source, following `_FILE` for a secret.
fn find(variable: &Variable, source: &Dict) -> Result<Option<Value>, ConfigError> {
    let key = variable.key();
    let set = |key: &str| source.get(key).filter(|value| value.as_str() != Some(""));
    let value = set(&key);
    let path = variable
        .secret
        .then(|| set(&format!("{key}_file")))
        .flatten();
    match (value, path) {
        (Some(_), Some(_)) => Err(ConfigError::Both {
            name: variable.name.to_owned(),
        }),
        (None, Some(path)) => read_secret(variable.name, path).map(Some),
        (value, None) => Ok(value.cloned()),
    }
}

fn read_secret(name: &str, path: &Value) -> Result<Value, ConfigError> {
    let path = path.as_str().ok_or_else(|| ConfigError::Invalid {
        name: format!("{name}_FILE"),
        expected: "the name of a file".to_owned(),
    })?;
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::SecretFile {
        name: name.to_owned(),
        path: PathBuf::from(path),
        source,
    })?;
    // Editors and `echo` end a file with a newline that is not part of the secret, and some begin it with a mark.
    let secret = text.trim_start_matches('\u{feff}').trim();
    if secret.is_empty() {
        return Err(ConfigError::Invalid {
            name: format!("{name}_FILE"),
            expected: "a file that is not empty".to_owned(),
        });
    }
    Ok(Value::from(secret))
}

/// Says in our words what serde found, without the value it found.
fn explain(variables: &[Variable], error: figment::Error) -> ConfigError {
    let key = error.path.first().cloned().unwrap_or_default();
    let invalid = |expected: String| ConfigError::Invalid {
        name: name_of(&key),
        expected,
    };
    match error.kind {
        Kind::MissingField(field) => ConfigError::Missing {
            name: name_of(&field),
            help: variables
                .iter()
                .find(|variable| variable.key() == field.as_ref())
                .map_or("it has no default", |variable| variable.help),
        },
        Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected)
        | Kind::InvalidLength(_, expected)
        | Kind::Message(expected) => invalid(expected),
        Kind::UnknownVariant(_, expected) => invalid(format!("one of {}", expected.join(", "))),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => {
            invalid("a number within range".to_owned())
        }
        // These mean that a program's struct and its table disagree.
        Kind::UnknownField(..)
        | Kind::DuplicateField(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..) => invalid("a value this program can read".to_owned()),
    }
}

#[cfg(test)]
mod tests;
