//! What a request to `adminconsent` asks for, and everything that may be wrong with it.

use super::{RequestRefusal, addressee, scope_error};
use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::directory::Directory;
use crate::identifiers::ClientId;
use crate::parameters::Parameters;
use crate::return_target::{BrowserReturn, ResponseMode, ReturnTarget};
use crate::scopes::ScopeRequest;

/// There are two such endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `/{tenant}/adminconsent`: always for what is registered.
    V1,
    /// `/{tenant}/v2.0/adminconsent`: for what is asked for.
    V2,
}

/// A request that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct AdminConsentRequest {
    pub(crate) authority: Authority,
    pub(crate) client: ClientId,
    pub(crate) return_target: ReturnTarget,
    pub(crate) asked: ScopeRequest,
    /// The parameter as it came: an answer repeats it. The first version knows no such parameter.
    pub(crate) scope: Option<String>,
}

impl AdminConsentRequest {
    pub(crate) fn parse(
        directory: &Directory,
        base_url: &str,
        (segment, version): (&str, Version),
        query: &str,
    ) -> Result<Self, RequestRefusal> {
        let parameters =
            Parameters::parse(query, Surface::AdminConsent).map_err(RequestRefusal::Page)?;
        let (authority, application, redirect_uri) =
            addressee(&parameters, directory, segment).map_err(RequestRefusal::Page)?;
        // From here on there is a safe way back, so errors take it.
        let return_target = ReturnTarget {
            redirect_uri: redirect_uri.to_owned(),
            state: parameters.get("state").map(str::to_owned),
            mode: ResponseMode::Query,
            admin_consent: true,
        };
        let request = Self {
            authority,
            client: application.client_id,
            return_target,
            asked: ScopeRequest::everything_registered(),
            scope: None,
        };
        if version == Version::V1 {
            return Ok(request);
        }
        let refused = |error: Aadsts| {
            RequestRefusal::Return(request.return_target.with_error(&error, base_url))
        };
        if authority == Authority::Common {
            // What was seen: it is then taken for a request to `authorize`.
            let missing = Aadsts::missing_parameter("response_type", Surface::AdminConsent);
            return Err(refused(missing));
        }
        let scope = parameters.require("scope").map_err(refused)?;
        let asked = ScopeRequest::parse(scope, base_url).map_err(|refusal| {
            let surface = Surface::AdminConsent;
            refused(scope_error(&refusal, scope, application, surface))
        })?;
        Ok(Self {
            asked,
            scope: Some(scope.to_owned()),
            ..request
        })
    }

    /// An administrator said no. Microsoft documents another answer of the first version.
    pub(crate) fn declined(&self, base_url: &str) -> BrowserReturn {
        if self.scope.is_none() {
            return self.return_target.with_parameters(&[
                ("error", "permission_denied"),
                ("error_description", "The admin canceled the request"),
            ]);
        }
        let error = Code::UserDeclinedConsent.error_on(Surface::AdminConsent);
        self.return_target.with_error(&error, base_url)
    }
}
