//! Certificates that fit their keys, and all that do not.

use std::time::{Duration, SystemTime};

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};

use super::*;

/// 1024 bits. No library makes such a key any more, so here is one; its private half was never kept.
const WEAK: &str = "\
-----BEGIN CERTIFICATE-----
MIIB+jCCAWOgAwIBAgIUBpG4lj9pEyrpvvk2rmwBl1gkGzcwDQYJKoZIhvcNAQEL
BQAwDzENMAsGA1UEAwwEd2VhazAeFw0yNjExMjUxMTUwNDBaFw0zNjExMjIxMTUw
NDBaMA8xDTALBgNVBAMMBHdlYWswgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGB
AM+SzZCk8YRlmn7uhE+da+E/BXBZlt+CkoiF6m8mMP5gmA3TxAyKat3MwFHpWU/I
4cSgJOVXBYpdgupbhcjI+G8OT6nkDD1DEiYHsHrEVpmd/m8smsIS5eF+VZxxmF/y
ykMpPBEWWLkI8G3THUkvq+MB0yJw1bQDV/0GobQ5vgCTAgMBAAGjUzBRMB0GA1Ud
DgQWBBQOvCI5YsvCeXTMXyXCnAXA43C+3jAfBgNVHSMEGDAWgBQOvCI5YsvCeXTM
XyXCnAXA43C+3jAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4GBABfF
teaE9b9OfTBO5mPJfUju9a5RhuYihfmsGNsTSAvN0LovQXoZr8nzQE1uqHEnyx2d
EeVQbn9GgFLiK0KdkgyGoyUxp9nKNA3zYLx7IOe1Dax/sRjxj2Hh3PM4C7pio3ks
NwKkfsJzQwA+74BuYJ6EytN4iVWnEh3t8xNdUzqI
-----END CERTIFICATE-----
";

fn new_key() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

/// The certificate of a key, valid in the year 2020.
fn certificate(key: &KeyPair) -> rcgen::Certificate {
    let mut parameters = CertificateParams::new(vec!["assent.example".to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2021, 1, 1);
    parameters.self_signed(key).unwrap()
}

fn problem(key_pem: &str, certificate_pem: &str) -> String {
    let key_pem = SecretString::from(key_pem);
    let problem = parse(&key_pem, certificate_pem).err().unwrap();
    format!("{problem:?}")
}

#[test]
fn a_certificate_and_its_key() {
    let key = new_key();
    let certificate = certificate(&key);
    // Others may stand before and behind it in the file.
    let file = format!(
        "ignored\n{}{}{}",
        key.public_key_pem(),
        certificate.pem(),
        WEAK
    );
    let read = parse(&key.serialize_pem().into(), &file).ok().unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
    assert_eq!(read.thumbprint, thumbprint);
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    // An expired one is read like any other.
    assert_eq!(read.not_before, at(1_577_836_800));
    assert_eq!(read.not_after, at(1_609_459_200));
}

#[test]
fn what_could_not_work_is_refused() {
    let (key, other) = (new_key(), new_key());
    let pem = certificate(&key).pem();
    let key_pem = key.serialize_pem();
    assert_eq!(problem(&other.serialize_pem(), &pem), "AnotherKey");
    assert_eq!(problem(&key_pem, WEAK), "TooWeak { bits: 1024 }");
    let text = CertificateProblem::TooWeak { bits: 1024 }.to_string();
    assert!(text.ends_with("1024 bits; it needs 2048 or more"), "{text}");
    let elliptic = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    assert_eq!(problem(&key_pem, &certificate(&elliptic).pem()), "NotRsa");
    for bad_key in [
        "",
        "no PEM",
        pem.as_str(),
        &elliptic.serialize_pem(),
        &key_pem.replace('A', "B"),
    ] {
        assert!(
            problem(bad_key, &pem).starts_with("PrivateKey"),
            "{bad_key}"
        );
    }
    let cut = pem.replace("MII", "MI");
    for bad_certificate in ["", "no PEM", key_pem.as_str(), &key.public_key_pem(), &cut] {
        assert_eq!(
            problem(&key_pem, bad_certificate),
            "Certificate",
            "{bad_certificate}"
        );
    }
}

#[test]
fn bits_are_counted_without_leading_zeros() {
    for (number, expected) in [
        (&[][..], 0),
        (&[0, 0], 0),
        (&[0, 1], 1),
        (&[0x80], 8),
        (&[0, 0x80, 0], 16),
        (&[1, 0, 0], 17),
    ] {
        assert_eq!(bit_length(number), expected, "{number:?}");
    }
}
