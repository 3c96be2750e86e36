//! The administrator's page and its time, on a real NATS server. Microsoft has answered already.

use crate::clock::Clock;
use assent_domain::decide::administrator_consent::{FinishAdministratorConsent, ProofDemanded};
use assent_domain::event::Verification;
use assent_domain::ids::{
    AccountId, Cloud, ConsentId, Epoch, ObjectId, RoleId, Tenant, TenantId, UserId,
};
use assent_domain::permissions::PermissionSet;
use jiff::SignedDuration;
use uuid::Uuid;

use super::{ConfirmationClosed, confirm, disown, find};
use crate::cutoff::Generation;
use crate::flow::{
    Flow, FlowSecret, FlowStage, FlowState, Purpose, Route, States, VerifiedConsent,
};
use crate::gateway::Gateway;
use crate::names::Names;
use crate::test_gateway;

fn acme() -> AccountId {
    AccountId::parse("acme").unwrap()
}

fn sam() -> UserId {
    UserId::parse("sam").unwrap()
}

fn answer() -> VerifiedConsent {
    let tenant = Tenant {
        cloud: Cloud::Worldwide,
        id: TenantId(Uuid::from_u128(0xace)),
    };
    VerifiedConsent::from_command(&FinishAdministratorConsent {
        account: acme(),
        consent: ConsentId(Uuid::now_v7()),
        requested_by: sam(),
        begun_in: Epoch(0),
        permissions: PermissionSet::EVERYTHING,
        expected_tenant: tenant,
        tenant,
        granted_by: ObjectId(Uuid::from_u128(0xad)),
        scopes: Vec::new(),
        missing_scopes: Vec::new(),
        verification: Verification {
            roles: Vec::from([RoleId(Uuid::from_u128(0x62e9))]),
            tenant_wide_grant: false,
        },
        demanded: ProofDemanded::Role,
    })
}

/// A flow that waits for its administrator for so many minutes more, and was taken so many seconds ago.
async fn waiting(gateway: &Gateway, minutes: i64, taken: Option<i64>) -> FlowSecret {
    let page = FlowSecret::new(Uuid::now_v7());
    let flow = Flow {
        id: page.flow,
        account: acme(),
        started_by: sam(),
        generation: Generation::default(),
        asked_again: 0,
        session: None,
        browser: None,
        return_to: None,
        expires_at: Clock::default().now() + SignedDuration::from_mins(minutes),
        purpose: Purpose::AdministratorConsent {
            permissions: PermissionSet::EVERYTHING.into(),
            begun_in: Some(0),
            tenant: None,
            tenant_domain: None,
            route: Route::Direct,
            names: Names::default(),
        },
        states: States {
            administrator_page: Some(page.digest()),
            ..States::default()
        },
        stage: FlowStage::AwaitingAdministrator {
            answer: answer(),
            taken_at: taken.map(|ago| Clock::default().now() - SignedDuration::from_secs(ago)),
        },
    };
    gateway.flows.create(flow).await.unwrap();
    page
}

async fn state_of(gateway: &Gateway, page: &FlowSecret) -> FlowState {
    let stored = gateway.flows.find(page.flow).await.unwrap().unwrap();
    stored.value.view(Clock::default().now()).state
}

async fn events(gateway: &Gateway) -> u64 {
    gateway.executor.last_sequence().await.unwrap()
}

#[tokio::test]
async fn a_page_whose_time_is_over_records_nothing() {
    let (_nats, gateway) = test_gateway::start().await;
    let page = waiting(&gateway, -1, None).await;
    assert_eq!(state_of(&gateway, &page).await, FlowState::Expired);
    for tried in [
        confirm(&gateway, &page).await,
        disown(&gateway, &page).await,
        find(&gateway, &page)
            .await
            .map(|_| unreachable!("it is over")),
    ] {
        let Err(ConfirmationClosed::Expired(to)) = tried else {
            panic!("{tried:?}");
        };
        assert!(to.as_str().contains("outcome=expired"), "{to}");
    }
    assert_eq!(events(&gateway).await, 0);
}

#[tokio::test]
async fn of_many_who_send_it_off_one_records_it() {
    let (_nats, gateway) = test_gateway::start().await;
    let page = waiting(&gateway, 10, None).await;
    let (first, second, third) = tokio::join!(
        confirm(&gateway, &page),
        confirm(&gateway, &page),
        confirm(&gateway, &page)
    );
    let sent = [first, second, third];
    let recorded = sent.iter().filter(|sent| sent.is_ok()).count();
    assert_eq!(recorded, 1, "{sent:?}");
    for refused in sent.iter().filter_map(|sent| sent.as_ref().err()) {
        assert!(
            matches!(
                refused,
                ConfirmationClosed::BeingRecorded | ConfirmationClosed::Answered(_)
            ),
            "{refused:?}"
        );
    }
    assert_eq!(state_of(&gateway, &page).await, FlowState::Completed);
    assert_eq!(events(&gateway).await, 2);
    let again = disown(&gateway, &page).await;
    assert!(
        matches!(again, Err(ConfirmationClosed::Answered(_))),
        "{again:?}"
    );
}

/// A gateway died while it recorded: whether before it was on the log, or after.
#[tokio::test]
async fn what_was_not_finished_is_finished_by_sending_it_off_again() {
    let (_nats, gateway) = test_gateway::start().await;
    let page = waiting(&gateway, 10, Some(1)).await;
    let too_early = confirm(&gateway, &page).await;
    assert!(
        matches!(too_early, Err(ConfirmationClosed::BeingRecorded)),
        "{too_early:?}"
    );
    assert_eq!(events(&gateway).await, 0);

    let page = waiting(&gateway, 10, Some(61)).await;
    let mut stored = gateway.flows.find(page.flow).await.unwrap().unwrap();
    confirm(&gateway, &page).await.unwrap();
    assert_eq!(events(&gateway).await, 2);
    // As if it had died after the log had it, and before the flow did.
    let ended = gateway.flows.find(page.flow).await.unwrap().unwrap();
    let before = stored.value.stage.clone();
    stored = ended;
    stored.value.stage = before;
    gateway.flows.change(stored).await.unwrap();
    let to = confirm(&gateway, &page).await.unwrap();
    assert!(to.as_str().contains("outcome=completed"), "{to}");
    assert_eq!(events(&gateway).await, 2);
}

#[tokio::test]
async fn a_page_opens_with_its_own_secret_only() {
    let (_nats, gateway) = test_gateway::start().await;
    let page = waiting(&gateway, 10, None).await;
    let guessed = FlowSecret::new(page.flow);
    for closed in [
        confirm(&gateway, &guessed).await,
        disown(&gateway, &guessed).await,
        confirm(&gateway, &FlowSecret::new(Uuid::now_v7())).await,
    ] {
        assert!(
            matches!(closed, Err(ConfirmationClosed::Unknown)),
            "{closed:?}"
        );
    }
    assert_eq!(
        state_of(&gateway, &page).await,
        FlowState::AwaitingConfirmation
    );
    let to = disown(&gateway, &page).await.unwrap();
    assert!(to.as_str().contains("outcome=declined"), "{to}");
    assert_eq!(events(&gateway).await, 0);
}

#[tokio::test]
async fn whoever_was_cut_off_has_asked_for_nothing() {
    let (_nats, gateway) = test_gateway::start().await;
    let page = waiting(&gateway, 10, None).await;
    gateway.cutoffs.cut_off(&acme(), &sam()).await.unwrap();
    let closed = confirm(&gateway, &page).await;
    assert!(
        matches!(closed, Err(ConfirmationClosed::Expired(_))),
        "{closed:?}"
    );
    assert_eq!(events(&gateway).await, 0);
}
