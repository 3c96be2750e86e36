//! Records of flows: written by one release, read by another.

use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;

use super::{own, refusal, view, view_of};
use crate::flow::{
    CompletionNotes, ErrorSource, FlowFailure, FlowOutcome, FlowStage, FlowState, FlowView,
};
use assent_contract::words::Remark;

/// As the release before reads it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Earlier {
    Ended {
        state: FlowState,
        code: Option<String>,
        detail: Option<String>,
    },
}
fn stored(stage: &serde_json::Value) -> FlowView {
    let stage: FlowStage = serde_json::from_value(stage.clone()).unwrap();
    view_of(stage)
}

#[test]
fn no_sentence_is_stored_and_each_is_made_when_it_is_read() {
    let partial = CompletionNotes {
        not_granted: PermissionSet::EVERYTHING,
        mailbox_trouble: Some(Remark::MailboxUnavailable),
    };
    let query = "error=access_denied&error_description=AADSTS53003%3A+x";
    let refused = FlowOutcome::from_microsoft(&refusal(query), ErrorSource::Browser, &own());
    let by_word =
        FlowOutcome::from_microsoft(&refusal("error=odd"), ErrorSource::TokenEndpoint, &own());
    let failures = FlowFailure::ALL.iter().copied().map(FlowOutcome::Failed);
    let refusals = Refusal::ALL.iter().copied().map(FlowOutcome::Refused);
    let all = failures.chain(refusals).chain([
        FlowOutcome::completed(),
        FlowOutcome::Completed(partial),
        refused,
        by_word,
    ]);
    for outcome in all {
        let written = serde_json::to_value(FlowStage::from(outcome.clone())).unwrap();
        let text = written.to_string();
        assert!(!text.contains(' '), "{text}");
        assert_eq!(stored(&written), view(outcome), "{text}");
    }
}

/// Gateways of two releases share the records.
#[test]
fn a_record_is_read_by_the_release_before_and_after_the_one_that_wrote_it() {
    let old = serde_json::json!({"ended": {
        "state": "completed",
        "code": "partial_grant",
        "detail": "Done, but contacts.",
    }});
    assert_eq!(
        stored(&old),
        FlowView {
            state: FlowState::Completed,
            code: Some("partial_grant".to_owned()),
            detail: Some("Done, but contacts.".to_owned()),
        }
    );
    let newer = serde_json::json!({"ended": {
        "state": "refused",
        "code": "tenant_mismatch",
        "details": {"microsoft": {"numbers": [50020], "more": true}, "more": true},
        "more": true,
    }});
    let read = stored(&newer).detail.unwrap();
    assert!(read.ends_with("Microsoft answered AADSTS50020."), "{read}");

    let outcome = FlowOutcome::from_microsoft(
        &refusal("error=access_denied&error_description=AADSTS50020%3A+x"),
        ErrorSource::Browser,
        &own(),
    );
    let written = serde_json::to_value(FlowStage::from(outcome)).unwrap();
    let Earlier::Ended {
        state,
        code,
        detail,
    } = serde_json::from_value(written).unwrap();
    assert_eq!(
        (state, code.as_deref(), detail),
        (FlowState::Refused, Some("identity_mismatch"), None)
    );
}
