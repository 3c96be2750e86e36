//! What it takes to connect.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::de::{self, Deserialize, Deserializer};

/// Where NATS is and who we are to it. A program's configuration has it among its own values, by the names of the
/// variables: `nats_url` is `ASSENT_NATS_URL`.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct ConnectionSettings {
    /// One address, or several separated by commas: `nats://host:4222` or `tls://host:4222`.
    /// It carries no user name and no password: addresses are logged.
    #[serde(rename = "nats_url", deserialize_with = "addresses")]
    pub url: String,
    /// The user name, where the server knows us by name.
    #[serde(rename = "nats_user")]
    pub user: Option<String>,
    /// The user's password. Never shown.
    #[serde(rename = "nats_password")]
    pub password: Option<SecretString>,
    /// A `.creds` file, where the server knows us by a signed token. Excludes `user`.
    #[serde(rename = "nats_creds_file")]
    pub creds_file: Option<PathBuf>,
    /// The certificates that vouch for the server. TLS is required when this is set.
    #[serde(rename = "nats_ca_file")]
    pub ca_file: Option<PathBuf>,
    /// The name by which an operator recognises this connection in the server's monitoring.
    #[serde(skip)]
    pub client_name: String,
    /// Where replies arrive. By default `_INBOX_<user>`, so that permissions can keep one user's
    /// replies from another, and plain `_INBOX` where there is no user.
    #[serde(rename = "nats_inbox_prefix")]
    pub inbox_prefix: Option<String>,
}

/// Addresses are logged and shown, so there must be nothing in them that may not be. No address of
/// a server has an `@` but to part it from a user and a password.
fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.contains('@') {
        return Err(de::Error::custom(
            "an address without user and password; give them apart, by ASSENT_NATS_USER and ASSENT_NATS_PASSWORD_FILE",
        ));
    }
    Ok(text)
}

impl ConnectionSettings {
    /// Settings for a server that asks for no credentials.
    pub fn new(url: impl Into<String>, client_name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: None,
            password: None,
            creds_file: None,
            ca_file: None,
            client_name: client_name.into(),
            inbox_prefix: None,
        }
    }

    /// Settings that log in as the given user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self.password = Some(password.into().into());
        self
    }

    /// Settings under which the server lists the connection by this program's name.
    #[must_use]
    pub fn with_client_name(mut self, client_name: impl Into<String>) -> Self {
        self.client_name = client_name.into();
        self
    }

    pub(crate) fn effective_inbox_prefix(&self) -> Option<String> {
        self.inbox_prefix
            .clone()
            .or_else(|| self.user.as_ref().map(|user| format!("_INBOX_{user}")))
    }
}

#[cfg(test)]
mod tests {
    use super::ConnectionSettings;

    #[test]
    fn the_password_is_never_shown() {
        let settings = ConnectionSettings::new("nats://127.0.0.1:1", "t").with_user("u", "hunter2");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn an_address_with_a_password_in_it_is_refused_and_not_repeated() {
        let read = |url: &str| {
            let values = serde_json::json!({"nats_url": url});
            serde_json::from_value::<ConnectionSettings>(values)
        };
        for url in [
            "nats://gateway:hunter2@127.0.0.1:4222",
            "gateway:hunter2@127.0.0.1",
            "nats://hunter2@127.0.0.1",
            "nats://127.0.0.1:4222,nats://gateway:hunter2@127.0.0.1:4223",
            "tls://gateway:hunter2@",
        ] {
            let refused = read(url).unwrap_err().to_string();
            assert!(refused.contains("give them apart"), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
        let several = "nats://a:4222,tls://b:4222";
        assert_eq!(read(several).unwrap().url, several);
    }

    #[test]
    fn a_user_has_an_inbox_of_its_own() {
        let settings = ConnectionSettings::new("nats://127.0.0.1:1", "t");
        assert_eq!(settings.effective_inbox_prefix(), None);
        let settings = settings.with_user("gateway", "x");
        assert_eq!(
            settings.effective_inbox_prefix().as_deref(),
            Some("_INBOX_gateway")
        );
    }
}
