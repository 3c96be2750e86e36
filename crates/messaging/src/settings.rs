//! What it takes to connect.

use std::fmt;
use std::path::PathBuf;

/// Where NATS is and who we are to it.
#[derive(Clone)]
pub struct ConnectionSettings {
    /// One address, or several separated by commas: `nats://host:4222` or `tls://host:4222`.
    /// It carries no user name and no password: addresses are logged.
    pub url: String,
    /// The user name, where the server knows us by name.
    pub user: Option<String>,
    /// The user's password. Never shown.
    pub password: Option<String>,
    /// A `.creds` file, where the server knows us by a signed token. Excludes `user`.
    pub creds_file: Option<PathBuf>,
    /// The certificates that vouch for the server. TLS is required when this is set.
    pub ca_file: Option<PathBuf>,
    /// The name by which an operator recognises this connection in the server's monitoring.
    pub client_name: String,
    /// Where replies arrive. By default `_INBOX_<user>`, so that permissions can keep one user's
    /// replies from another, and plain `_INBOX` where there is no user.
    pub inbox_prefix: Option<String>,
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

    /// The same settings as the given user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self.password = Some(password.into());
        self
    }

    pub(crate) fn effective_inbox_prefix(&self) -> Option<String> {
        self.inbox_prefix
            .clone()
            .or_else(|| self.user.as_ref().map(|user| format!("_INBOX_{user}")))
    }
}

impl fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSettings")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("creds_file", &self.creds_file)
            .field("ca_file", &self.ca_file)
            .field("client_name", &self.client_name)
            .field("inbox_prefix", &self.inbox_prefix)
            .finish()
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
