//! The users of `deploy/nats/nats-server.conf`.

use std::collections::BTreeMap;

use rand::Rng;
use rand::distr::Alphanumeric;

/// A user the server knows, one per service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NatsUser {
    /// consent-gateway, the writer of the log.
    Gateway,
    /// projection, which follows the log.
    Projection,
    /// login-hook, which asks and commands.
    LoginHook,
    /// token-broker, which opens sealed tokens.
    TokenBroker,
    /// The host's own services, which follow the changes.
    SyncWorker,
    /// consentctl, which reads everything.
    Operator,
    /// Monitoring: how the servers are, and what they report.
    System,
}

impl NatsUser {
    /// Every user.
    pub const ALL: [Self; 7] = [
        Self::Gateway,
        Self::Projection,
        Self::LoginHook,
        Self::TokenBroker,
        Self::SyncWorker,
        Self::Operator,
        Self::System,
    ];

    /// The name it logs in with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Projection => "projection",
            Self::LoginHook => "login-hook",
            Self::TokenBroker => "token-broker",
            Self::SyncWorker => "sync-worker",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }

    fn password_variable(self) -> String {
        format!(
            "ASSENT_NATS_PASSWORD_{}",
            self.name().to_uppercase().replace('-', "_")
        )
    }
}

/// One random password per user. Never printed.
#[derive(Clone)]
pub(super) struct Passwords(BTreeMap<NatsUser, String>);

impl Passwords {
    pub(super) fn random() -> Self {
        Self(
            NatsUser::ALL
                .into_iter()
                .map(|user| (user, random_password()))
                .collect(),
        )
    }

    pub(super) fn of(&self, user: NatsUser) -> &str {
        self.0.get(&user).map_or("", String::as_str)
    }

    /// The variables the server's configuration reads them from.
    pub(super) fn environment(&self) -> impl Iterator<Item = (String, &str)> {
        self.0
            .iter()
            .map(|(user, password)| (user.password_variable(), password.as_str()))
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords(..)")
    }
}

fn random_password() -> String {
    // The letters in front keep the server's configuration from taking it for a number.
    let random = rand::rng()
        .sample_iter(Alphanumeric)
        .take(24)
        .map(char::from);
    "pw".chars().chain(random).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_names_every_user_and_its_password() {
        let configuration = include_str!("../../../../deploy/nats/nats-server.conf");
        for user in NatsUser::ALL {
            let line = format!(
                "user: \"{}\", password: ${}",
                user.name(),
                user.password_variable()
            );
            assert!(configuration.contains(&line), "{line}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let passwords = Passwords::random();

        assert!(!format!("{passwords:?}").contains(passwords.of(NatsUser::Gateway)));
    }
}
