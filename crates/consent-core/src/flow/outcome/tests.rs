mod failures;
mod stored;
mod without_a_page;

use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{AuthorizationError, UnverifiedAuthorizeCallback};
use jiff::Timestamp;
use uuid::Uuid;

use super::{CompletionNotes, FlowFailure, FlowOutcome};
use crate::cutoff::Generation;
use crate::flow::{
    ErrorSource, Flow, FlowStage, FlowState, FlowView, HandOffPurpose, Purpose, Route, States,
};
use crate::messages::{self, IN_THE_WAY, UNKNOWN};
use crate::names::Names;
use assent_contract::words::Remark;

fn own() -> Purpose {
    Purpose::OwnConsent {
        asked: PermissionSet::EVERYTHING.into(),
        begun_in: 0,
        begun_after: 0,
        vouched: false,
        expected: None,
    }
}

fn of_an_administrator(route: Route) -> Purpose {
    Purpose::AdministratorConsent {
        permissions: PermissionSet::EVERYTHING.into(),
        begun_in: Some(0),
        tenant: None,
        tenant_domain: None,
        route,
        names: Names::default(),
    }
}

fn view(outcome: FlowOutcome) -> FlowView {
    view_of(FlowStage::from(outcome))
}

fn view_of(stage: FlowStage) -> FlowView {
    let flow = Flow {
        id: Uuid::nil(),
        account: AccountId::parse("acme").unwrap(),
        started_by: UserId::parse("ana").unwrap(),
        generation: Generation::default(),
        asked_again: 0,
        session: None,
        browser: None,
        return_to: None,
        expires_at: Timestamp::UNIX_EPOCH,
        purpose: own(),
        states: States::default(),
        stage,
    };
    flow.view(Timestamp::UNIX_EPOCH)
}

/// What Microsoft's callback says.
fn refusal(query: &str) -> AuthorizationError {
    let callback = UnverifiedAuthorizeCallback::parse(&format!("{query}&state=s")).unwrap();
    callback.outcome.unwrap_err()
}

#[test]
fn every_no_of_microsofts_ends_a_flow_in_its_own_way() {
    let code = |number: u32| format!("error=access_denied&error_description=AADSTS{number}%3A+x");
    let table = [
        (code(65004), FlowState::Declined, "declined", "declined"),
        (
            code(90094),
            FlowState::Refused,
            "administrator_approval_required",
            "not_an_administrator",
        ),
        (
            code(53003),
            FlowState::Refused,
            "administrator_approval_required",
            "administrator_approval_required",
        ),
        (
            code(50020),
            FlowState::Refused,
            "identity_mismatch",
            "tenant_mismatch",
        ),
        (
            code(700_016),
            FlowState::Refused,
            "tenant_absent",
            "tenant_absent",
        ),
        (
            code(54005),
            FlowState::Refused,
            "flow_already_used",
            "flow_already_used",
        ),
        (
            code(50076),
            FlowState::Undetermined,
            "interaction_required",
            "interaction_required",
        ),
        (
            code(50173),
            FlowState::Undetermined,
            "session_ended",
            "session_ended",
        ),
        (
            code(65001),
            FlowState::Undetermined,
            "consent_missing",
            "consent_missing",
        ),
        (
            code(50011),
            FlowState::Undetermined,
            "application_misconfigured",
            "application_misconfigured",
        ),
        (
            "error=temporarily_unavailable".to_owned(),
            FlowState::Undetermined,
            "microsoft_unavailable",
            "microsoft_unavailable",
        ),
        (
            "error=access_denied&error_subcode=cancel".to_owned(),
            FlowState::Undetermined,
            "undetermined",
            "undetermined",
        ),
    ];
    let by_link = Route::HandOff {
        id: Uuid::nil(),
        purpose: HandOffPurpose::Approval,
    };
    for (query, state, code_for_users, code_for_administrators) in table {
        let error = refusal(&query);
        for (purpose, code) in [
            (own(), code_for_users),
            (of_an_administrator(Route::Direct), code_for_administrators),
            (of_an_administrator(by_link), code_for_administrators),
        ] {
            let view = view(FlowOutcome::from_microsoft(
                &error,
                ErrorSource::TokenEndpoint,
                &purpose,
            ));
            assert_eq!(
                (view.state, view.code.as_deref()),
                (state, Some(code)),
                "{query}"
            );
            let detail = view.detail.unwrap();
            let own_words = [messages::for_code(code), IN_THE_WAY];
            assert!(
                own_words.iter().any(|words| detail.starts_with(words)),
                "{detail}"
            );
        }
    }
}

/// What a flow says of a refusal.
fn detail(query: &str, source: ErrorSource) -> String {
    let outcome = FlowOutcome::from_microsoft(&refusal(query), source, &own());
    view(outcome).detail.unwrap()
}

#[test]
fn a_number_is_told_so_that_it_can_be_looked_up() {
    let numbered = |number: u32| {
        format!("error=invalid_request&error_description=AADSTS{number}%3A+Call+us+at+evil.example")
    };
    for source in [ErrorSource::TokenEndpoint, ErrorSource::Browser] {
        for number in [1_234_567, 53003, 700_016, 50076, 50011] {
            let told = detail(&numbered(number), source);
            assert!(
                told.ends_with(&format!(" Microsoft answered AADSTS{number}.")),
                "{told}"
            );
            assert!(!told.contains("evil"), "{told}");
        }
        assert!(detail(&numbered(1_234_567), source).starts_with(UNKNOWN));
        assert!(detail(&numbered(53003), source).starts_with(IN_THE_WAY));
        let answered = detail("error=access_denied&error_description=AADSTS65004", source);
        assert_eq!(answered, messages::for_code("declined"));
    }
    let many = "error=x&error_description=AADSTS1+AADSTS2+AADSTS3+AADSTS4+AADSTS99999999999";
    let told = detail(many, ErrorSource::Browser);
    assert!(told.ends_with("answered AADSTS1 and AADSTS2 and AADSTS3."));
}

#[test]
fn a_word_is_told_only_where_microsoft_itself_said_it() {
    let query = "error=call-evil.example";
    let told = detail(query, ErrorSource::TokenEndpoint);
    assert!(told.ends_with(" Microsoft answered call-evil.example."));
    assert_eq!(
        detail(query, ErrorSource::Browser),
        messages::for_code("undetermined")
    );
}

#[test]
fn every_ending_has_sentences_of_its_own() {
    let any = messages::for_code("no such code");
    let failures = FlowFailure::ALL.iter().copied().map(FlowOutcome::Failed);
    let refusals = Refusal::ALL.iter().copied().map(FlowOutcome::Refused);
    for outcome in failures.chain(refusals) {
        let view = view(outcome.clone());
        let detail = view.detail.unwrap();
        assert!(detail != any && detail.ends_with('.'), "{outcome:?}");
    }
}

#[test]
fn a_complete_flow_says_what_is_left_to_know() {
    assert_eq!(
        view(FlowOutcome::completed()),
        FlowView {
            state: FlowState::Completed,
            code: None,
            detail: None,
        }
    );
    let contacts_and_email = PermissionSet {
        calendar: false,
        ..PermissionSet::EVERYTHING
    };
    let both = view(FlowOutcome::Completed(CompletionNotes {
        not_granted: contacts_and_email,
        mailbox_trouble: Some(Remark::MailboxUnavailable),
    }));
    assert_eq!(both.code.as_deref(), Some("mailbox_unavailable"));
    let detail = both.detail.unwrap();
    assert!(detail.contains("Not granted: contacts, email."), "{detail}");
    assert!(detail.contains("no mailbox"), "{detail}");
    let part = view(FlowOutcome::Completed(CompletionNotes {
        not_granted: contacts_and_email,
        mailbox_trouble: None,
    }));
    assert_eq!(part.code.as_deref(), Some("partial_grant"));
    assert!(
        part.detail
            .unwrap()
            .ends_with("Not granted: contacts, email.")
    );
    let elsewhere = view(FlowOutcome::Completed(CompletionNotes {
        not_granted: PermissionSet::NOTHING,
        mailbox_trouble: Some(Remark::OnPremisesExchange),
    }));
    assert_eq!(
        elsewhere.detail.as_deref(),
        Some(messages::for_code("on_premises_exchange"))
    );
}
