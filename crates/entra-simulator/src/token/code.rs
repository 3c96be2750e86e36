//! A code, redeemed: once, in time, where and by whom it was asked for.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::Call;
use super::issue::Issue;
use crate::aadsts::{Aadsts, Code, Surface};
use crate::state::SimulatedState;

impl Call<'_> {
    pub(super) fn redeem_code(&self, state: &mut SimulatedState) -> Result<Value, Aadsts> {
        let code = self.parameters.require("code")?;
        let redirect_uri = self.parameters.require("redirect_uri")?;
        let verifier = self.parameters.get("code_verifier");
        let insists = self
            .scope(state)?
            .map(|scope| scope.permissions)
            .unwrap_or_default();
        let now = state.clock.now();
        let stored = state
            .codes
            .get_mut(code)
            .filter(|stored| stored.client == self.client)
            .ok_or_else(|| Code::InvalidGrant.error_on(Surface::Token))?;
        let refused = if stored.redeemed {
            Some(Code::AuthorizationCodeAlreadyRedeemed)
        } else if now >= stored.expires_at {
            Some(Code::ExpiredOrRevokedGrant)
        } else if stored.authority != self.authority {
            Some(Code::InvalidGrantRedeemAgainstWrongTenant)
        } else if stored.redirect_uri != redirect_uri {
            Some(Code::ReplyAddressMismatch)
        } else if !proves(stored.challenge.as_deref(), verifier) {
            Some(Code::VerifierMismatch)
        } else {
            None
        };
        if let Some(code) = refused {
            return Err(code.error_on(Surface::Token));
        }
        stored.redeemed = true;
        let stored = stored.clone();
        self.issue(
            state,
            &Issue {
                tenant: stored.tenant,
                user: stored.user,
                signed_in: stored.signed_in,
                asked: stored.asked,
                insists,
                nonce: stored.nonce.as_deref(),
            },
        )
    }
}

/// RFC 7636, `S256`.
fn proves(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            (43..=128).contains(&verifier.len())
                && URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
                    == challenge
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}
