//! A refresh token, used: it stays good, and its successor starts a life of its own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Call;
use super::issue::Issue;
use crate::aadsts::{Aadsts, Code, Surface};
use crate::scopes::ScopeRequest;
use crate::world::World;

const LIFETIME_SECONDS: i64 = 90 * 24 * 3_600;

impl Call<'_> {
    pub(super) fn refresh(&self, world: &mut World) -> Result<Value, Aadsts> {
        let token = self.parameters.require("refresh_token")?;
        let scope = self.scope(world)?;
        let stored = world
            .refresh_tokens
            .get(token)
            .filter(|stored| stored.client == self.client)
            .cloned()
            .ok_or_else(|| Code::MalformedRequest.at(Surface::Token))?;
        if world.clock.now() >= stored.issued_at + LIFETIME_SECONDS {
            return Err(Code::ExpiredOrRevokedGrantInactiveToken.at(Surface::Token));
        }
        let (home, user) = world
            .directory
            .member(stored.user)
            .ok_or_else(|| Code::UserAccountNotFound.at(Surface::Token))?;
        // A refresh token is not bound to a tenant; the person is.
        if !self.authority.admits(home.id) {
            return Err(Code::UserUnauthorized
                .at(Surface::Token)
                .about(&[("EmailHidden", &user.upn), ("tenant", "this directory")]));
        }
        if stored.issued_at < user.sessions_valid_from {
            return Err(Code::FreshTokenNeeded.at(Surface::Token));
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
            world,
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
