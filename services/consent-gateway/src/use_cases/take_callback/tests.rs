//! What becomes of a callback by the flow it claims, on a real NATS server. Microsoft is never
//! reached: none of these gets that far.

use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Returning, admin_consent, authorize};
use crate::browser::BrowserSecret;
use crate::cutoff::Generation;
use crate::failure::Failure;
use crate::flow::{Digest, Flow, FlowState, Purpose, Stage, State, States};
use crate::gateway::Gateway;
use crate::test_gateway;
use crate::use_cases::confirm_grant::confirm_grant;

/// A flow at some stage, which ends so many minutes from now.
async fn flow(gateway: &Gateway, reached: Stage, minutes: i64) -> State {
    let id = Uuid::now_v7();
    let state = State::new(id);
    let flow = Flow {
        id,
        account: AccountId::parse("acme").unwrap(),
        started_by: UserId::parse("ana").unwrap(),
        generation: Generation::default(),
        asked_again: 0,
        session: None,
        browser: None,
        return_to: None,
        expires_at: Timestamp::now() + SignedDuration::from_mins(minutes),
        purpose: Purpose::OwnConsent {
            asked: PermissionSet::EVERYTHING.into(),
            begun_in: 0,
            begun_after: 0,
            vouched: false,
            expected: None,
        },
        states: States {
            admin_consent: Some(state.digest()),
            authorize: Some(state.digest()),
            administrator_page: None,
        },
        stage: reached,
    };
    gateway.flows.create(flow).await.unwrap();
    state
}

fn somebody() -> Returning {
    Returning {
        browser: BrowserSecret::new(),
        session: None,
    }
}

fn at_authorize() -> Stage {
    Stage::AtAuthorize {
        tenant: None,
        nonce: "nonce".to_owned(),
        pkce_verifier: "verifier".to_owned(),
    }
}

fn refusal(result: Result<url::Url, Failure>) -> Refusal {
    let failure = result.unwrap_err();
    let Failure::Refused(refusal) = failure else {
        panic!("{failure:?}");
    };
    refusal
}

#[tokio::test]
async fn a_callback_after_the_flows_time_is_told_so() {
    let (_nats, gateway) = test_gateway::start().await;
    let state = flow(&gateway, Stage::AtAdminConsent, -1).await.expose();
    let tenant = Uuid::now_v7();
    let query = format!("admin_consent=True&tenant={tenant}&state={state}");
    assert_eq!(
        refusal(admin_consent(&gateway, &query, &somebody()).await),
        Refusal::FlowExpired
    );

    let state = flow(&gateway, at_authorize(), -1).await;
    let query = format!("code=c&state={}", state.expose());
    assert_eq!(
        refusal(authorize(&gateway, &query, &somebody()).await),
        Refusal::FlowExpired
    );
    let stored = gateway.flows.find(state.flow).await.unwrap().unwrap();
    assert_eq!(
        stored.value.view(Timestamp::now()).state,
        FlowState::Expired
    );
}

#[tokio::test]
async fn a_confirmation_after_its_time_records_nothing() {
    let (_nats, gateway) = test_gateway::start().await;
    let tenant = assent_contract::values::Tenant {
        cloud: assent_contract::values::Cloud::Worldwide,
        id: Uuid::nil(),
    };
    let waiting = Stage::AwaitingConfirmation {
        confirm: Digest::of("confirm"),
        held: PermissionSet::EVERYTHING.into(),
        scopes: Vec::new(),
        identity: assent_contract::values::Identity {
            tenant,
            object_id: Uuid::nil(),
        },
        mailbox: None,
    };
    let state = flow(&gateway, waiting, -1).await;
    let stored = gateway.flows.find(state.flow).await.unwrap().unwrap();
    let confirmed = confirm_grant(&gateway, stored, "confirm").await;
    assert!(
        matches!(confirmed, Err(Failure::Refused(Refusal::FlowExpired))),
        "{confirmed:?}"
    );
    assert_eq!(gateway.ledger.last_sequence().await.unwrap(), 0);
}

#[tokio::test]
async fn a_flow_whose_gateway_died_is_not_taken_again() {
    let (_nats, gateway) = test_gateway::start().await;
    let state = flow(&gateway, Stage::Redeeming, 5).await.expose();
    let again = authorize(&gateway, &format!("code=c&state={state}"), &somebody()).await;
    assert_eq!(refusal(again), Refusal::FlowAlreadyUsed);
}
