//! The stack's side of the [`actors`](crate::actors): each with the token or password it needs.

use std::time::Duration;

use super::Stack;
use crate::actors::{ActorError, HostLogin, HostService, HostUser, Microsoft, SyncWorker};
use crate::host_application::TokenBuilder;

/// Longer than any story, shorter than anybody forgets a token in a shell's history.
const GOOD_FOR: Duration = Duration::from_hours(8);

impl Stack {
    /// An ordinary user of the host application.
    pub fn user(&self, account: &str, user: &str) -> HostUser {
        self.with_token(account, user, |token| token)
    }

    /// A Super Admin of the host application who may manage company settings.
    pub fn super_admin(&self, account: &str, user: &str) -> HostUser {
        self.with_token(account, user, |token| {
            token.super_admin().permission("company_settings:manage")
        })
    }

    /// Somebody with a token that `shape` makes of an ordinary user's.
    pub fn with_token(
        &self,
        account: &str,
        user: &str,
        shape: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>,
    ) -> HostUser {
        let token = shape(self.host.token_for(user, account).expires_in(GOOD_FOR)).sign();
        let backend = self
            .host
            .token_for(user, account)
            .expires_in(GOOD_FOR)
            .claim("scope", "identities:vouch")
            .sign();
        HostUser::new(
            &self.http,
            &self.gateway.url(),
            (account, user),
            (token, backend),
        )
    }

    /// The host application's login, which asks the login hook.
    pub fn login(&self, account: &str) -> HostLogin {
        let token = self.host.service(&["login:decide"]).expires_in(GOOD_FOR);
        HostLogin::new(
            &self.http,
            &self.login_hook.url(),
            account,
            token.sign(),
            self.microsoft(),
        )
    }

    /// A service of the host application that asks projection `number`, counted from 0.
    pub fn service(&self, number: usize) -> HostService {
        let token = self
            .host
            .service(&["permissions:read"])
            .expires_in(GOOD_FOR);
        let projection = self.projections.get(number);
        HostService::new(
            &self.http,
            &projection.map_or_else(String::new, crate::Program::url),
            token.sign(),
        )
    }

    /// A service of the host application that asks token broker `number`, counted from 0, for access tokens.
    pub fn token_service(&self, number: usize) -> HostService {
        let token = self
            .host
            .service(&["tokens:issue", "withdrawals:report"])
            .expires_in(GOOD_FOR);
        let broker = self.token_brokers.get(number);
        HostService::new(
            &self.http,
            &broker.map_or_else(String::new, crate::Program::url),
            token.sign(),
        )
    }

    /// The simulated Microsoft, and the people in front of it.
    pub fn microsoft(&self) -> Microsoft {
        Microsoft::new(&self.http, &self.simulator.url())
    }

    /// The host application's sync worker, listening from now on.
    pub async fn start_sync_worker(&self) -> Result<SyncWorker, ActorError> {
        SyncWorker::start(&self.nats).await
    }
}
