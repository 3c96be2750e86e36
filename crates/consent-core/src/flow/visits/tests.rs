use assent_contract::values::{Cloud, Identity, Tenant};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{KEPT, REDEEMED_WITHIN, SignInAttempt};
use crate::browser::BrowserSecret;
use crate::cutoff::Generation;
use crate::flow::{Flow, FlowOutcome, FlowSecret, FlowStage, FlowState, Purpose, States};
use crate::secrets::Digest;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn flow() -> Flow {
    Flow {
        id: Uuid::now_v7(),
        account: AccountId::parse("acme").unwrap(),
        started_by: UserId::parse("sam").unwrap(),
        generation: Generation::default(),
        asked_again: 0,
        session: None,
        browser: None,
        return_to: None,
        expires_at: NOW + SignedDuration::from_mins(15),
        purpose: Purpose::OwnConsent {
            asked: PermissionSet::EVERYTHING.into(),
            begun_in: 0,
            begun_after: 0,
            expected: None,
            vouched: false,
        },
        states: States::default(),
        stage: FlowStage::AtAdminConsent,
    }
}

/// A browser is led on to Microsoft: the state it comes back with.
fn led_on(flow: &mut Flow, browser: &BrowserSecret, nonce: &str) -> FlowSecret {
    let state = FlowSecret::new(flow.id);
    flow.lead_on(SignInAttempt {
        state: state.digest(),
        browser: Some(browser.digest()),
        tenant: None,
        nonce: nonce.to_owned(),
        pkce_verifier: format!("verifier of {nonce}"),
    });
    state
}

/// As it is stored and found again.
fn stored(flow: &Flow) -> Flow {
    serde_json::from_slice(&serde_json::to_vec(flow).unwrap()).unwrap()
}

#[test]
fn each_browser_that_was_led_on_comes_back_by_its_own_way() {
    for person in 0..3 {
        let mut flow = flow();
        let browsers = [(); 3].map(|()| BrowserSecret::random());
        let mut states = Vec::new();
        for (number, browser) in browsers.iter().enumerate() {
            states.push(led_on(&mut flow, browser, &number.to_string()));
        }
        let mut flow = stored(&flow);
        let mine = browsers.get(person).unwrap();
        assert!(flow.is_led_in(mine) && !flow.is_led_in(&BrowserSecret::random()));
        let way = flow
            .take(states.get(person).unwrap(), Some("code"), NOW)
            .unwrap();
        assert_eq!(
            (way.nonce, way.pkce_verifier),
            (person.to_string(), format!("verifier of {person}"))
        );
        // Whose consent it is depends on the browser that was led this way.
        assert!(flow.browser.as_ref().unwrap().is_of(mine.expose()));
        let flow = stored(&flow);
        assert!(
            states
                .iter()
                .all(|state| flow.states.lead_to_authorize(state))
        );
        assert!(!flow.states.lead_to_authorize(&FlowSecret::new(flow.id)));
        let kept = serde_json::to_string(&flow).unwrap();
        assert!(!kept.contains("verifier of"), "{kept}");
    }
}

#[test]
fn a_flow_is_taken_once_and_knows_the_code_that_took_it() {
    let mut flow = flow();
    let state = led_on(&mut flow, &BrowserSecret::random(), "n");
    assert!(
        flow.take(&FlowSecret::new(flow.id), Some("code"), NOW)
            .is_none()
    );
    let mut flow = stored(&flow);
    flow.take(&state, Some("code"), NOW).unwrap();
    assert!(flow.take(&state, Some("code"), NOW).is_none());
    assert!(flow.was_taken_with("code"));
    assert!(!flow.was_taken_with("other") && !flow.was_taken_with(""));

    let mut refused = self::flow();
    let state = led_on(&mut refused, &BrowserSecret::random(), "n");
    refused.take(&state, None, NOW).unwrap();
    assert!(!refused.was_taken_with("code") && !refused.was_taken_with(""));
}

#[test]
fn a_flow_that_is_led_on_after_it_was_taken_still_knows_who_took_it() {
    let mut flow = flow();
    let first = led_on(&mut flow, &BrowserSecret::random(), "first");
    flow.take(&first, Some("code"), NOW).unwrap();
    let second = led_on(&mut flow, &BrowserSecret::random(), "second");
    assert!(flow.states.lead_to_authorize(&first) && flow.states.lead_to_authorize(&second));
    assert!(flow.clone().take(&first, Some("code"), NOW).is_none());
    assert_eq!(flow.take(&second, None, NOW).unwrap().nonce, "second");
}

#[test]
fn of_many_ways_the_newest_count() {
    let mut flow = flow();
    let browser = BrowserSecret::random();
    let states: Vec<_> = (0..=20)
        .map(|number| led_on(&mut flow, &browser, &number.to_string()))
        .collect();
    let known = states
        .iter()
        .filter(|state| flow.states.lead_to_authorize(state));
    assert_eq!(known.count(), KEPT + 1);
    assert!(flow.take(states.last().unwrap(), None, NOW).is_some());
}

#[test]
fn whoever_took_a_flow_and_says_nothing_is_given_up() {
    let mut flow = flow();
    let state = led_on(&mut flow, &BrowserSecret::random(), "n");
    // At the last moment: what was begun in time is not told to have expired.
    let late = flow.expires_at - SignedDuration::from_secs(1);
    flow.take(&state, Some("code"), late).unwrap();
    let in_time = late + REDEEMED_WITHIN - SignedDuration::from_secs(1);
    assert_eq!(flow.view(in_time).state, FlowState::Pending);
    assert!(!flow.is_given_up(in_time));

    let too_late = late + REDEEMED_WITHIN;
    assert!(flow.is_given_up(too_late) && flow.is_expired(too_late));
    let view = flow.view(too_late);
    assert_eq!(view.state, FlowState::Undetermined);
    assert_eq!(view.code.as_deref(), Some("interrupted"));
    assert!(!flow.was_interrupted());

    // Whoever has no right any more is told that instead.
    flow.cut_short();
    assert!(!flow.is_given_up(too_late));
    assert_eq!(flow.view(too_late).state, FlowState::Expired);
    flow.stage = FlowStage::from(FlowOutcome::completed());
    assert!(!flow.is_given_up(too_late) && !flow.was_interrupted());
}

#[test]
fn a_later_visit_takes_nothing_from_an_earlier_one() {
    let tenant = Tenant {
        cloud: Cloud::Worldwide,
        id: Uuid::nil(),
    };
    let mut flow = flow();
    assert!(flow.another_confirm().is_none() && flow.another_page(NOW).is_none());
    flow.stage = FlowStage::AwaitingConfirmation {
        confirm: Digest::compute("first"),
        held: PermissionSet::EVERYTHING.into(),
        scopes: Vec::new(),
        identity: Identity {
            tenant,
            object_id: Uuid::nil(),
        },
        mailbox: None,
        sealed_token: None,
    };
    let mut flow = stored(&flow);
    let second = flow.another_confirm().unwrap();
    let third = flow.another_confirm().unwrap();
    let mut flow = stored(&flow);
    for value in ["first", &second, &third] {
        assert!(flow.is_confirmed_by(value));
    }
    assert!(!flow.is_confirmed_by("") && !flow.is_confirmed_by("another"));
    for _ in 0..KEPT {
        flow.another_confirm().unwrap();
    }
    assert!(!flow.is_confirmed_by("first") && !flow.is_confirmed_by(&second));
    assert!(flow.is_confirmed_by(&third));
}

/// What a release before this one has stored.
#[test]
fn an_older_record_is_read_and_taken() {
    let mut flow = flow();
    let state = led_on(&mut flow, &BrowserSecret::random(), "n");
    let mut record = serde_json::to_value(&flow).unwrap();
    let states = record["states"].as_object_mut().unwrap();
    for newer in ["ways", "code", "confirms", "pages"] {
        assert!(states.remove(newer).is_some(), "{newer}");
    }
    let mut flow: Flow = serde_json::from_value(record).unwrap();
    assert!(flow.take(&state, Some("code"), NOW).is_some());
}
