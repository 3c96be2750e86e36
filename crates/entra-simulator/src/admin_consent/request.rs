//! What a request to `adminconsent` asks for, and everything that may be wrong with it.

use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::authorize::{addressed, scope_error};
use crate::directory::Directory;
use crate::identifiers::ClientId;
use crate::interaction::Refusal;
use crate::parameters::Parameters;
use crate::scopes::ScopeRequest;
use crate::way_back::{ResponseMode, Return, WayBack};

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
    pub(crate) back: WayBack,
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
    ) -> Result<Self, Refusal> {
        let parameters = Parameters::parse(query, Surface::AdminConsent).map_err(Refusal::Page)?;
        let (authority, application, redirect_uri) =
            addressed(&parameters, directory, segment).map_err(Refusal::Page)?;
        // From here on there is a safe way back, so errors take it.
        let back = WayBack {
            redirect_uri: redirect_uri.to_owned(),
            state: parameters.get("state").map(str::to_owned),
            mode: ResponseMode::Query,
            admin_consent: true,
        };
        let request = Self {
            authority,
            client: application.client_id,
            back,
            asked: ScopeRequest::everything_registered(),
            scope: None,
        };
        if version == Version::V1 {
            return Ok(request);
        }
        let refused = |error: Aadsts| Refusal::Return(request.back.refused(&error, base_url));
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
    pub(crate) fn declined(&self, base_url: &str) -> Return {
        if self.scope.is_none() {
            return self.back.with(&[
                ("error", "permission_denied"),
                ("error_description", "The admin canceled the request"),
            ]);
        }
        let error = Code::UserDeclinedConsent.at(Surface::AdminConsent);
        self.back.refused(&error, base_url)
    }
}
