//! The connection settings, from options, environment and a file.

use std::ffi::OsString;

use assent_contract::variables::VARIABLES as KNOWN_NAMES;
use assent_messaging::ConnectionSettings;
use assent_service_kit::config::{self, Variable, shared};

use crate::arguments::ConnectionArguments;
use crate::exit::CommandError;

/// The variables that this program reads.
const VARIABLES: &[Variable] = &[
    shared::NATS_URL,
    shared::NATS_CREDS_FILE,
    shared::NATS_USER,
    shared::NATS_PASSWORD,
    shared::NATS_CA_FILE,
    shared::NATS_INBOX_PREFIX,
];

/// Reads the process's environment; an option stands in for its variable.
pub(crate) fn load(arguments: &ConnectionArguments) -> Result<ConnectionSettings, CommandError> {
    from_environment(arguments, std::env::vars_os())
}

fn from_environment(
    arguments: &ConnectionArguments,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<ConnectionSettings, CommandError> {
    let text = |text: &Option<String>| text.as_ref().map(OsString::from);
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(OsString::from);
    let options = [
        (shared::NATS_URL.name, text(&arguments.nats_url)),
        (shared::NATS_USER.name, text(&arguments.nats_user)),
        (
            shared::NATS_CREDS_FILE.name,
            path(&arguments.nats_creds_file),
        ),
        (shared::NATS_CA_FILE.name, path(&arguments.nats_ca_file)),
        (
            shared::NATS_INBOX_PREFIX.name,
            text(&arguments.nats_inbox_prefix),
        ),
    ];
    let given = options
        .into_iter()
        .filter_map(|(name, value)| Some((OsString::from(name), value?)));
    // The last one of a name counts.
    let environment = environment.into_iter().chain(given);
    let settings: ConnectionSettings = config::load(
        VARIABLES,
        KNOWN_NAMES,
        environment,
        arguments.config.as_deref(),
    )
    .map_err(|error| CommandError::Settings(error.into()))?;
    Ok(settings.with_client_name("consentctl"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use secrecy::ExposeSecret;

    use super::from_environment;
    use crate::arguments::ConnectionArguments;

    fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[test]
    fn an_option_wins_over_its_variable() {
        let variables = environment(&[
            ("ASSENT_NATS_URL", "nats://variable:1"),
            ("ASSENT_NATS_USER", "operator"),
            ("ASSENT_NATS_PASSWORD", "hunter2"),
        ]);
        let settings =
            from_environment(&ConnectionArguments::default(), variables.clone()).unwrap();
        assert_eq!(settings.url, "nats://variable:1");
        let password = settings.password.as_ref().map(ExposeSecret::expose_secret);
        assert_eq!(password, Some("hunter2"));

        let option = ConnectionArguments {
            nats_url: Some("nats://option:2".to_owned()),
            ..ConnectionArguments::default()
        };
        let settings = from_environment(&option, variables).unwrap();
        assert_eq!(settings.url, "nats://option:2");
        assert_eq!(settings.user.as_deref(), Some("operator"));
    }

    #[test]
    fn a_name_nobody_knows_is_refused() {
        let variables = environment(&[("ASSENT_NATS_ULR", "nats://x:1")]);
        assert!(from_environment(&ConnectionArguments::default(), variables).is_err());
    }
}
