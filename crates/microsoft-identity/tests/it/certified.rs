//! Certificates of our own, made for a test.

use std::time::{Duration, SystemTime};

use assent_microsoft_identity::ClientCredential;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use sha2::{Digest as _, Sha256};

pub(crate) struct Certified {
    key: KeyPair,
    pub(crate) certificate_pem: String,
    pub(crate) thumbprint: String,
    pub(crate) not_after: SystemTime,
}

impl Certified {
    pub(crate) fn new() -> Self {
        Self::ending(SystemTime::now() + Duration::from_hours(365 * 24))
    }

    pub(crate) fn ending(not_after: SystemTime) -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let mut parameters = CertificateParams::new(vec!["assent.example".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = not_after.into();
        let certificate = parameters.self_signed(&key).unwrap();
        Self {
            certificate_pem: certificate.pem(),
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der())),
            key,
            not_after,
        }
    }

    pub(crate) fn credential(&self) -> ClientCredential {
        ClientCredential::Certificate {
            key_pem: self.key.serialize_pem().into(),
            certificate_pem: self.certificate_pem.clone(),
        }
    }

    /// PKCS#1.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.key.public_key_raw().to_vec()
    }
}
