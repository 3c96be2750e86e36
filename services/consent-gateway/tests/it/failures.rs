//! Flows that come to nothing because of something that nobody in front of a browser can mend.

use assent_dev_stack::actors::{ANA, Reaction};

use crate::fixture::{Fixture, authorize_url, state_of};

/// Not that the log is out of reach for a moment: an operator has to act first.
#[tokio::test]
async fn a_flow_of_a_user_whose_events_can_not_be_read_says_that() {
    let fixture = Fixture::start().await;
    let ana = fixture.user("acme", "ana");
    let started = ana.start_grant(&["calendar"], Some(ANA)).await.unwrap();
    let started = started.ok().unwrap();
    fixture
        .store_unreadable("consent.events.v1.acme.user.ana")
        .await;

    let url = authorize_url(&started);
    let microsoft = fixture.microsoft();
    let landing = microsoft.walk(url, ANA, Reaction::Accept).await.unwrap();
    assert_eq!(landing.outcome, "undetermined");
    assert_eq!(
        state_of(&ana, &landing.flow).await,
        (
            "undetermined".to_owned(),
            Some("event_unreadable".to_owned())
        )
    );
    let flow = ana.flow(&landing.flow).await.unwrap();
    assert_eq!(
        flow.word("/detail"),
        Some(
            "The record of this account can't be read, so nothing is allowed until it can. An operator was alarmed."
        )
    );
    let seen = ana.see("ana").await.unwrap();
    seen.refused(500, "event_unreadable").unwrap();
}
