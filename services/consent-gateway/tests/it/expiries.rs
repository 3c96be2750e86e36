//! What ends by itself, when its time is over and not before.

use assent_dev_stack::actors::{ANA, BEN, OLGA, Reaction, forms};
use jiff::SignedDuration;
use serde_json::json;

use crate::fixture::{Fixture, authorize_url, confirm_of, state_of};

const fn minutes(number: i64) -> SignedDuration {
    SignedDuration::from_mins(number)
}

#[tokio::test]
async fn a_flow_waits_fifteen_minutes_for_its_callback() {
    let fixture = Fixture::start().await;
    let ana = fixture.user("acme", "ana");
    let start = async || ana.start_grant(&["calendar"], Some(ANA)).await.unwrap();
    let in_time = start().await.ok().unwrap();
    fixture.clock.advance(minutes(14));
    let landing = fixture
        .microsoft()
        .walk(authorize_url(&in_time), ANA, Reaction::Accept)
        .await
        .unwrap();
    assert_eq!(landing.outcome, "completed");

    let ben = fixture.user("acme", "ben");
    let late = ben.start_grant(&["calendar"], Some(BEN)).await.unwrap();
    let late = late.ok().unwrap();
    let flow = late.word("/flow_id").unwrap();
    assert_eq!(state_of(&ben, flow).await.0, "pending");
    fixture.clock.advance(minutes(16));
    let expired = ("expired".to_owned(), Some("flow_expired".to_owned()));
    assert_eq!(state_of(&ben, flow).await, expired);
    let landing = fixture
        .microsoft()
        .walk(authorize_url(&late), BEN, Reaction::Accept)
        .await
        .unwrap();
    assert_eq!(landing.outcome, "expired");
    let seen = ben.see("ben").await.unwrap().ok().unwrap();
    assert_eq!(seen.effective(), "nothing");

    // The browser shows it, on our own page too.
    let mut browser = fixture.settings_of("ben", |token| token).await;
    let page = browser
        .get(&fixture.at(&format!("/settings/account?flow={flow}")))
        .await
        .unwrap();
    assert!(
        page.text.contains("The request has expired"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_grant_waits_ten_minutes_for_its_confirmation() {
    let fixture = Fixture::start().await;
    let ana = fixture.user("acme", "ana");
    let walk = async || {
        let started = ana.start_grant(&["calendar"], None).await.unwrap();
        let started = started.ok().unwrap();
        let landing = fixture
            .microsoft()
            .walk(authorize_url(&started), ANA, Reaction::Accept)
            .await
            .unwrap();
        assert_eq!(landing.outcome, "awaiting_confirmation");
        landing
    };
    let late = walk().await;
    fixture.clock.advance(minutes(11));
    let refused = ana.confirm(&late.flow, confirm_of(&late)).await.unwrap();
    refused.refused(410, "flow_expired").unwrap();

    let in_time = walk().await;
    fixture.clock.advance(minutes(9));
    let confirmed = ana.confirm(&in_time.flow, confirm_of(&in_time)).await;
    let confirmed = confirmed.unwrap().ok().unwrap();
    assert_eq!(confirmed.word("/state"), Some("completed"));
}

#[tokio::test]
async fn a_session_lasts_an_hour_and_nothing_prolongs_it() {
    let fixture = Fixture::start().await;
    let mut browser = fixture.settings_of("ana", |token| token).await;
    let settings = fixture.at("/settings/account");
    let page = browser.get(&settings).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text);
    fixture.clock.advance(minutes(59));
    let page = browser.get(&settings).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text);
    let form = forms(&page.text)
        .into_iter()
        .find(|form| form.action.ends_with("/settings/account/permissions"))
        .unwrap();

    fixture.clock.advance(minutes(2));
    let page = browser.get(&settings).await.unwrap();
    assert_eq!(page.status, 401);
    assert!(page.text.contains("Your session is over"), "{}", page.text);
    let sent = browser
        .submit(&settings, &form, &[("calendar", "true")])
        .await;
    let sent = sent.unwrap();
    assert_eq!(sent.status, 401);
    assert!(sent.text.contains("Your session is over"), "{}", sent.text);
}

#[tokio::test]
async fn a_hand_off_ends_with_its_days_and_a_flow_that_it_began_with_its_minutes() {
    let fixture = Fixture::start().await;
    let sam = fixture.super_admin("acme", "sam");
    let wanted = json!({
        "purpose": "administrator_consent",
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
        "tenant": "contoso.example",
    });
    let made = sam.make_hand_off(&wanted).await.unwrap().ok().unwrap();
    let (id, link) = (
        made.word("/hand_off_id").unwrap(),
        made.word("/url").unwrap(),
    );
    let state = async || {
        let seen = sam.hand_off(id).await.unwrap().ok().unwrap();
        seen.word("/state").unwrap().to_owned()
    };
    assert_eq!(state().await, "waiting");
    let gone = fixture.microsoft().follow_hand_off(link).await.unwrap();
    let to_microsoft = gone.header("location").unwrap().to_owned();
    assert_eq!(state().await, "started");
    fixture.clock.advance(minutes(16));
    let landing = fixture
        .microsoft()
        .walk(&to_microsoft, OLGA, Reaction::Accept)
        .await
        .unwrap();
    assert_eq!(landing.outcome, "expired");

    // The link itself is as good as before, and the page says until when.
    let page = fixture.microsoft().open(link).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text);
    fixture.clock.advance(SignedDuration::from_hours(15 * 24));
    assert_eq!(state().await, "expired");
    let page = fixture.microsoft().open(link).await.unwrap();
    assert_eq!(page.status, 410);
    assert!(page.text.contains("This link is over"), "{}", page.text);
    let account = sam.account().await.unwrap().ok().unwrap();
    assert_eq!(account.word("/method"), Some("user_individual"));
}

#[tokio::test]
async fn an_administrator_has_ten_minutes_to_confirm() {
    let fixture = Fixture::start().await;
    let sam = fixture.super_admin("acme", "sam");
    let body = json!({
        "administrator_confirmed": true,
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
        "tenant": "contoso.example",
    });
    let started = sam.start_admin_consent(&body).await.unwrap().ok().unwrap();
    let microsoft = fixture.microsoft();
    let mut browser = microsoft.new_browser();
    let page = microsoft
        .walk_up_to_us(
            &mut browser,
            authorize_url(&started),
            OLGA,
            Reaction::Accept,
        )
        .await
        .unwrap();
    assert!(page.contains("/administrator-confirmation/"), "{page}");
    let shown = browser.get(&page).await.unwrap();
    assert_eq!(shown.status, 200, "{}", shown.text);
    fixture.clock.advance(minutes(11));
    let over = browser.get(&page).await.unwrap();
    assert_eq!(over.status, 410);
    assert!(
        over.text.contains("The request has expired"),
        "{}",
        over.text
    );
    let sent = browser
        .submit(&page, forms(&shown.text).first().unwrap(), &[])
        .await
        .unwrap();
    assert_eq!(sent.status, 410);
    let flow = started.word("/flow_id").unwrap();
    assert_eq!(state_of(&sam, flow).await.0, "expired");
}

#[tokio::test]
async fn a_user_makes_twenty_links_a_day_and_more_the_next() {
    let fixture = Fixture::start().await;
    let dana = fixture.user("acme", "dana");
    let wanted = json!({
        "purpose": "approval",
        "permissions": {"calendar": true, "contacts": false, "email": "none"},
        "tenant": "contoso.example",
    });
    for _ in 0..20 {
        let made = dana.make_hand_off(&wanted).await.unwrap().ok().unwrap();
        let id = made.word("/hand_off_id").unwrap();
        dana.cancel_hand_off(id).await.unwrap().ok().unwrap();
    }
    let one_more = dana.make_hand_off(&wanted).await.unwrap();
    let one_more = one_more.refused(429, "too_many_requests").unwrap();
    assert!(one_more.header("retry-after").is_some());
    fixture.clock.advance(SignedDuration::from_hours(25));
    dana.make_hand_off(&wanted).await.unwrap().ok().unwrap();
}
