//! A fresh authorization code, on its way to the application.

use crate::authorization_request::AuthorizeRequest;
use crate::client_info::client_info;
use crate::random;
use crate::return_target::BrowserReturn;
use crate::screen::SignedIn;
use crate::state::{Code, SimulatedState};

/// A code is good for this long.
const LIFETIME_SECONDS: i64 = 600;

pub(crate) fn issue_code(
    state: &mut SimulatedState,
    request: &AuthorizeRequest,
    who: SignedIn,
) -> BrowserReturn {
    let code = random::secret("code.");
    let expires_at = state.clock.now() + LIFETIME_SECONDS;
    state.codes.insert(
        code.clone(),
        Code {
            client: request.client,
            redirect_uri: request.return_target.redirect_uri.clone(),
            authority: request.authority,
            tenant: who.tenant,
            user: who.user,
            signed_in: who.at,
            asked: request.asked.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            expires_at,
            redeemed: false,
        },
    );
    let session = uuid::Uuid::new_v4().to_string();
    let info = request
        .client_info
        .then(|| client_info(who.tenant, who.user));
    let mut parameters = vec![("code", code.as_str()), ("session_state", &session)];
    parameters.extend(info.as_deref().map(|info| ("client_info", info)));
    request.return_target.with_parameters(&parameters)
}
