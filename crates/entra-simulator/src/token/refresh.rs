//! A refresh token, used: it stays good, and its successor starts a life of its own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Call;
use super::issue::Issue;
use crate::aadsts::{Aadsts, Code, Surface};
use crate::interaction::{More, more_is_needed};
use crate::refreshes::Refresh;
use crate::scopes::ScopeRequest;
use crate::state::{RefreshToken, SimulatedState};

const LIFETIME_SECONDS: i64 = 90 * 24 * 3_600;

impl Call<'_> {
    pub(super) fn refresh(&self, state: &mut SimulatedState) -> Result<Value, Aadsts> {
        let token = self.parameters.require("refresh_token")?;
        let stored = state
            .refresh_tokens
            .get(token)
            .filter(|stored| stored.client == self.client)
            .cloned()
            .ok_or_else(|| Code::MalformedRequest.error_on(Surface::Token))?;
        let tenant = stored.tenant;
        let user = stored.user;
        let answer = self.renew(state, stored);
        state.refreshes.note(Refresh {
            at: state.clock.now(),
            tenant,
            user,
            client_id: self.client,
            addressed_to: self.segment.to_owned(),
            scope: self.parameters.get("scope").map(str::to_owned),
            refused: answer.as_ref().err().map(Aadsts::number),
        });
        answer
    }

    fn renew(&self, state: &mut SimulatedState, stored: RefreshToken) -> Result<Value, Aadsts> {
        let scope = self.scope(state)?;
        let now = state.clock.now();
        if now >= stored.issued.seconds + LIFETIME_SECONDS {
            return Err(Code::ExpiredOrRevokedGrantInactiveToken.error_on(Surface::Token));
        }
        let (home, user) = state
            .directory
            .member(stored.user)
            .ok_or_else(|| Code::UserAccountNotFound.error_on(Surface::Token))?;
        // A refresh token is not bound to a tenant; the person is.
        if !self.authority.admits(home.id) {
            return Err(Code::UserUnauthorized
                .error_on(Surface::Token)
                .with_facts(&[("EmailHidden", &user.upn), ("tenant", "this directory")]));
        }
        if !user.enabled {
            return Err(Code::UserDisabled.error_on(Surface::Token));
        }
        if stored.issued.order < user.revoked.refresh_tokens {
            return Err(Code::FreshTokenNeeded.error_on(Surface::Token));
        }
        match more_is_needed(now, home, user, stored.signed_in) {
            Some(More::SignInAgain) => {
                return Err(Code::BadTokenDueToSignInFrequency.error_on(Surface::Token));
            }
            Some(More::SecondFactor) => {
                return Err(Code::UserStrongAuthClientAuthNRequired.error_on(Surface::Token));
            }
            None => {}
        }
        let (asked, insists) = match scope {
            Some(scope) => {
                let openid = stored.asked.openid.union(&scope.openid).cloned().collect();
                let insists = scope.permissions.clone();
                (ScopeRequest { openid, ..scope }, insists)
            }
            None => (stored.asked, BTreeSet::new()),
        };
        self.issue(
            state,
            &Issue {
                tenant: stored.tenant,
                user: stored.user,
                signed_in: stored.signed_in,
                asked,
                insists,
                nonce: None,
            },
        )
    }
}
