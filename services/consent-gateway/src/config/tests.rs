use std::ffi::OsString;

use assent_microsoft_identity::{Credentials, NATIONAL_AUTHORITIES};
use assent_service_kit::config::microsoft::MicrosoftConfigError;
use assent_service_kit::config::{ConfigError as LoadError, HttpUrl, Origin, load};
use jiff::SignedDuration;

use super::{Config, ConfigError, PROGRAM};

const REQUIRED: [(&str, &str); 4] = [
    ("ASSENT_PUBLIC_URL", "https://assent.example"),
    (
        "ASSENT_ENTRA_CLIENT_ID",
        "a55e0000-0000-4000-8000-00000000c1d1",
    ),
    ("ASSENT_HOST_ISSUER", "https://host.example"),
    ("ASSENT_HOST_JWKS_URL", "https://host.example/jwks.json"),
];

fn config(more: &[(&str, &str)]) -> Result<Config, LoadError> {
    let environment = REQUIRED
        .iter()
        .chain(more)
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    load(PROGRAM.variables, PROGRAM.known_names, environment, None)
}

fn urls(urls: &[HttpUrl]) -> Vec<&str> {
    urls.iter().map(HttpUrl::as_str).collect()
}

#[test]
fn what_nobody_sets_has_its_default() {
    let config = config(&[]).unwrap();
    assert_eq!(
        SignedDuration::from(config.hand_off_days),
        SignedDuration::from_hours(7 * 24)
    );
    assert_eq!(
        SignedDuration::from(config.session_minutes),
        SignedDuration::from_hours(1)
    );
    assert!(config.frame_ancestors.as_slice().is_empty());
    assert_eq!(config.product_accent_color.to_string(), "#0b57a4");
    let brand = config.brand().unwrap();
    assert_eq!(brand.product_name, "the application");
    assert!(brand.product_url.is_none() && brand.logo.is_none());
    assert_eq!(
        urls(&config.national_authorities().unwrap()),
        NATIONAL_AUTHORITIES
    );
    assert_eq!(
        config.autodiscover().unwrap().as_str(),
        "https://outlook.office365.com"
    );
}

#[test]
fn whatever_stands_in_for_microsoft_stands_alone() {
    let simulator = "http://127.0.0.1:8090";
    let played = [
        ("ASSENT_ENTRA_AUTHORITY", simulator),
        ("ASSENT_GRAPH_URL", simulator),
    ];
    let alone = config(&played).unwrap();
    assert!(alone.national_authorities().unwrap().is_empty());
    assert_eq!(alone.autodiscover().unwrap().as_str(), simulator);
    let other = [
        (
            "ASSENT_ENTRA_NATIONAL_AUTHORITIES",
            "https://one.example, https://two.example",
        ),
        ("ASSENT_AUTODISCOVER_URL", "https://mail.example"),
    ];
    let named = config(&[&played[..], &other[..]].concat()).unwrap();
    assert_eq!(
        urls(&named.national_authorities().unwrap()),
        ["https://one.example", "https://two.example"]
    );
    assert_eq!(
        named.autodiscover().unwrap().as_str(),
        "https://mail.example"
    );
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (name, value) in [
        ("ASSENT_PUBLIC_URL", "https://assent.example/?x=1"),
        (
            "ASSENT_ENTRA_AUTHORITY",
            "https://login.example/organizations",
        ),
        (
            "ASSENT_ENTRA_AUTHORITY",
            "https://login.example/common/v2.0",
        ),
        ("ASSENT_HAND_OFF_DAYS", "0"),
        ("ASSENT_HAND_OFF_DAYS", "31"),
        ("ASSENT_HAND_OFF_DAYS", "for ever"),
        ("ASSENT_PRODUCT_NAME", "two\nlines"),
        ("ASSENT_ENTRA_NATIONAL_AUTHORITIES", "http://login.example"),
        ("ASSENT_AUTODISCOVER_URL", "mail.example"),
        ("ASSENT_ADMIN_PROOF", "trust"),
        ("ASSENT_PRODUCT_URL", "app.example"),
        ("ASSENT_PRODUCT_URL", "javascript:alert(1)"),
        ("ASSENT_PRODUCT_URL", "https://ana@app.example"),
        ("ASSENT_PRODUCT_URL", "https://ana:hush@app.example"),
        ("ASSENT_PRODUCT_ACCENT_COLOR", "teal"),
        ("ASSENT_PRODUCT_ACCENT_COLOR", "0b57a4"),
        ("ASSENT_PRODUCT_ACCENT_COLOR", "#0b57a"),
        ("ASSENT_PRODUCT_ACCENT_COLOR", "#+1+1+1"),
        ("ASSENT_FRAME_ANCESTORS", "https://app.example/settings"),
        ("ASSENT_FRAME_ANCESTORS", "https://*.app.example"),
        ("ASSENT_FRAME_ANCESTORS", "*"),
        ("ASSENT_SESSION_MINUTES", "4"),
        ("ASSENT_SESSION_MINUTES", "481"),
        ("ASSENT_SESSION_MINUTES", "a while"),
    ] {
        let refused = config(&[(name, value)]).unwrap_err();
        assert!(refused.to_string().contains(name), "{name}: {refused}");
    }
}

#[test]
fn the_hosts_own_look_is_taken_over() {
    let logo = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&logo, b"\x89PNG\r\n\x1a\n...").unwrap();
    let config = config(&[
        ("ASSENT_PRODUCT_URL", "http://app.example/#/home"),
        ("ASSENT_PRODUCT_LOGO_FILE", logo.path().to_str().unwrap()),
        ("ASSENT_PRODUCT_ACCENT_COLOR", "#F80"),
        (
            "ASSENT_FRAME_ANCESTORS",
            "https://app.example, https://www.app.example:8443",
        ),
        ("ASSENT_SESSION_MINUTES", "480"),
    ])
    .unwrap();
    assert_eq!(config.product_accent_color.to_string(), "#ff8800");
    assert_eq!(
        SignedDuration::from(config.session_minutes),
        SignedDuration::from_hours(8)
    );
    let ancestors = config.frame_ancestors.as_slice().iter();
    assert_eq!(
        ancestors.map(Origin::as_str).collect::<Vec<_>>(),
        ["https://app.example", "https://www.app.example:8443"]
    );
    let brand = config.brand().unwrap();
    assert_eq!(
        brand.product_url.unwrap().as_str(),
        "http://app.example/#/home"
    );
    assert_eq!(brand.logo.unwrap().content_type, "image/png");
}

#[test]
fn a_logo_that_is_none_is_named() {
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&text, "not a picture").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for path in [text.path(), folder.path(), &folder.path().join("absent")] {
        let path = path.to_str().unwrap();
        let config = config(&[("ASSENT_PRODUCT_LOGO_FILE", path)]).unwrap();
        let refused = config.brand().unwrap_err().to_string();
        assert!(refused.contains("ASSENT_PRODUCT_LOGO_FILE"), "{refused}");
    }
}

#[test]
fn a_vault_key_that_is_none_is_named() {
    let (text, private) = (
        tempfile::NamedTempFile::new().unwrap(),
        tempfile::NamedTempFile::new().unwrap(),
    );
    std::fs::write(&text, "no key").unwrap();
    let key = assent_token_vault::PrivateKey::generate().unwrap();
    std::fs::write(&private, key.to_pem().as_bytes()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    for (path, why) in [
        (text.path(), "holds no public key"),
        (private.path(), "holds no public key"),
        (folder.path(), "cannot be read"),
        (&absent, "cannot be read"),
    ] {
        let shown = path.to_str().unwrap();
        let config = config(&[("ASSENT_VAULT_PUBLIC_KEY_FILE", shown)]).unwrap();
        let refused = config.vault_key().unwrap_err();
        let says = assent_service_kit::error_chain::with_sources(&refused).to_string();
        assert!(says.contains("ASSENT_VAULT_PUBLIC_KEY_FILE"), "{says}");
        assert!(says.contains(why) && says.contains(shown), "{says}");
    }
    std::fs::write(&private, key.public().to_pem()).unwrap();
    let path = private.path().to_str().unwrap();
    let config = config(&[("ASSENT_VAULT_PUBLIC_KEY_FILE", path)]).unwrap();
    assert!(config.vault_key().unwrap().is_some());
}

#[test]
fn one_credential_or_two_and_never_a_half() {
    let credentials = |more: &[(&str, &str)]| config(more).unwrap().credentials();
    let secret = ("ASSENT_ENTRA_CLIENT_SECRET", "hush");
    let second = ("ASSENT_ENTRA_CLIENT_SECOND_SECRET", "still");
    assert!(matches!(credentials(&[secret]), Ok(Credentials::One(_))));
    assert!(matches!(
        credentials(&[secret, second]),
        Ok(Credentials::Rotating { .. })
    ));
    for none in [&[][..], &[second]] {
        assert!(matches!(
            credentials(none),
            Err(ConfigError::Microsoft(MicrosoftConfigError::Credential))
        ));
    }
    let key = ("ASSENT_ENTRA_CLIENT_KEY_FILE", "/nowhere/key.pem");
    let certificate = ("ASSENT_ENTRA_CLIENT_CERT_FILE", "/nowhere/certificate.pem");
    for half in [&[key][..], &[certificate], &[secret, key, certificate]] {
        assert!(matches!(
            credentials(half),
            Err(ConfigError::Microsoft(MicrosoftConfigError::Credential))
        ));
    }
    let unreadable = credentials(&[key, certificate]).unwrap_err();
    assert!(
        unreadable
            .to_string()
            .contains("ASSENT_ENTRA_CLIENT_KEY_FILE"),
        "{unreadable}"
    );
    let second_key = ("ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE", "/nowhere/key.pem");
    assert!(matches!(
        credentials(&[secret, second_key]),
        Err(ConfigError::Microsoft(
            MicrosoftConfigError::SecondCredential
        ))
    ));
}

#[test]
fn scopes_are_parted_by_commas_or_by_spaces() {
    for text in [
        "Mail.Send,Mail.ReadWrite",
        "Mail.Send Mail.ReadWrite",
        " Mail.Send,  Mail.ReadWrite ",
    ] {
        let config = config(&[("ASSENT_SCOPES_EMAIL_FULL", text)]).unwrap();
        let scopes = config.scopes.email_full.as_slice();
        assert_eq!(scopes, ["Mail.Send", "Mail.ReadWrite"], "{text}");
    }
}
