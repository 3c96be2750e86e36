//! The one table of every name any program of ours reads.
//!
//! One environment can serve all programs, so each must tell a name that is
//! another's from one that is a typing error.

use super::{ConfigError, key_of};

/// Every variable any program of ours reads, the NATS server's configuration included.
const KNOWN_VARIABLES: &[&str] = &[
    "ASSENT_ADMIN_PROOF",
    "ASSENT_AUTODISCOVER_URL",
    "ASSENT_COMMAND_TIMEOUT_MS",
    "ASSENT_DATA_DIR",
    "ASSENT_ENTRA_AUTHORITY",
    "ASSENT_ENTRA_CLIENT_CERT_FILE",
    "ASSENT_ENTRA_CLIENT_ID",
    "ASSENT_ENTRA_CLIENT_KEY_FILE",
    "ASSENT_ENTRA_CLIENT_SECOND_CERT_FILE",
    "ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE",
    "ASSENT_ENTRA_CLIENT_SECOND_SECRET",
    "ASSENT_ENTRA_CLIENT_SECRET",
    "ASSENT_ENTRA_NATIONAL_AUTHORITIES",
    "ASSENT_FRAME_ANCESTORS",
    "ASSENT_GRAPH_URL",
    "ASSENT_HAND_OFF_DAYS",
    "ASSENT_HOST_AUDIENCE",
    "ASSENT_HOST_ENTRA_CLIENT_ID",
    "ASSENT_HOST_ISSUER",
    "ASSENT_HOST_JWKS_URL",
    "ASSENT_HTTP_CONNECTIONS",
    "ASSENT_HTTP_IDLE_SECONDS",
    "ASSENT_LISTEN",
    "ASSENT_METRICS_LISTEN",
    "ASSENT_NATS_CA_FILE",
    "ASSENT_NATS_CREDS_FILE",
    "ASSENT_NATS_INBOX_PREFIX",
    "ASSENT_NATS_MONITOR_PORT",
    "ASSENT_NATS_PASSWORD",
    "ASSENT_NATS_PASSWORD_GATEWAY",
    "ASSENT_NATS_PASSWORD_LOGIN_HOOK",
    "ASSENT_NATS_PASSWORD_OPERATOR",
    "ASSENT_NATS_PASSWORD_PROJECTION",
    "ASSENT_NATS_PASSWORD_SYNC_WORKER",
    "ASSENT_NATS_PASSWORD_SYSTEM",
    "ASSENT_NATS_PORT",
    "ASSENT_NATS_REPLICAS",
    "ASSENT_NATS_STORE_DIR",
    "ASSENT_NATS_URL",
    "ASSENT_NATS_USER",
    "ASSENT_PRODUCT_ACCENT_COLOR",
    "ASSENT_PRODUCT_LOGO_FILE",
    "ASSENT_PRODUCT_NAME",
    "ASSENT_PRODUCT_URL",
    "ASSENT_PUBLIC_URL",
    "ASSENT_QUERY_TIMEOUT_MS",
    "ASSENT_RETURN_ORIGINS",
    "ASSENT_SCOPES_CALENDAR",
    "ASSENT_SCOPES_CONTACTS",
    "ASSENT_SCOPES_EMAIL_FULL",
    "ASSENT_SCOPES_EMAIL_LIMITED",
    "ASSENT_SESSION_MINUTES",
    "ASSENT_SIMULATOR_LISTEN",
    "ASSENT_SIMULATOR_PUBLIC_URL",
    "ASSENT_SIMULATOR_SEED",
    "ASSENT_SIMULATOR_TLS_CA_FILE",
    "ASSENT_STORE_MEGABYTES",
];

/// Those of them that hold a secret, which `NAME_FILE` may supply.
const SECRET_VARIABLES: &[&str] = &[
    "ASSENT_ENTRA_CLIENT_SECOND_SECRET",
    "ASSENT_ENTRA_CLIENT_SECRET",
    "ASSENT_NATS_PASSWORD",
];

/// Refuses a variable that no program reads.
pub(super) fn check(place: &'static str, name: &str) -> Result<(), ConfigError> {
    if is_known(|known| known == name, name.strip_suffix("_FILE")) {
        return Ok(());
    }
    Err(ConfigError::Unknown {
        place,
        name: name.to_owned(),
        nearest: nearest(name),
    })
}

/// Refuses a key of the file that no program reads.
pub(super) fn check_key(key: &str) -> Result<(), ConfigError> {
    let name = super::name_of(key);
    // Keys are lower case only: `Listen` would otherwise pass and be ignored.
    if key == key_of(&name) && is_known(|known| known == name, name.strip_suffix("_FILE")) {
        return Ok(());
    }
    Err(ConfigError::Unknown {
        place: "the configuration file's key",
        name: key.to_owned(),
        nearest: nearest(&name),
    })
}

fn is_known(matches: impl Fn(&str) -> bool, secret: Option<&str>) -> bool {
    KNOWN_VARIABLES.iter().any(|known| matches(known))
        || secret.is_some_and(|secret| SECRET_VARIABLES.contains(&secret))
}

/// The known name most like this one, if any is like it at all.
fn nearest(name: &str) -> Option<&'static str> {
    // The `_FILE` of something that is no secret is far from every name.
    let name = name.strip_suffix("_FILE").unwrap_or(name);
    KNOWN_VARIABLES
        .iter()
        .map(|known| (distance(name, known), *known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .map(|(_, known)| known)
}

/// The Levenshtein distance, row by row.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, right) in row.iter_mut().skip(1).zip(to.chars()) {
            let substituted = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = substituted.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_by_distance() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("ASSENT_LISTN"), Some("ASSENT_LISTEN"));
        assert_eq!(nearest("ASSENT_NATS_PASWORD"), Some("ASSENT_NATS_PASSWORD"));
        assert_eq!(nearest("ASSENT_COMPLETELY_DIFFERENT_THING"), None);
    }

    #[test]
    fn the_table_is_sorted_and_holds_every_secret() {
        assert!(KNOWN_VARIABLES.is_sorted());
        assert!(
            SECRET_VARIABLES
                .iter()
                .all(|secret| KNOWN_VARIABLES.contains(secret))
        );
    }
}
