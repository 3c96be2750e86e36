//! Reading a private key and its certificate, and refusing what could not work.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey, crypto};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use x509_parser::pem::Pem;
use x509_parser::public_key::PublicKey;

use super::assertion::ALGORITHM;
use crate::settings::{CertificateProblem, FEWEST_KEY_BITS};

/// A certificate that belongs to its private key.
pub(super) struct ParsedCertificate {
    pub(super) key: EncodingKey,
    /// The SHA-256 thumbprint (`x5t#S256`), by which Microsoft finds the certificate.
    pub(super) thumbprint: String,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
}

pub(super) fn parse(
    key_pem: &SecretString,
    certificate_pem: &str,
) -> Result<ParsedCertificate, CertificateProblem> {
    let pem = Pem::iter_from_buffer(certificate_pem.as_bytes())
        .filter_map(Result::ok)
        .find(|pem| pem.label == "CERTIFICATE")
        .ok_or(CertificateProblem::Certificate)?;
    let certificate = pem
        .parse_x509()
        .map_err(|_unreadable| CertificateProblem::Certificate)?;
    let public = certificate.public_key();
    let Ok(PublicKey::RSA(rsa)) = public.parsed() else {
        return Err(CertificateProblem::NotRsa);
    };
    let bits = bit_length(rsa.modulus);
    if bits < FEWEST_KEY_BITS {
        return Err(CertificateProblem::TooWeak { bits });
    }
    let key = EncodingKey::from_rsa_pem(key_pem.expose_secret().as_bytes())
        .map_err(|error| CertificateProblem::PrivateKey(error.into()))?;
    let certified = DecodingKey::from_rsa_der(&public.subject_public_key.data);
    if !is_pair(&key, &certified).map_err(|error| CertificateProblem::PrivateKey(error.into()))? {
        return Err(CertificateProblem::AnotherKey);
    }
    let validity = certificate.validity();
    Ok(ParsedCertificate {
        key,
        thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&pem.contents)),
        not_before: validity.not_before.to_datetime().into(),
        not_after: validity.not_after.to_datetime().into(),
    })
}

/// What the one signs, the other verifies. It also finds a key that cannot sign at the start, and not with the first
/// customer.
fn is_pair(
    key: &EncodingKey,
    certified: &DecodingKey,
) -> Result<bool, jsonwebtoken::errors::Error> {
    let message = b"do they belong together?";
    let signature = crypto::sign(message, key, ALGORITHM)?;
    crypto::verify(&signature, message, certified, ALGORITHM)
}

/// The length of a number in bits.
fn bit_length(number: &[u8]) -> usize {
    let mut octets = number.iter().skip_while(|octet| **octet == 0);
    let leading = octets.next().map_or(0, |first| 8 - first.leading_zeros());
    octets.fold(0, |bits, _| bits + 8) + usize::try_from(leading).unwrap_or(0)
}

#[cfg(test)]
mod tests;
