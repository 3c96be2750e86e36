//! What a request to `adminconsent` asks for, and everything that may be wrong with it.

use crate::aadsts::{Aadsts, Surface};
use crate::authority::Authority;
use crate::authorize::{addressed, scope_error};
use crate::directory::Directory;
use crate::identifiers::ClientId;
use crate::interaction::Refusal;
use crate::parameters::Parameters;
use crate::scopes::ScopeRequest;
use crate::way_back::{ResponseMode, WayBack};

/// A request that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct AdminConsentRequest {
    pub(crate) authority: Authority,
    pub(crate) client: ClientId,
    pub(crate) back: WayBack,
    pub(crate) asked: ScopeRequest,
    /// The parameter as it came: an answer repeats it.
    pub(crate) scope: String,
}

impl AdminConsentRequest {
    pub(crate) fn parse(
        directory: &Directory,
        base_url: &str,
        segment: &str,
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
        let refused = |error: Aadsts| Refusal::Return(back.refused(&error, base_url));
        if authority == Authority::Common {
            // What was seen: it is then taken for a request to `authorize`.
            let missing = Aadsts::missing_parameter("response_type", Surface::AdminConsent);
            return Err(refused(missing));
        }
        let scope = parameters.require("scope").map_err(refused)?;
        let asked = ScopeRequest::parse(scope, base_url).map_err(|refusal| {
            refused(scope_error(
                &refusal,
                scope,
                application,
                Surface::AdminConsent,
            ))
        })?;
        Ok(Self {
            authority,
            client: application.client_id,
            back,
            asked,
            scope: scope.to_owned(),
        })
    }
}
