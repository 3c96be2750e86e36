use assent_consent_core::clock::Clock;
use assent_consent_core::failure::Failure;
use assent_consent_core::flow::{FlowState, FlowView};
use assent_consent_core::reasons::{Forbidden, InvalidRequest};
use assent_consent_core::secrets::Digest;
use assent_consent_core::session::{Session, SessionSecret};
use assent_domain::refusal::Refusal;
use assent_service_kit::Caller;

use super::of_failure;
use crate::page_query::{Done, PageQuery};
use crate::session::InSession;

const COMPLETED: (&str, &str) = ("Saved", "It is on.");

fn session() -> InSession {
    let secret = SessionSecret::random();
    let caller = Caller {
        subject: "ana".to_owned(),
        account: Some("acme".to_owned()),
        roles: Vec::new(),
        permissions: Vec::new(),
        scopes: Vec::new(),
        token_id: None,
        issued_at: None,
        expires_at: Clock::default().system_time(),
        name: None,
        account_name: None,
    };
    InSession {
        session: Session::new(
            &caller,
            Digest::compute("token"),
            Clock::default().now(),
            false,
        )
        .unwrap(),
        proof: secret.csrf_token(),
        secret,
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
        let notice = PageQuery::default().notice(
            &session(),
            Some(&flow(state, code)),
            COMPLETED,
            Clock::default().now(),
        );
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
fn what_an_address_says_is_done_is_vouched_for_by_the_session_or_not_said() {
    let (session, other) = (session(), session());
    let now = Clock::default().now();
    let says = |told: Option<String>| {
        let query = PageQuery {
            done: Some(Done::Revoked),
            told,
            ..PageQuery::default()
        };
        let notice = query.notice(&session, None, COMPLETED, Clock::default().now());
        notice.map(|notice| notice.title)
    };
    let of = |session: &InSession, done: Done, at| Some(session.secret.vouch(done.as_str(), at));
    assert_eq!(says(of(&session, Done::Revoked, now)), Some("Saved"));
    assert_eq!(says(None), None);
    assert_eq!(says(Some("x".to_owned())), None);
    assert_eq!(says(Some(format!("{}.x", now.as_second()))), None);
    assert_eq!(says(of(&session, Done::Unchanged, now)), None);
    assert_eq!(says(of(&other, Done::Revoked, now)), None);
    let long_ago = now - jiff::SignedDuration::from_mins(11);
    assert_eq!(says(of(&session, Done::Revoked, long_ago)), None);
    assert!(
        PageQuery::default()
            .notice(&session, None, COMPLETED, Clock::default().now())
            .is_none()
    );
}

#[test]
fn a_form_is_told_why_it_was_not_carried_out_and_our_own_faults_are_not_its() {
    let (status, notice) = of_failure(Failure::Refused(Refusal::NothingSelected)).unwrap();
    assert_eq!(status, 422);
    assert_eq!(
        notice.text,
        "Select at least one of Calendar, Contacts and Email."
    );
    let typed = Failure::Invalid(InvalidRequest::TenantName);
    let text = of_failure(typed).unwrap().1.text;
    assert!(
        text.starts_with("Tenant is the GUID or a domain of a Microsoft Entra tenant, such as"),
        "{text}"
    );
    assert!(of_failure(Failure::Forbidden(Forbidden::OutOfReach)).is_err());
}
