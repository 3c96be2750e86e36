use crate::clock::Clock;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::cutoff::Generation;
use crate::flow::{
    Flow, FlowOutcome, FlowStage, FlowState, HandOffPurpose, Purpose, Route, States,
};
use crate::gateway::Gateway;
use crate::names::Names;
use crate::test_gateway;

/// The next test's flows come at other times than these.
fn flow(user: &str, route: Option<Route>) -> Flow {
    let permissions = PermissionSet::EVERYTHING.into();
    Flow {
        id: Uuid::now_v7(),
        account: AccountId::parse("acme").unwrap(),
        started_by: UserId::parse(user).unwrap(),
        generation: Generation::default(),
        asked_again: 0,
        session: None,
        browser: None,
        return_to: None,
        expires_at: Clock::default().now() + SignedDuration::from_mins(15),
        purpose: match route {
            Some(route) => Purpose::AdministratorConsent {
                permissions,
                tenant: None,
                tenant_domain: None,
                route,
                begun_in: Some(0),
                names: Names::default(),
            },
            None => Purpose::OwnConsent {
                asked: permissions,
                begun_in: 0,
                begun_after: 0,
                expected: None,
                vouched: false,
            },
        },
        states: States::default(),
        stage: FlowStage::AtAuthorize {
            tenant: None,
            nonce: String::new(),
            pkce_verifier: String::new(),
        },
    }
}

async fn begun(gateway: &Gateway, flow: Flow) -> Uuid {
    gateway.flows.create(flow).await.unwrap().value.id
}

async fn state(gateway: &Gateway, id: Uuid) -> (FlowState, Option<String>) {
    let stored = gateway.flows.find(id).await.unwrap().unwrap();
    let view = stored.value.view(Clock::default().now());
    (view.state, view.code)
}

#[tokio::test]
async fn the_oldest_of_a_users_open_flows_gives_way() {
    let (nats, gateway) = test_gateway::start().await;
    // Flows are begun on several replicas.
    let replica = test_gateway::connect_to(&nats).await;
    let mut anas = Vec::new();
    for number in 0..13 {
        let gateway = if number % 2 == 0 { &gateway } else { &replica };
        let route = (number % 3 == 0).then_some(Route::Direct);
        anas.push(begun(gateway, flow("ana", route)).await);
    }
    let bens = begun(&gateway, flow("ben", None)).await;
    let expired = (FlowState::Expired, Some("flow_expired".to_owned()));
    for (number, id) in anas.iter().enumerate() {
        let expected = if number < 3 {
            expired.clone()
        } else {
            (FlowState::Pending, None)
        };
        assert_eq!(state(&gateway, *id).await, expected, "{number}");
    }
    assert_eq!(state(&gateway, bens).await.0, FlowState::Pending);
}

#[tokio::test]
async fn what_has_ended_takes_nobodys_place() {
    let (_nats, gateway) = test_gateway::start().await;
    let oldest = begun(&gateway, flow("ana", None)).await;
    for _ in 0..30 {
        let id = begun(&gateway, flow("ana", None)).await;
        let mut stored = gateway.flows.find(id).await.unwrap().unwrap();
        stored.value.stage = FlowStage::from(FlowOutcome::completed());
        gateway.flows.change(stored).await.unwrap();
    }
    assert_eq!(state(&gateway, oldest).await.0, FlowState::Pending);
}

#[tokio::test]
async fn what_is_being_recorded_is_not_told_to_have_expired() {
    let (_nats, gateway) = test_gateway::start().await;
    let redeeming = begun(&gateway, flow("ana", None)).await;
    let mut stored = gateway.flows.find(redeeming).await.unwrap().unwrap();
    stored.value.stage = FlowStage::Redeeming;
    let stored = gateway.flows.change(stored).await.unwrap();
    for _ in 0..15 {
        begun(&gateway, flow("ana", None)).await;
    }
    // Whoever took the callback can end it.
    gateway.flows.change(stored).await.unwrap();
}

#[tokio::test]
async fn a_link_that_was_forwarded_widely_takes_nobodys_place_but_its_own() {
    let (_nats, gateway) = test_gateway::start().await;
    let route = |id| Route::HandOff {
        id: Uuid::from_u128(id),
        purpose: HandOffPurpose::Approval,
    };
    let makers = begun(&gateway, flow("ana", None)).await;
    let other_link = begun(&gateway, flow("ana", Some(route(2)))).await;
    let first = begun(&gateway, flow("ana", Some(route(1)))).await;
    for _ in 0..50 {
        begun(&gateway, flow("ana", Some(route(1)))).await;
    }
    assert_eq!(state(&gateway, first).await.0, FlowState::Expired);
    assert_eq!(state(&gateway, makers).await.0, FlowState::Pending);
    assert_eq!(state(&gateway, other_link).await.0, FlowState::Pending);
}

#[tokio::test]
async fn many_at_once_on_several_replicas_leave_ten() {
    let (nats, gateway) = test_gateway::start().await;
    let replica = test_gateway::connect_to(&nats).await;
    let gateways = std::sync::Arc::new([gateway, replica]);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..30 {
        let gateways = gateways.clone();
        tasks.spawn(async move { begun(&gateways[number % 2], flow("ana", None)).await });
    }
    let all = tasks.join_all().await;
    let mut pending = 0;
    for id in all {
        if state(&gateways[0], id).await.0 == FlowState::Pending {
            pending += 1;
        }
    }
    assert_eq!(pending, 10);
}
