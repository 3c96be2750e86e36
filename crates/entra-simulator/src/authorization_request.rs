//! What a browser brings to `authorize` and `adminconsent`, and everything that may be wrong with it.

mod admin_consent;
mod authorize;
mod prompt;

pub(crate) use admin_consent::{AdminConsentRequest, Version};
pub(crate) use authorize::AuthorizeRequest;
pub(crate) use prompt::Prompt;

use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::directory::{Application, Directory};
use crate::parameters::Parameters;
use crate::return_target::BrowserReturn;
use crate::scopes::ScopeRefusal;

/// A request that cannot even begin.
#[derive(Clone, Debug)]
pub(crate) enum RequestRefusal {
    /// There is no safe way back: a page says what is wrong.
    Page(Aadsts),
    /// Back to the application with an error.
    Return(BrowserReturn),
}

/// The authority that a request is addressed to, the application that makes it, and where that wants the browser back. As long as that is not clear,
/// whatever is wrong is told on a page, never by a redirect.
fn addressee<'a>(
    parameters: &'a Parameters,
    directory: &'a Directory,
    segment: &str,
) -> Result<(Authority, &'a Application, &'a str), Aadsts> {
    let surface = parameters.surface();
    let authority = Authority::parse_in_this_cloud(directory, segment, surface)?;
    let client_id = parameters.require("client_id")?;
    let application = directory.application(client_id).ok_or_else(|| {
        Code::UnauthorizedClient_DoesNotMatchRequest
            .error_on(surface)
            .with_facts(&[("appId", client_id), ("tenant", segment)])
    })?;
    let redirect_uri = parameters.require("redirect_uri")?;
    // To the letter.
    if !application.redirect_uris.contains(redirect_uri) {
        return Err(Code::InvalidReplyTo
            .error_on(surface)
            .with_facts(&[("redirectUri", redirect_uri)])
            .with_application(application, segment));
    }
    Ok((authority, application, redirect_uri))
}

/// What Entra says about a `scope` it does not take.
pub(crate) fn scope_error(
    refusal: &ScopeRefusal,
    scope: &str,
    application: &Application,
    surface: Surface,
) -> Aadsts {
    match refusal {
        ScopeRefusal::Empty => Aadsts::missing_parameter("scope", surface),
        ScopeRefusal::DefaultMixed => Code::InvalidScope
            .error_on(surface)
            .with_facts(&[("scope", scope)]),
        ScopeRefusal::UnknownResource(resource) => Code::InvalidResourceServicePrincipalNotFound
            .error_on(surface)
            .with_facts(&[("name", resource)]),
        ScopeRefusal::UnknownPermission(name) => Code::ScopeDoesNotExist
            .error_on(surface)
            .with_facts(&[("appName", &application.name), ("scope", name)]),
    }
}
