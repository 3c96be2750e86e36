use assent_contract::names;
use assent_contract::query::{PermissionsAnswer, UserQuery};
use assent_contract::values::Method;
use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::{Kinds, Permission, PermissionSet};
use assent_messaging::{Connection, ConnectionSettings, Endpoint, ServiceDefinition, serve};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{Revoked, revoke_own_grant};
use crate::gateway::Gateway;
use crate::test_gateway;

/// A view that says of everybody that calendar is effective.
async fn view_that_says_calendar(server: &NatsServer) -> AbortOnDropHandle<()> {
    let (name, password) = server.credentials(NatsUser::Projection);
    let settings = ConnectionSettings::new(server.url(), "view").with_user(name, password);
    let connection = Connection::connect(settings).await.unwrap();
    let answer = move |request: assent_messaging::Request| async move {
        let query: UserQuery = serde_json::from_slice(&request.payload).unwrap();
        let effective = PermissionSet {
            calendar: true,
            ..PermissionSet::NOTHING
        };
        let said = PermissionsAnswer {
            account_id: query.account_id,
            user_id: query.user_id,
            method: Method::UserIndividual,
            effective: effective.into(),
            allowed: effective.into(),
            sequence: query.at_least.unwrap(),
            log: None,
            microsoft_identity: None,
        };
        Ok(serde_json::to_vec(&said).unwrap())
    };
    let endpoints = vec![Endpoint::new(
        "permissions",
        names::QUERY_PERMISSIONS,
        answer,
    )];
    let definition = ServiceDefinition {
        name: names::PROJECTION_SERVICE,
        version: "1.0.0",
        description: "stands in",
    };
    let serving = async move {
        let forever = CancellationToken::new();
        serve(&connection, definition, endpoints, 1, forever)
            .await
            .unwrap();
    };
    AbortOnDropHandle::new(tokio::spawn(serving))
}

async fn revoked(gateway: &Gateway, permission: Permission) -> u64 {
    let (account, user) = (
        AccountId::parse("acme").unwrap(),
        UserId::parse("ana").unwrap(),
    );
    let asked = Kinds::from_iter([permission]);
    let revoked = revoke_own_grant(gateway, &account, &user, asked).await;
    assert!(matches!(revoked, Ok(Revoked::UserOverview)), "{revoked:?}");
    gateway.executor.last_sequence().await.unwrap()
}

#[tokio::test]
async fn what_the_view_alone_knows_of_is_revoked_too() {
    let (server, gateway) = test_gateway::start().await;
    assert_eq!(revoked(&gateway, Permission::Calendar).await, 0, "no view");

    let _view = view_that_says_calendar(&server).await;
    let subscribed = async {
        while revoked(&gateway, Permission::Calendar).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(30);
    tokio::time::timeout(patience, subscribed).await.unwrap();

    assert_eq!(revoked(&gateway, Permission::Contacts).await, 1);
}
