//! Who signed in, by the ID token that Microsoft gave the host application.

use std::time::Duration;

use assent_microsoft_identity::{
    Entra, ExpectedNonce, IdTokenError, IdTokenExpectation, VerifiedIdentity,
};

use crate::config::ClientId;
use crate::outage::Outage;

/// How long a login waits for Microsoft's keys. They are in memory but for the first login
/// after a start, and the first after Microsoft took a new key into use; fetching them goes
/// on when a login has given up.
const KEYS_DEADLINE: Duration = Duration::from_secs(1);

/// Verifies ID tokens.
#[derive(Debug)]
pub(crate) struct SignIns {
    entra: Entra,
    own: ClientId,
    host: Option<ClientId>,
    outage: Outage,
}

/// Why nobody is known to have signed in.
#[derive(Debug)]
pub(crate) enum Unverified {
    /// The token is bad.
    Refused(IdTokenError),
    /// Nothing can be said about the token now.
    KeysUnavailable,
}

impl SignIns {
    pub(crate) const fn new(entra: Entra, own: ClientId, host: Option<ClientId>) -> Self {
        Self {
            entra,
            own,
            host,
            outage: Outage::new("Microsoft's signing keys"),
        }
    }

    pub(crate) async fn verify(&self, id_token: &str) -> Result<VerifiedIdentity, Unverified> {
        let own = self.own.as_str();
        let audiences = [own, self.host.as_ref().map_or(own, ClientId::as_str)];
        let expectation = IdTokenExpectation {
            // The host application ran the sign-in, so it alone knows the nonce.
            nonce: ExpectedNonce::CheckedElsewhere,
            // Which tenant is the right one is for the decision to say.
            tenant: None,
            // A genuine sign-in, about which there is a decision.
            personal_accounts: true,
        };
        let verified = self
            .entra
            .verify_id_token(id_token, &audiences, expectation);
        let error = match tokio::time::timeout(KEYS_DEADLINE, verified).await {
            Ok(Ok(identity)) => {
                self.outage.answered();
                return Ok(identity);
            }
            Ok(Err(error)) => error,
            Err(elapsed) => IdTokenError::KeysUnavailable(elapsed.into()),
        };
        if matches!(error, IdTokenError::KeysUnavailable(_)) {
            self.outage.failed(&error);
            return Err(Unverified::KeysUnavailable);
        }
        Err(Unverified::Refused(error))
    }
}
