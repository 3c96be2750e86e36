//! The words that programs and operators are told: codes, states, reasons and alarms. Each word is a variant of an enum, and
//! comes with what it means, who can mend what it says, and how; one without does not compile.
//!
//! Whoever shows a word to somebody who may not know it (`consentctl errors`) reads the meaning here. So do the descriptions
//! of the APIs, which take the words themselves from the enums.

mod access;
mod alarms;
mod flows;
mod logins;
mod rebuilds;
mod replicas;
mod users;

pub use access::{AccessReason, AccessRefusal};
pub use alarms::{OperatorAlarm, SecurityEvent};
pub use flows::{FlowFailure, FlowState, HandOffState, Remark};
pub use logins::{DecisionKind, Reason};
pub use rebuilds::{RebuildRefusal, RebuildStage};
pub use replicas::{LogCheckResult, ReplicaState};
pub use users::{Approval, MailboxState, PermissionState};

use crate::meaning::Meaning;
use crate::problem::ErrorCode;

/// Every word that our services tell, by kind.
pub fn all() -> impl Iterator<Item = Meaning> {
    fn of<T: Copy>(all: &[T], meaning: fn(T) -> Meaning) -> impl Iterator<Item = Meaning> {
        all.iter().copied().map(meaning)
    }
    ErrorCode::all()
        .map(ErrorCode::meaning)
        .chain(of(FlowState::ALL, FlowState::meaning))
        .chain(of(FlowFailure::ALL, FlowFailure::meaning))
        .chain(of(Remark::ALL, Remark::meaning))
        .chain(of(HandOffState::ALL, HandOffState::meaning))
        .chain(of(AccessRefusal::ALL, AccessRefusal::meaning))
        .chain(of(PermissionState::ALL, PermissionState::meaning))
        .chain(of(MailboxState::ALL, MailboxState::meaning))
        .chain(of(Approval::ALL, Approval::meaning))
        .chain(of(DecisionKind::ALL, DecisionKind::meaning))
        .chain(of(Reason::ALL, Reason::meaning))
        .chain(of(ReplicaState::ALL, ReplicaState::meaning))
        .chain(of(LogCheckResult::ALL, LogCheckResult::meaning))
        .chain(of(RebuildStage::ALL, RebuildStage::meaning))
        .chain(of(RebuildRefusal::ALL, RebuildRefusal::meaning))
        .chain(of(OperatorAlarm::ALL, OperatorAlarm::meaning))
        .chain(of(SecurityEvent::ALL, SecurityEvent::meaning))
}

/// Makes an enum of stable words of one kind. A variant's doc comment is what its word means; after the word stand the
/// [`Mender`](crate::meaning::Mender) and how it is mended.
#[macro_export]
macro_rules! words {
    (
        $kind:literal
        $(#[$about:meta])*
        $visibility:vis enum $name:ident {
            $($(#[doc = $doc:literal])+ $variant:ident = $word:expr, $who:ident: $how:literal;)+
        }
    ) => {
        $(#[$about])*
        $visibility enum $name {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $name {
            /// Every word.
            $visibility const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable word.
            $visibility const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What the word means, who can mend it, and how.
            $visibility const fn meaning(self) -> $crate::meaning::Meaning {
                let (means, who, how) = match self {
                    $(Self::$variant => (concat!($($doc),+), $crate::meaning::Mender::$who, $how),)+
                };
                $crate::meaning::Meaning::new($kind, self.as_str(), means, who, how)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, to_value};

    use super::*;

    #[test]
    fn each_word_is_told_in_full() {
        for meaning in all() {
            let told = format!("{meaning:?}");
            assert!(meaning.means().ends_with('.'), "a whole sentence: {told}");
            assert!(!meaning.means().contains(['[', '\n']), "plain text: {told}");
            assert!(20 <= meaning.how.len(), "more than a word: {told}");
            assert!(!meaning.how.ends_with('.'), "no full stop: {told}");
            let word = meaning.word.chars();
            assert!(
                word.clone().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{told}"
            );
        }
    }

    #[test]
    fn a_word_means_one_thing_of_its_kind() {
        let mut seen = BTreeSet::new();
        let twice = all().filter(|told| !seen.insert((told.kind, told.word, told.status)));
        assert_eq!(twice.count(), 0);
    }

    #[test]
    fn the_word_is_what_is_written() {
        fn all_as<T: Copy + serde::Serialize>(all: &[T], word: fn(T) -> &'static str) {
            for one in all {
                assert_eq!(to_value(one).unwrap(), Value::from(word(*one)));
            }
        }
        all_as(FlowState::ALL, FlowState::as_str);
        all_as(HandOffState::ALL, HandOffState::as_str);
        all_as(PermissionState::ALL, PermissionState::as_str);
        all_as(MailboxState::ALL, MailboxState::as_str);
        all_as(Approval::ALL, Approval::as_str);
        all_as(DecisionKind::ALL, DecisionKind::as_str);
        all_as(Reason::ALL, Reason::as_str);
        all_as(ReplicaState::ALL, ReplicaState::as_str);
        all_as(LogCheckResult::ALL, LogCheckResult::as_str);
    }
}
