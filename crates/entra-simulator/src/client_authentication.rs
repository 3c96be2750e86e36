//! Who is asking for a token: a client secret, or an assertion signed with a registered certificate.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;

use crate::aadsts::Aadsts;
use crate::authority::Authority;
use crate::directory::{Application, Directory};
use crate::identifiers::ClientId;
use crate::parameters::Parameters;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far the clocks may be apart.
const SKEW_SECONDS: i64 = 300;

/// Where an assertion has to be addressed to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipient<'a> {
    pub(crate) base_url: &'a str,
    /// The first segment of the path, as it was called.
    pub(crate) segment: &'a str,
    pub(crate) authority: Authority,
    pub(crate) now: i64,
}

/// Finds out which application is calling, and makes it prove that.
pub(crate) fn authenticate(
    directory: &Directory,
    parameters: &Parameters,
    headers: &HeaderMap,
    recipient: Recipient<'_>,
) -> Result<ClientId, Aadsts> {
    let basic = basic_credentials(headers);
    let client_id = match (parameters.get("client_id"), &basic) {
        (Some(client_id), _) => client_id,
        (None, Some((client_id, _))) => client_id.as_str(),
        (None, None) => return Err(Aadsts::missing_parameter("client_id")),
    };
    let application = directory
        .application(client_id)
        .ok_or_else(|| Aadsts::unknown_application(client_id, recipient.segment))?;
    let secret = parameters
        .get("client_secret")
        .or(basic.as_ref().map(|(_, secret)| secret.as_str()));
    match (secret, parameters.get("client_assertion")) {
        (Some(_), Some(_)) => Err(Aadsts::new(
            90_023,
            "invalid_request",
            "Send either 'client_secret' or 'client_assertion', not both.",
        )),
        (Some(secret), None) => check_secret(application, secret),
        (None, Some(assertion)) => {
            if parameters.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(Aadsts::new(
                    900_144,
                    "invalid_request",
                    format!("The 'client_assertion_type' must be '{ASSERTION_TYPE}'."),
                ));
            }
            check_assertion(application, assertion, recipient)
        }
        (None, None) => Err(Aadsts::new(
            7_000_218,
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )),
    }?;
    Ok(application.client_id)
}

/// `Authorization: Basic`, both parts form-encoded before they were joined.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?;
    let joined = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (client_id, secret) = joined.split_once(':')?;
    Some((form_decoded(client_id), form_decoded(secret)))
}

fn form_decoded(text: &str) -> String {
    url::form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

fn check_secret(application: &Application, secret: &str) -> Result<(), Aadsts> {
    let known = |registered: &String| {
        verify_slices_are_equal(registered.as_bytes(), secret.as_bytes()).is_ok()
    };
    if application.secrets.iter().any(known) {
        return Ok(());
    }
    Err(Aadsts::new(
        7_000_215,
        "invalid_client",
        format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{}'.",
            application.client_id
        ),
    ))
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(rename = "x5t#S256")]
    thumbprint: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<String>,
    jti: Option<String>,
    exp: Option<i64>,
    nbf: Option<i64>,
}

fn check_assertion(
    application: &Application,
    assertion: &str,
    recipient: Recipient<'_>,
) -> Result<(), Aadsts> {
    let malformed = || {
        Aadsts::new(
            50_027,
            "invalid_client",
            "JWT token is invalid or malformed.",
        )
    };
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let header: Header = part(header).ok_or_else(malformed)?;
    let claims: Claims = part(claims).ok_or_else(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let unsigned = |reason: &str| {
        Aadsts::new(
            700_027,
            "invalid_client",
            format!("The certificate used to sign the client assertion is not accepted. {reason}"),
        )
    };
    if header.alg != "PS256" {
        return Err(unsigned("Use PS256."));
    }
    let thumbprint = header
        .thumbprint
        .ok_or_else(|| unsigned("The header has no 'x5t#S256'."))?;
    let certificate = application
        .certificates
        .iter()
        .find(|certificate| certificate.thumbprint == thumbprint)
        .ok_or_else(|| unsigned("The key was not found by its thumbprint."))?;
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &certificate.public_key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| unsigned("The signature verification failed."))?;
    check_claims(application, &claims, recipient)
}

fn check_claims(
    application: &Application,
    claims: &Claims,
    recipient: Recipient<'_>,
) -> Result<(), Aadsts> {
    let client_id = application.client_id.to_string();
    if claims.iss.as_deref() != Some(&client_id) || claims.sub.as_deref() != Some(&client_id) {
        return Err(Aadsts::new(
            700_021,
            "invalid_client",
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        ));
    }
    let Recipient {
        base_url,
        segment,
        authority,
        now,
    } = recipient;
    let endpoint = |name: &str| format!("{base_url}/{name}/oauth2/v2.0/token");
    let mut accepted = vec![endpoint(segment)];
    if let Authority::Tenant(id) = authority {
        accepted.push(endpoint(&id.to_string()));
    }
    if !claims
        .aud
        .as_ref()
        .is_some_and(|audience| accepted.contains(audience))
    {
        return Err(Aadsts::new(
            700_023,
            "invalid_client",
            "Client assertion audience claim does not match Realm issuer. Review the documentation at \
             https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials.",
        ));
    }
    let in_time = claims.exp.is_some_and(|exp| now < exp + SKEW_SECONDS)
        && claims.nbf.is_none_or(|nbf| nbf - SKEW_SECONDS <= now);
    if !in_time {
        return Err(Aadsts::new(
            700_024,
            "invalid_client",
            "Client assertion is not within its valid time range.",
        ));
    }
    if claims.jti.as_deref().unwrap_or_default().is_empty() {
        return Err(Aadsts::new(
            50_027,
            "invalid_client",
            "JWT token is invalid: it has no 'jti'.",
        ));
    }
    Ok(())
}

fn part<T: serde::de::DeserializeOwned>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}
