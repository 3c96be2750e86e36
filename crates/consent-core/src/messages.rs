//! All that is told of codes, failures and limits, in English: what happened, and what to do now. One place, so that a flow,
//! a page and a program are told alike, and another language is one file beside each of these.
//!
//! People get sentences ([`for_code`] and what begins with `for_`). Programs, and whoever reads their logs, get a [`detail`]
//! beside the code: it begins small, and ends without a full stop.

mod codes;
mod details;
mod limits;
mod reasons;

use assent_contract::problem::ErrorCode;
use assent_contract::values::{Permission, kinds_to_list};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;

use crate::flow_state::{FlowState, OutcomeDetails, RefusalDetails};
use crate::observations::Mailbox;
use assent_contract::words::{FlowFailure, Remark};

use codes::{for_error, for_failure, for_refusal, for_remark};
pub use details::detail;
pub use limits::limit_rule;

/// What is said of a code that a newer gateway has stored.
const UNKNOWN_CODE: &str =
    "The request could not be completed, and nothing was granted. Start again.";

/// The sentences for a code, as it is stored with a flow or told with a problem. Codes are fixed words of ours, so nothing that
/// a browser brings is ever repeated.
pub fn for_code(code: &str) -> &'static str {
    let refusal = Refusal::ALL.iter().find(|refusal| refusal.code() == code);
    let failure = FlowFailure::ALL
        .iter()
        .find(|failure| failure.as_str() == code);
    let remark = Remark::ALL.iter().find(|remark| remark.as_str() == code);
    refusal
        .map(|refusal| for_refusal(*refusal))
        .or_else(|| failure.map(|failure| for_failure(*failure)))
        .or_else(|| remark.map(|remark| for_remark(*remark)))
        .or_else(|| ErrorCode::parse(code).map(for_error))
        .unwrap_or_else(|| {
            tracing::error!(code, "a code is not known, and has no sentence");
            UNKNOWN_CODE
        })
}

/// The sentences for a flow that has ended with this code; `None` where it is complete and there is nothing more to say.
pub(crate) fn for_outcome(code: Option<&str>, details: &OutcomeDetails) -> Option<String> {
    let code = code?;
    if let Some(refusal) = &details.microsoft {
        return Some(for_microsofts_refusal(code, refusal));
    }
    let Some(not_granted) = details.not_granted else {
        return Some(for_code(code).to_owned());
    };
    let names: Vec<_> = kinds_to_list(PermissionSet::from(not_granted).kinds())
        .into_iter()
        .map(Permission::as_str)
        .collect();
    let partial = for_remark(Remark::PartialGrant);
    let sentence = format!("{partial} Not granted: {}.", names.join(", "));
    Some(if code == Remark::PartialGrant.as_str() {
        sentence
    } else {
        format!("{sentence} {}", for_code(code))
    })
}

/// The sentences for a refusal of Microsoft's, with what it is called there.
fn for_microsofts_refusal(code: &str, refusal: &RefusalDetails) -> String {
    let is_undetermined = code == Refusal::Undetermined.code();
    let sentence = if is_undetermined && !refusal.numbers.is_empty() {
        UNKNOWN
    } else if refusal.is_beyond_consent {
        IN_THE_WAY
    } else {
        for_code(code)
    };
    let numbers = refusal
        .numbers
        .iter()
        .map(|number| format!("AADSTS{number}"));
    let names: Vec<String> = numbers.chain(refusal.error.clone()).collect();
    if names.is_empty() {
        return sentence.to_owned();
    }
    format!("{sentence} Microsoft answered {}.", names.join(" and "))
}

/// The sentence for a flow of which only the state is known; `None` while it goes on.
pub fn for_state(state: FlowState) -> Option<&'static str> {
    match state {
        FlowState::Pending => None,
        FlowState::AwaitingConfirmation => {
            Some("Almost done: the permissions still have to be confirmed.")
        }
        FlowState::Completed => Some("Done: the permissions were recorded."),
        FlowState::Declined => Some(for_refusal(Refusal::Declined)),
        FlowState::Undetermined => Some(for_refusal(Refusal::Undetermined)),
        FlowState::Expired => Some(for_refusal(Refusal::FlowExpired)),
        FlowState::Refused => Some(UNKNOWN_CODE),
    }
}

/// A detail as a sentence: they begin small, and end without a full stop.
pub fn as_sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(char::to_uppercase);
    let begun: String = first.into_iter().flatten().chain(letters).collect();
    format!("{begun}.")
}

/// Of `administrator_approval_required`, where no consent would help.
pub(crate) const IN_THE_WAY: &str = "Something of your organisation's own at Microsoft is in the way: a policy, a licence, \
     an assignment or its sign-in. Approving this request will not help before your Office 365 administrator has changed \
     that.";

/// Of `undetermined`, where Microsoft gave a reason that is not known here.
pub(crate) const UNKNOWN: &str = "Microsoft refused the request for a reason that is not known here, so nothing was \
     granted. Your Office 365 administrator can look the number up.";

/// What is told of a mailbox that can't be synced; `None` of one that can.
pub fn for_mailbox(mailbox: Mailbox) -> Option<&'static str> {
    mailbox.remark().map(for_remark)
}
