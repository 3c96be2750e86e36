//! Assertions signed with a certificate: `private_key_jwt`.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer};

use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::directory::{Application, Certificate};

/// How far the clocks may be apart.
const SKEW_SECONDS: i64 = 300;

/// Microsoft's library for Python pads the thumbprint, against the rules of JOSE, and Entra takes it.
const THUMBPRINT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where an assertion has to be addressed to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipient<'a> {
    pub(crate) base_url: &'a str,
    /// The first segment of the path, as it was called.
    pub(crate) segment: &'a str,
    pub(crate) authority: Authority,
    pub(crate) now: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(rename = "x5t#S256")]
    sha256: Option<String>,
    #[serde(rename = "x5t")]
    sha1: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<String>,
    jti: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    exp: Option<i64>,
    #[serde(default, deserialize_with = "seconds")]
    nbf: Option<i64>,
}

/// A moment, which may have a fraction: Microsoft's library for Python sends one.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number: Option<serde_json::Number> = Option::deserialize(deserializer)?;
    Ok(number.and_then(|number| {
        let text = number.to_string();
        text.split('.').next()?.parse().ok()
    }))
}

pub(super) fn check(
    application: &Application,
    assertion: &str,
    recipient: Recipient<'_>,
) -> Result<(), Aadsts> {
    let malformed = || Code::InvalidJwtToken.error_on(Surface::Token);
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let header: Header = part(header).ok_or_else(malformed)?;
    let claims: Claims = part(claims).ok_or_else(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let (certificate, algorithm) = signer(application, &header)?;
    UnparsedPublicKey::new(algorithm, &certificate.public_key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| not_registered("The signature verification failed."))?;
    check_claims(application, &claims, recipient)
}

fn not_registered(reason: &str) -> Aadsts {
    let code = Code::InvalidClientAssertionSignature;
    let message = format!("{} [Reason - {reason}]", code.refusal().message);
    code.error_on(Surface::Token).with_message(message)
}

/// The certificate that an assertion names, and how it is signed. Entra documents PS256 with the SHA-256 thumbprint;
/// it also takes what it documented before, RS256 with the SHA-1 one, which many programs still send.
fn signer<'a>(
    application: &'a Application,
    header: &Header,
) -> Result<(&'a Certificate, &'static RsaParameters), Aadsts> {
    type Digest = fn(&Certificate) -> &[u8];
    let (thumbprint, digest, algorithm): (_, Digest, _) = match header.alg.as_str() {
        "PS256" => (
            &header.sha256,
            |certificate| &certificate.sha256,
            &RSA_PSS_2048_8192_SHA256,
        ),
        "RS256" => (
            &header.sha1,
            |certificate| &certificate.sha1,
            &RSA_PKCS1_2048_8192_SHA256,
        ),
        _ => return Err(not_registered("Use PS256.")),
    };
    let named = thumbprint
        .as_ref()
        .and_then(|text| THUMBPRINT.decode(text).ok())
        .ok_or_else(|| not_registered("The header has no thumbprint for this algorithm."))?;
    let certificate = application
        .certificates
        .iter()
        .find(|certificate| digest(certificate) == named)
        .ok_or_else(|| not_registered("The key was not found."))?;
    Ok((certificate, algorithm))
}

fn check_claims(
    application: &Application,
    claims: &Claims,
    recipient: Recipient<'_>,
) -> Result<(), Aadsts> {
    let client_id = application.client_id.to_string();
    if claims.iss.as_deref() != Some(&client_id) || claims.sub.as_deref() != Some(&client_id) {
        return Err(Code::ClientAssertionOfAnotherClient.error_on(Surface::Token));
    }
    let Recipient {
        base_url,
        segment,
        authority,
        now,
    } = recipient;
    // The endpoint is documented. Libraries that follow RFC 7523bis name the issuer.
    let recipients = |name: &str| {
        [
            format!("{base_url}/{name}/oauth2/v2.0/token"),
            format!("{base_url}/{name}/v2.0"),
        ]
    };
    let mut accepted = Vec::from(recipients(segment));
    if let Authority::Tenant(id) = authority {
        accepted.extend(recipients(&id.to_string()));
    }
    let addressed = claims.aud.as_ref();
    if !addressed.is_some_and(|audience| accepted.contains(audience)) {
        return Err(Code::ClientAssertionAudience.error_on(Surface::Token));
    }
    let in_time = claims.exp.is_some_and(|exp| now < exp + SKEW_SECONDS)
        && claims.nbf.is_none_or(|nbf| nbf - SKEW_SECONDS <= now);
    if !in_time {
        return Err(Code::ClientAssertionTimeRange.error_on(Surface::Token));
    }
    if claims.jti.as_deref().unwrap_or_default().is_empty() {
        return Err(Code::InvalidJwtToken
            .error_on(Surface::Token)
            .with_message("JWT token is invalid: it has no 'jti'."));
    }
    Ok(())
}

fn part<T: serde::de::DeserializeOwned>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}
