//! Who we are at Microsoft, and which scopes stand for what: variables that several programs read, described once.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

use crate::config::{CommaSeparated, Variable};

/// Where Microsoft Graph is.
pub const GRAPH_URL: Variable = Variable::plain(
    "ASSENT_GRAPH_URL",
    "Microsoft Graph",
    Some("https://graph.microsoft.com"),
);
/// Where people sign in.
pub const ENTRA_AUTHORITY: Variable = Variable::plain(
    "ASSENT_ENTRA_AUTHORITY",
    "Microsoft's sign-in service",
    Some("https://login.microsoftonline.com"),
);
/// The variables of [`CredentialValues`].
pub const CREDENTIALS: [Variable; 6] = [
    Variable::secret(
        "ASSENT_ENTRA_CLIENT_SECRET",
        "the application's client secret",
    ),
    Variable::plain(
        "ASSENT_ENTRA_CLIENT_KEY_FILE",
        "RSA private key (PEM) for private_key_jwt; preferred to a secret",
        None,
    ),
    Variable::plain(
        "ASSENT_ENTRA_CLIENT_CERT_FILE",
        "the certificate (PEM) that belongs to the key",
        None,
    ),
    Variable::secret(
        "ASSENT_ENTRA_CLIENT_SECOND_SECRET",
        "during a rotation: the other secret, used when Microsoft refuses the first credential",
    ),
    Variable::plain(
        "ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE",
        "during a rotation: the other private key, used when Microsoft refuses the first credential",
        None,
    ),
    Variable::plain(
        "ASSENT_ENTRA_CLIENT_SECOND_CERT_FILE",
        "the certificate that belongs to the other key",
        None,
    ),
];
/// The variables of [`ScopeValues`].
pub const SCOPES: [Variable; 4] = [
    Variable::plain(
        "ASSENT_SCOPES_CALENDAR",
        "Graph scopes for the calendar, with commas or spaces between them",
        Some("Calendars.ReadWrite"),
    ),
    Variable::plain(
        "ASSENT_SCOPES_CONTACTS",
        "Graph scopes for contacts, likewise",
        Some("Contacts.Read"),
    ),
    Variable::plain(
        "ASSENT_SCOPES_EMAIL_LIMITED",
        "Graph scopes for limited e-mail, likewise",
        Some("Mail.Send"),
    ),
    Variable::plain(
        "ASSENT_SCOPES_EMAIL_FULL",
        "Graph scopes for full e-mail, likewise",
        Some("Mail.ReadWrite,Mail.Send"),
    ),
];

/// How we prove to Microsoft who we are; flatten it into a program's configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct CredentialValues {
    #[serde(rename = "entra_client_secret")]
    secret: Option<SecretString>,
    #[serde(rename = "entra_client_key_file")]
    key_file: Option<PathBuf>,
    #[serde(rename = "entra_client_cert_file")]
    cert_file: Option<PathBuf>,
    #[serde(rename = "entra_client_second_secret")]
    second_secret: Option<SecretString>,
    #[serde(rename = "entra_client_second_key_file")]
    second_key_file: Option<PathBuf>,
    #[serde(rename = "entra_client_second_cert_file")]
    second_cert_file: Option<PathBuf>,
}

/// One way to prove it.
#[derive(Debug)]
pub enum CredentialValue {
    /// A client secret.
    Secret(SecretString),
    /// A private key and its certificate, in PEM.
    Certificate {
        /// The key.
        key_pem: SecretString,
        /// The certificate.
        certificate_pem: String,
    },
}

/// Variables about Microsoft that don't go together, or name what can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MicrosoftConfigError {
    /// No way to prove to Microsoft who we are, or two.
    #[error(
        "set either ASSENT_ENTRA_CLIENT_SECRET, or both ASSENT_ENTRA_CLIENT_KEY_FILE and \
         ASSENT_ENTRA_CLIENT_CERT_FILE"
    )]
    Credential,
    /// Half of a second credential, or two of them.
    #[error(
        "for a rotation set either ASSENT_ENTRA_CLIENT_SECOND_SECRET, or both \
         ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE and ASSENT_ENTRA_CLIENT_SECOND_CERT_FILE; or none of them"
    )]
    SecondCredential,
    /// A file can't be read.
    #[error("{variable} names a file that can't be read: {}", .path.display())]
    File {
        /// The variable.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A permission without scopes would count as granted by everyone.
    #[error("{0} must name at least one scope")]
    NoScope(&'static str),
}

impl CredentialValues {
    /// How we prove to Microsoft who we are; during a rotation in two ways. Reads the files.
    pub fn read(&self) -> Result<(CredentialValue, Option<CredentialValue>), MicrosoftConfigError> {
        let first = credential(
            self.secret.as_ref(),
            ("ASSENT_ENTRA_CLIENT_KEY_FILE", self.key_file.as_ref()),
            ("ASSENT_ENTRA_CLIENT_CERT_FILE", self.cert_file.as_ref()),
            MicrosoftConfigError::Credential,
        )?;
        let second = credential(
            self.second_secret.as_ref(),
            (
                "ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE",
                self.second_key_file.as_ref(),
            ),
            (
                "ASSENT_ENTRA_CLIENT_SECOND_CERT_FILE",
                self.second_cert_file.as_ref(),
            ),
            MicrosoftConfigError::SecondCredential,
        )?;
        Ok((first.ok_or(MicrosoftConfigError::Credential)?, second))
    }
}

/// A secret, or a key with its certificate, or neither; anything else is a mistake.
fn credential(
    secret: Option<&SecretString>,
    (key_variable, key): (&'static str, Option<&PathBuf>),
    (certificate_variable, certificate): (&'static str, Option<&PathBuf>),
    otherwise: MicrosoftConfigError,
) -> Result<Option<CredentialValue>, MicrosoftConfigError> {
    match (secret, key, certificate) {
        (None, None, None) => Ok(None),
        (Some(secret), None, None) => Ok(Some(CredentialValue::Secret(secret.clone()))),
        (None, Some(key), Some(certificate)) => Ok(Some(CredentialValue::Certificate {
            key_pem: read(key_variable, key)?.into(),
            certificate_pem: read(certificate_variable, certificate)?,
        })),
        (_, _, _) => Err(otherwise),
    }
}

fn read(variable: &'static str, path: &PathBuf) -> Result<String, MicrosoftConfigError> {
    std::fs::read_to_string(path).map_err(|source| MicrosoftConfigError::File {
        variable,
        path: path.clone(),
        source,
    })
}

/// Which scopes stand for which permission; flatten it into a program's configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct ScopeValues {
    /// For the calendar.
    #[serde(rename = "scopes_calendar")]
    pub calendar: Scopes,
    /// For contacts.
    #[serde(rename = "scopes_contacts")]
    pub contacts: Scopes,
    /// For limited e-mail.
    #[serde(rename = "scopes_email_limited")]
    pub email_limited: Scopes,
    /// For full e-mail.
    #[serde(rename = "scopes_email_full")]
    pub email_full: Scopes,
}

impl ScopeValues {
    /// Whether each permission has a scope.
    pub fn check(&self) -> Result<(), MicrosoftConfigError> {
        for (name, scopes) in [
            ("ASSENT_SCOPES_CALENDAR", &self.calendar),
            ("ASSENT_SCOPES_CONTACTS", &self.contacts),
            ("ASSENT_SCOPES_EMAIL_LIMITED", &self.email_limited),
            ("ASSENT_SCOPES_EMAIL_FULL", &self.email_full),
        ] {
            if scopes.as_slice().is_empty() {
                return Err(MicrosoftConfigError::NoScope(name));
            }
        }
        Ok(())
    }
}

/// Graph scopes. With commas between them, as all our lists, or with spaces, as OAuth writes them and no scope has one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "CommaSeparated<String>")]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// One by one.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl From<CommaSeparated<String>> for Scopes {
    fn from(list: CommaSeparated<String>) -> Self {
        let scopes = list
            .as_slice()
            .iter()
            .flat_map(|text| text.split_whitespace());
        Self(scopes.map(str::to_owned).collect())
    }
}

impl From<Scopes> for Vec<String> {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}
