use std::ffi::OsString;
use std::time::Duration;

use assent_microsoft_identity::Credentials;
use assent_service_kit::config::{ConfigError as LoadError, load};

use super::{Config, PROGRAM};

const REQUIRED: [(&str, &str); 4] = [
    (
        "ASSENT_ENTRA_CLIENT_ID",
        "a55e0000-0000-4000-8000-00000000c1d1",
    ),
    ("ASSENT_HOST_ISSUER", "https://host.example"),
    ("ASSENT_HOST_JWKS_URL", "https://host.example/jwks.json"),
    ("ASSENT_VAULT_KEYS_DIR", "/keys"),
];

fn config(more: &[(&str, &str)]) -> Result<Config, LoadError> {
    let environment = REQUIRED
        .iter()
        .chain(more)
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    load(PROGRAM.variables, PROGRAM.known_names, environment, None)
}

#[test]
fn what_nobody_sets_has_its_default() {
    let config = config(&[("ASSENT_ENTRA_CLIENT_SECRET", "s3cret")]).unwrap();
    assert_eq!(
        Duration::from(config.verify_every_minutes),
        Duration::from_hours(1)
    );
    assert_eq!(
        u32::from(std::num::NonZeroU32::from(config.verify_rate)),
        100
    );
    assert_eq!(
        u32::from(std::num::NonZeroU32::from(config.verify_rate_per_tenant)),
        10
    );
    assert_eq!(
        config.scope_map().email_full,
        ["Mail.ReadWrite", "Mail.Send"]
    );
    config.check().unwrap();
    assert!(matches!(
        config.microsoft_credentials(),
        Ok(Credentials::One(_))
    ));
}

#[test]
fn fractions_of_a_minute_are_taken() {
    let config = config(&[("ASSENT_VERIFY_EVERY_MINUTES", "0.1")]).unwrap();
    assert_eq!(
        Duration::from(config.verify_every_minutes),
        Duration::from_secs(6)
    );
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (name, value) in [
        ("ASSENT_VERIFY_EVERY_MINUTES", "0"),
        ("ASSENT_VERIFY_EVERY_MINUTES", "-1"),
        ("ASSENT_VERIFY_EVERY_MINUTES", "1441"),
        ("ASSENT_VERIFY_EVERY_MINUTES", "hourly"),
        ("ASSENT_VERIFY_RATE", "0"),
        ("ASSENT_VERIFY_RATE_PER_TENANT", "10001"),
        ("ASSENT_TOKEN_MEGABYTES", "7"),
        ("ASSENT_ENTRA_AUTHORITY", "http://login.example"),
    ] {
        let refused = config(&[(name, value)]).unwrap_err();
        assert!(refused.to_string().contains(name), "{name}: {refused}");
    }
    for (name, value) in [
        ("ASSENT_NATS_REPLICAS", "2"),
        ("ASSENT_SCOPES_CALENDAR", " , "),
    ] {
        let secret = ("ASSENT_ENTRA_CLIENT_SECRET", "s3cret");
        let refused = config(&[secret, (name, value)]).unwrap().check();
        assert!(refused.unwrap_err().to_string().contains(name), "{name}");
    }
    let nobody = config(&[]).unwrap().check().unwrap_err();
    assert!(nobody.to_string().contains("ASSENT_ENTRA_CLIENT_SECRET"));
}
