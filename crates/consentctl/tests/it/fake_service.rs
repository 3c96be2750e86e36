//! A service that answers in a real one's place, as no real one could be made to lie.

use assent_contract::names::{
    PROJECTION_SERVICE, QUERY_ACCOUNT, QUERY_BLOCKED, QUERY_PERMISSIONS, QUERY_USERS,
};
use assent_contract::query::{
    AccountAnswer, AccountFacts, AccountQuery, BlockedPage, PermissionsAnswer, UserEntry,
    UserQuery, UsersPage, UsersQuery,
};
use assent_contract::values::Method;
use assent_dev_stack::{NatsServer, NatsUser, wait_for};
use assent_domain::account::AccountState;
use assent_domain::permissions::PermissionSet;
use assent_messaging::{Endpoint, Request, ServiceDefinition, serve};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, PATIENCE, connect, identity, user};

/// A running fake: as the projection it says of every user that the same is effective, and of every account that
/// nothing happened.
pub(crate) struct FakeService {
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl FakeService {
    pub(crate) async fn start(fixture: &Fixture, effective: PermissionSet) -> Self {
        let sequence = fixture.log.status().await.unwrap().last_sequence.0;
        let endpoints = vec![
            Endpoint::new(
                "permissions",
                QUERY_PERMISSIONS,
                move |request| async move {
                    let query: UserQuery = asked(&request);
                    Ok(answer(&PermissionsAnswer {
                        account_id: query.account_id,
                        user_id: query.user_id,
                        method: Method::UserIndividual,
                        effective: effective.into(),
                        allowed: effective.into(),
                        microsoft_identity: Some(identity().into()),
                        sequence,
                        log: None,
                    }))
                },
            ),
            Endpoint::new("account", QUERY_ACCOUNT, move |request| async move {
                let query: AccountQuery = asked(&request);
                Ok(answer(&AccountAnswer {
                    account_id: query.account_id,
                    facts: AccountFacts::from(&AccountState::default()),
                    blocked: false,
                    sequence,
                }))
            }),
            Endpoint::new("blocked", QUERY_BLOCKED, move |_| async move {
                Ok(answer(&BlockedPage {
                    blocked: Vec::new(),
                    next: None,
                    total: 0,
                    orphans: 0,
                    sequence,
                }))
            }),
            Endpoint::new("users", QUERY_USERS, move |request| async move {
                let query: UsersQuery = asked(&request);
                Ok(answer(&UsersPage {
                    account_id: query.account_id,
                    users: vec![UserEntry {
                        user_id: user("ana"),
                        effective: effective.into(),
                        allowed: effective.into(),
                        last_sequence: sequence,
                    }],
                    next: None,
                    sequence,
                }))
            }),
        ];
        Self::serve(fixture, NatsUser::Projection, PROJECTION_SERVICE, endpoints).await
    }

    /// Serves these endpoints under this name, and returns when it answers.
    pub(crate) async fn serve(
        fixture: &Fixture,
        user: NatsUser,
        name: &'static str,
        endpoints: Vec<Endpoint>,
    ) -> Self {
        Self::serve_on(&fixture.server, user, name, endpoints).await
    }

    pub(crate) async fn serve_on(
        server: &NatsServer,
        user: NatsUser,
        name: &'static str,
        endpoints: Vec<Endpoint>,
    ) -> Self {
        let connection = connect(server, user).await;
        let definition = ServiceDefinition {
            name,
            version: "1.2.3",
            description: "stands in",
        };
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn({
            let shutdown = shutdown.clone();
            async move {
                serve(&connection, definition, endpoints, 16, shutdown)
                    .await
                    .unwrap();
            }
        });
        let operator = connect(server, NatsUser::Operator).await;
        let ping = format!("$SRV.PING.{name}");
        let answers = wait_for(PATIENCE, async || {
            let answer = operator.request(&ping, Vec::new(), None, PATIENCE).await;
            answer.ok()
        });
        answers.await.unwrap();
        Self { shutdown, serving }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.serving)
            .await
            .unwrap()
            .unwrap();
    }
}

fn asked<T: DeserializeOwned>(request: &Request) -> T {
    serde_json::from_slice(&request.payload).unwrap()
}

fn answer(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}
