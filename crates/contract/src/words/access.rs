//! The words of an access decision that are not the state of a permission.

use assent_domain::explanation::PermissionStatus;

use crate::meaning::Meaning;
use crate::words;
use crate::words::PermissionState;

words! {
    "access refusal"
    /// Why access is denied, where no permission's state says it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum AccessRefusal {
        /// E-mail may be sent, and not read: the level that was granted, consented to, or allowed by the company is limited.
        EmailLimited = "email_limited",
            Person: "the user grants e-mail again once a Super Admin allows full e-mail (Settings > Company); under the \
                     administrator's method the administrator consents again, with full e-mail selected";
        /// The subject is of another account than the resource.
        AnotherAccount = "another_account",
            Host: "name one account: a user is known within an account only, and a permission is of that user's account";
        /// The subject is nobody who could be known here.
        UnknownSubject = "unknown_subject",
            Host: "send a subject of the type user, with the id that the user has in the host application";
        /// The action is none that is decided about here.
        UnknownAction = "unknown_action",
            Host: "send the action sync, which is the only one";
        /// The resource is none that is decided about here.
        UnknownResource = "unknown_resource",
            Host: "send a resource of the type permission: calendar, contacts, email.send or email.read, of an account that \
                   could be one";
    }
}

/// Why an access decision is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessReason {
    /// That is how the permission stands.
    State(PermissionState),
    /// Something else is in the way.
    Refused(AccessRefusal),
}

impl AccessReason {
    /// Every reason.
    pub fn all() -> impl Iterator<Item = Self> {
        let states = PermissionState::ALL.iter().copied().map(Self::State);
        states.chain(AccessRefusal::ALL.iter().copied().map(Self::Refused))
    }

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State(state) => state.as_str(),
            Self::Refused(refusal) => refusal.as_str(),
        }
    }

    /// What the word means, who can mend it, and how.
    pub const fn meaning(self) -> Meaning {
        match self {
            Self::State(state) => state.meaning(),
            Self::Refused(refusal) => refusal.meaning(),
        }
    }
}

impl From<PermissionStatus> for AccessReason {
    fn from(status: PermissionStatus) -> Self {
        Self::State(status.into())
    }
}

impl From<AccessRefusal> for AccessReason {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Refused(refusal)
    }
}
