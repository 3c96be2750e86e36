use assent_domain::refusal::Refusal;

use super::{Done, Kind, Landing, of_failure};
use crate::failure::Failure;
use crate::flow::{FlowState, FlowView};

const COMPLETED: (&str, &str) = ("Saved", "It is on.");

fn landing(outcome: &str, reason: Option<&str>) -> Landing {
    Landing {
        outcome: Some(outcome.to_owned()),
        reason: reason.map(str::to_owned),
        ..Landing::default()
    }
}

fn flow(state: FlowState, code: Option<&str>) -> FlowView {
    FlowView {
        state,
        code: code.map(str::to_owned),
        detail: None,
    }
}

#[test]
fn what_is_known_of_a_flow_counts_more_than_what_an_address_says() {
    let landing = landing("refused", Some("tenant_mismatch"));
    let known = landing.notice(Some(&flow(FlowState::Completed, None)), COMPLETED);
    let known = known.unwrap();
    assert_eq!((known.kind, known.title), (Kind::Success, "Saved"));

    let unknown = landing.notice(None, COMPLETED).unwrap();
    assert_eq!(unknown.kind, Kind::Problem);
    assert!(unknown.text.contains("another organisation"));
}

#[test]
fn partial_grants_declines_and_approvals_are_told_apart() {
    let titles = [
        (FlowState::Completed, Some("partial_grant")),
        (FlowState::Declined, Some("declined")),
        (FlowState::Undetermined, Some("undetermined")),
        (FlowState::Refused, Some("administrator_approval_required")),
        (FlowState::Refused, Some("identity_mismatch")),
        (FlowState::Expired, Some("flow_expired")),
    ]
    .map(|(state, code)| {
        let notice = Landing::default().notice(Some(&flow(state, code)), COMPLETED);
        notice.unwrap().title
    });
    assert_eq!(
        titles,
        [
            "Recorded, with a remark",
            "Declined",
            "No answer from Microsoft",
            "An administrator has to approve this",
            "Nothing was granted",
            "The request has expired",
        ]
    );
}

#[test]
fn an_address_that_says_nothing_says_nothing() {
    for nothing in [
        Landing::default(),
        landing("<b>made up</b>", None),
        landing("pending", None),
    ] {
        assert!(nothing.notice(None, COMPLETED).is_none());
    }
    let done = Landing {
        done: Some(Done::Revoked),
        ..Landing::default()
    };
    assert_eq!(done.notice(None, COMPLETED).unwrap().title, "Saved");
}

#[test]
fn a_form_is_told_why_it_was_not_carried_out_and_our_own_faults_are_not_its() {
    let (status, notice) = of_failure(Failure::Refused(Refusal::NothingSelected)).unwrap();
    assert_eq!(status, 422);
    assert_eq!(
        notice.text,
        "Select at least one of Calendar, Contacts and Email."
    );
    let typed = Failure::Invalid("tenant is no domain".to_owned());
    assert_eq!(of_failure(typed).unwrap().1.text, "Tenant is no domain.");
    assert!(of_failure(Failure::Forbidden("no")).is_err());
}
