//! What becomes of a callback by the flow it claims, on a real NATS server. Microsoft is never
//! reached: none of these gets that far.

use std::collections::BTreeMap;

use crate::clock::Clock;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use jiff::SignedDuration;
use uuid::Uuid;

use super::{CallbackFailure, ReturningBrowser, Visit, admin_consent, authorize};
use crate::browser::BrowserSecret;
use crate::cutoff::Generation;
use crate::failure::Failure;
use crate::flow::{
    Flow, FlowOutcome, FlowSecret, FlowStage, FlowState, Purpose, SignInAttempt, States,
};
use crate::gateway::Gateway;
use crate::kv_store::Versioned;
use crate::secrets::Digest;
use crate::test_gateway;
use crate::use_cases::conclude_flow::{conclude, still_counts};
use crate::use_cases::confirm_grant::confirm_grant;
use crate::use_cases::visit::LOOKS_FIRST;

/// A flow at some stage, which ends so many minutes from now.
async fn flow(gateway: &Gateway, reached: FlowStage, minutes: i64) -> FlowSecret {
    let id = Uuid::now_v7();
    let state = FlowSecret::new(id);
    let flow = Flow {
        id,
        account: AccountId::parse("acme").unwrap(),
        started_by: UserId::parse("ana").unwrap(),
        generation: Generation::default(),
        asked_again: 0,
        session: None,
        browser: None,
        return_to: None,
        expires_at: Clock::default().now() + SignedDuration::from_mins(minutes),
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
            ..States::default()
        },
        stage: reached,
    };
    gateway.flows.create(flow).await.unwrap();
    state
}

fn somebody() -> ReturningBrowser {
    ReturningBrowser {
        browser: BrowserSecret::random(),
        is_known: true,
        session: None,
    }
}

fn at_authorize() -> FlowStage {
    FlowStage::AtAuthorize {
        tenant: None,
        nonce: "nonce".to_owned(),
        pkce_verifier: "verifier".to_owned(),
    }
}

fn awaiting_confirmation() -> FlowStage {
    let tenant = assent_contract::values::Tenant {
        cloud: assent_contract::values::Cloud::Worldwide,
        id: Uuid::nil(),
    };
    FlowStage::AwaitingConfirmation {
        confirm: Digest::compute("confirm"),
        held: PermissionSet::EVERYTHING.into(),
        scopes: Vec::new(),
        identity: assent_contract::values::Identity {
            tenant,
            object_id: Uuid::nil(),
        },
        mailbox: None,
        sealed_token: None,
    }
}

/// A flow that was taken with the code `c`, and got so far.
async fn taken(gateway: &Gateway, reached: FlowStage) -> (FlowSecret, Versioned<Flow>) {
    let state = flow(gateway, at_authorize(), 5).await;
    let mut stored = gateway.flows.find(state.flow).await.unwrap().unwrap();
    stored.value.take(&state, Some("c"), Clock::default().now());
    stored.value.stage = reached;
    let stored = gateway.flows.change(stored).await.unwrap();
    (state, stored)
}

async fn found(gateway: &Gateway, state: &FlowSecret) -> Flow {
    gateway.flows.find(state.flow).await.unwrap().unwrap().value
}

/// Where a visit with this query ends.
async fn visit(gateway: &Gateway, state: &FlowSecret, query: &str) -> BTreeMap<String, String> {
    let query = format!("{query}&state={}", state.expose());
    let landed = authorize(gateway, &query, &somebody()).await.unwrap();
    landed.query_pairs().into_owned().collect()
}

fn outcome(landed: &BTreeMap<String, String>) -> (&str, Option<&str>) {
    let reason = landed.get("reason").map(String::as_str);
    (landed.get("outcome").unwrap(), reason)
}

#[tokio::test]
async fn a_callback_after_the_flows_time_goes_back_and_is_told_so() {
    let (_nats, gateway) = test_gateway::start().await;
    let state = flow(&gateway, FlowStage::AtAdminConsent, -1).await.expose();
    let tenant = Uuid::now_v7();
    let query = format!("admin_consent=True&tenant={tenant}&state={state}");
    let landed = admin_consent(&gateway, &query, &somebody()).await.unwrap();
    let landed = landed.query_pairs().into_owned().collect();
    assert_eq!(outcome(&landed), ("expired", Some("flow_expired")));

    let state = flow(&gateway, at_authorize(), -1).await;
    let landed = visit(&gateway, &state, "code=c").await;
    assert_eq!(outcome(&landed), ("expired", Some("flow_expired")));
    assert!(matches!(
        found(&gateway, &state).await.stage,
        FlowStage::AtAuthorize { .. }
    ));
}

#[tokio::test]
async fn a_confirmation_after_its_time_records_nothing() {
    let (_nats, gateway) = test_gateway::start().await;
    let state = flow(&gateway, awaiting_confirmation(), -1).await;
    let stored = gateway.flows.find(state.flow).await.unwrap().unwrap();
    let confirmed = confirm_grant(&gateway, stored, "confirm").await;
    assert!(
        matches!(confirmed, Err(Failure::Refused(Refusal::FlowExpired))),
        "{confirmed:?}"
    );
    assert_eq!(gateway.executor.last_sequence().await.unwrap(), 0);
}

#[tokio::test]
async fn a_flow_whose_gateway_died_is_given_up_and_not_taken_again() {
    let (_nats, gateway) = test_gateway::start().await;
    let (state, mut stored) = taken(&gateway, FlowStage::Redeeming).await;
    stored.value.expires_at = Clock::default().now() - SignedDuration::from_secs(1);
    gateway.flows.change(stored).await.unwrap();
    for query in ["code=c", "code=other", "error=access_denied"] {
        let landed = visit(&gateway, &state, query).await;
        assert_eq!(outcome(&landed), ("undetermined", Some("interrupted")));
    }
    assert!(found(&gateway, &state).await.was_interrupted());
}

#[tokio::test]
async fn what_took_too_long_is_told_as_it_is() {
    let (_nats, gateway) = test_gateway::start().await;
    let (state, mut stored) = taken(&gateway, FlowStage::Redeeming).await;
    still_counts(&gateway, &stored).await.unwrap();
    stored.value.expires_at = Clock::default().now() - SignedDuration::from_secs(1);
    let mut late = gateway.flows.change(stored).await.unwrap();
    visit(&gateway, &state, "code=c").await;

    // Nothing is recorded any more by whoever took it.
    let counts = still_counts(&gateway, &late).await;
    assert!(
        matches!(counts, Err(Failure::Refused(Refusal::FlowExpired))),
        "{counts:?}"
    );
    let refused = FlowOutcome::Refused(Refusal::FlowExpired);
    conclude(&gateway, late.clone(), refused).await.unwrap();
    assert!(found(&gateway, &state).await.was_interrupted());
    // Unless it was on the log by then.
    late.value.stage = FlowStage::Redeeming;
    let landed = conclude(&gateway, late.clone(), FlowOutcome::completed()).await;
    assert!(landed.unwrap().as_str().contains("outcome=completed"));
    let refused = FlowOutcome::Refused(Refusal::FlowExpired);
    let landed = conclude(&gateway, late, refused).await.unwrap();
    assert!(landed.as_str().contains("outcome=completed"), "{landed}");
}

#[tokio::test]
async fn a_visit_in_the_middle_of_another_waits_for_its_end() {
    let (_nats, gateway) = test_gateway::start().await;
    let (state, stored) = taken(&gateway, FlowStage::Redeeming).await;
    let visits = async {
        tokio::join!(
            visit(&gateway, &state, "code=c"),
            visit(&gateway, &state, "error=access_denied")
        )
    };
    let mut visits = std::pin::pin!(visits);
    let too_early = tokio::time::timeout(LOOKS_FIRST * 3, &mut visits).await;
    assert!(too_early.is_err(), "{too_early:?}");
    let first = conclude(&gateway, stored, FlowOutcome::completed())
        .await
        .unwrap();
    let (landed, without_code) = visits.await;
    let first: BTreeMap<String, String> = first.query_pairs().into_owned().collect();
    assert_eq!(landed, first);
    assert_eq!(without_code, first);
    assert_eq!(outcome(&first), ("completed", None));
}

#[tokio::test(start_paused = true)]
async fn a_visit_that_waits_looks_seldom_where_it_takes_long() {
    let (mut visit, began, mut looks) = (Visit::begin(), tokio::time::Instant::now(), 0);
    while visit.waits().await {
        looks += 1;
    }
    let waited = began.elapsed().as_secs();
    assert!((10..=11).contains(&waited), "{waited}");
    assert!((5..20).contains(&looks), "{looks}");
}

#[tokio::test]
async fn only_whoever_brings_the_code_again_may_confirm() {
    let (_nats, gateway) = test_gateway::start().await;
    let (state, _) = taken(&gateway, awaiting_confirmation()).await;
    for query in ["code=other", "error=access_denied", "x=y"] {
        let landed = visit(&gateway, &state, query).await;
        assert_eq!(outcome(&landed), ("awaiting_confirmation", None));
        assert!(!landed.contains_key("confirm"), "{query}: {landed:?}");
    }
    let first = visit(&gateway, &state, "code=c").await;
    let second = visit(&gateway, &state, "code=c").await;
    assert_ne!(first.get("confirm"), second.get("confirm"));
    let flow = found(&gateway, &state).await;
    for value in ["confirm", first.get("confirm").unwrap()] {
        assert!(flow.is_confirmed_by(value));
    }
    assert!(flow.is_confirmed_by(second.get("confirm").unwrap()));
}

#[tokio::test]
async fn whoever_loads_a_callback_without_end_writes_no_more() {
    let (_nats, gateway) = test_gateway::start().await;
    let (state, _) = taken(&gateway, awaiting_confirmation()).await;
    let mut given = Vec::new();
    for _ in 0..100 {
        let landed = visit(&gateway, &state, "code=c").await;
        assert_eq!(outcome(&landed), ("awaiting_confirmation", None));
        given.extend(landed.get("confirm").cloned());
    }
    assert!((10..90).contains(&given.len()), "{}", given.len());
    let stored = gateway.flows.find(state.flow).await.unwrap().unwrap();
    visit(&gateway, &state, "code=c").await;
    let now = gateway.flows.find(state.flow).await.unwrap().unwrap();
    assert_eq!(now.revision(), stored.revision());
    // What the person got before counts.
    assert!(now.value.is_confirmed_by(given.last().unwrap()));
}

#[tokio::test]
async fn a_stranger_to_the_flow_is_shown_the_way_back_and_changes_nothing() {
    let (_nats, gateway) = test_gateway::start().await;
    let (state, stored) = taken(&gateway, awaiting_confirmation()).await;
    let guessed = FlowSecret::new(state.flow).expose();
    let callback_failure =
        authorize(&gateway, &format!("code=c&state={guessed}"), &somebody()).await;
    let CallbackFailure {
        failure,
        return_target,
    } = callback_failure.unwrap_err();
    assert!(matches!(failure, Failure::Invalid(_)), "{failure:?}");
    let back = return_target.unwrap();
    assert!(
        back.as_str().contains("outcome=awaiting_confirmation")
            && !back.as_str().contains("confirm="),
        "{back}"
    );
    let now = gateway.flows.find(state.flow).await.unwrap().unwrap();
    assert_eq!(now.revision(), stored.revision());
}

#[tokio::test]
async fn how_it_went_is_written_down_though_the_store_was_away() {
    let (mut nats, gateway) = test_gateway::start().await;
    let (state, stored) = taken(&gateway, FlowStage::Redeeming).await;
    nats.kill();
    let mut ended = std::pin::pin!(conclude(&gateway, stored, FlowOutcome::completed()));
    // Longer than one attempt may take.
    let too_early = tokio::time::timeout(std::time::Duration::from_secs(7), &mut ended).await;
    assert!(too_early.is_err(), "{too_early:?}");
    nats.restart().await.unwrap();
    let landed = ended.await.unwrap();
    assert!(landed.as_str().contains("outcome=completed"), "{landed}");
    let flow = found(&gateway, &state).await;
    assert_eq!(
        flow.view(Clock::default().now()).state,
        FlowState::Completed
    );
}

/// A browser is led on to Microsoft: the state it comes back with.
fn led_on(flow: &mut Flow, browser: &BrowserSecret) -> FlowSecret {
    let state = FlowSecret::new(flow.id);
    flow.lead_on(SignInAttempt {
        state: state.digest(),
        browser: Some(browser.digest()),
        tenant: Some(assent_contract::values::Tenant {
            cloud: assent_contract::values::Cloud::Worldwide,
            id: Uuid::from_u128(7),
        }),
        nonce: "nonce".to_owned(),
        pkce_verifier: "verifier".to_owned(),
    });
    state
}

#[tokio::test]
async fn whose_way_another_copy_has_spent_is_led_on_by_one_of_their_own() {
    let (_nats, gateway) = test_gateway::start().await;
    let begun = flow(&gateway, FlowStage::AtAdminConsent, 5).await;
    let mut stored = gateway.flows.find(begun.flow).await.unwrap().unwrap();
    let (person, other) = (somebody(), somebody());
    let state = led_on(&mut stored.value, &person.browser);
    let others = led_on(&mut stored.value, &other.browser);
    // The other copy took the flow, Microsoft knew of no consent yet, and it was led on.
    stored
        .value
        .take(&others, None, Clock::default().now())
        .unwrap();
    led_on(&mut stored.value, &other.browser);
    let stored = gateway.flows.change(stored).await.unwrap();

    // Whoever was never led to Microsoft, or brings no code, is led nowhere and changes nothing.
    let callback = format!("code=c&state={}", state.expose());
    for (query, returning) in [
        (callback.as_str(), &somebody()),
        (
            &format!("error=access_denied&state={}", state.expose()),
            &person,
        ),
    ] {
        let landed = authorize(&gateway, query, returning).await.unwrap();
        assert!(landed.as_str().contains("outcome=pending"), "{landed}");
    }
    let found = gateway.flows.find(state.flow).await.unwrap().unwrap();
    assert_eq!(found.revision(), stored.revision());

    let led = authorize(&gateway, &callback, &person).await.unwrap();
    assert!(led.path().ends_with("/oauth2/v2.0/authorize"), "{led}");
    let parameters: BTreeMap<_, _> = led.query_pairs().into_owned().collect();
    let own_way = FlowSecret::parse(parameters.get("state").unwrap()).unwrap();
    let mut found = gateway.flows.find(state.flow).await.unwrap().unwrap().value;
    found
        .take(&own_way, Some("d"), Clock::default().now())
        .unwrap();
    // It counts as the browser that was led to Microsoft, as it was.
    let browser = found.browser.unwrap();
    assert!(browser.is_of(person.browser.expose()));
}
