//! A refresh token, used: it stays good, and its successor starts a life of its own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Call;
use super::issue::Issue;
use crate::aadsts::{Aadsts, Code, Surface};
use crate::scopes::ScopeRequest;
use crate::state::SimulatedState;

const LIFETIME_SECONDS: i64 = 90 * 24 * 3_600;

impl Call<'_> {
    pub(super) fn refresh(&self, state: &mut SimulatedState) -> Result<Value, Aadsts> {
        let token = self.parameters.require("refresh_token")?;
        let scope = self.scope(state)?;
        let stored = state
            .refresh_tokens
            .get(token)
            .filter(|stored| stored.client == self.client)
            .cloned()
            .ok_or_else(|| Code::MalformedRequest.error_on(Surface::Token))?;
        if state.clock.now() >= stored.issued_at + LIFETIME_SECONDS {
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
        if stored.issued_at < user.sessions_valid_from {
            return Err(Code::FreshTokenNeeded.error_on(Surface::Token));
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
                asked,
                insists,
                nonce: None,
            },
        )
    }
}
