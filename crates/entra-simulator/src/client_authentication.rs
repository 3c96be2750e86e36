//! Who is asking for a token: a client secret, or an assertion signed with a registered certificate.

mod assertion;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) use assertion::Recipient;

use crate::aadsts::{Aadsts, Code, Surface};
use crate::directory::{Application, Directory};
use crate::identifiers::ClientId;
use crate::parameters::Parameters;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

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
        (None, None) => return Err(Aadsts::missing_parameter("client_id", Surface::Token)),
    };
    let application = directory.application(client_id).ok_or_else(|| {
        Code::UnauthorizedClient_DoesNotMatchRequest
            .error_on(Surface::Token)
            .with_facts(&[("appId", client_id), ("tenant", recipient.segment)])
    })?;
    let secret = parameters
        .get("client_secret")
        .or(basic.as_ref().map(|(_, secret)| secret.as_str()));
    match (secret, parameters.get("client_assertion")) {
        (Some(_), Some(_)) => Err(Code::InvalidRequest
            .error_on(Surface::Token)
            .with_message("Send either 'client_secret' or 'client_assertion', not both.")),
        (Some(secret), None) => check_secret(application, secret),
        (None, Some(assertion)) => {
            if parameters.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                let message = format!("The 'client_assertion_type' must be '{ASSERTION_TYPE}'.");
                return Err(Code::MissingParameter
                    .error_on(Surface::Token)
                    .with_message(message));
            }
            assertion::check(application, assertion, recipient)
        }
        (None, None) => Err(Code::MissingClientCredential.error_on(Surface::Token)),
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
    let is_among = |registered: &[String]| {
        registered
            .iter()
            .any(|known| verify_slices_are_equal(known.as_bytes(), secret.as_bytes()).is_ok())
    };
    if is_among(&application.secrets) {
        return Ok(());
    }
    let code = if is_among(&application.expired_secrets) {
        Code::InvalidClientSecretExpiredKeysProvided
    } else {
        Code::InvalidClientSecret
    };
    let id = application.client_id.to_string();
    Err(code.error_on(Surface::Token).with_facts(&[("appId", &id)]))
}
