//! The words about a user's permissions and mailbox.

use assent_domain::event::RevocationReason;
use assent_domain::explanation::PermissionStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words;

words! {
    "permission state"
    /// Whether a permission is granted, or why it is not.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum PermissionState {
        /// The permission is in force.
        Granted = "granted",
            Nobody: "nothing is wrong; consentctl explain shows because of which events";
        /// Nobody granted it under the company's present method.
        NeverGranted = "never_granted",
            Person: "grant it in Settings > My account; under the administrator's method, sign in through Microsoft";
        /// The permission was granted automatically, and the administrator's consent in force leaves it out.
        NotInConsent = "not_in_consent",
            Administrator: "consent again, with this permission selected (Settings > Company)";
        /// The permission was granted as another Microsoft account than the grants in force are of.
        AnotherMailbox = "another_mailbox",
            Person: "grant it again, as the Microsoft account whose mailbox it is to be";
        /// The user took it back.
        Revoked = "revoked",
            Person: "grant it again in Settings > My account; nobody else can, and no login asks for it";
        /// The user said no to it at Microsoft.
        Declined = "declined",
            Person: "grant it in Settings > My account; no login asks for it again";
        /// Microsoft says that the consent is gone.
        Withdrawn = "withdrawn",
            Person: "sign in again, which asks anew; an administrator may have removed the consent at Microsoft";
        /// Not all events of the user can be read.
        Unknown = "unknown",
            Operator: "consentctl blocked list says which message can't be read, and the way back";
    }
}

impl From<PermissionStatus> for PermissionState {
    fn from(status: PermissionStatus) -> Self {
        match status {
            PermissionStatus::Granted => Self::Granted,
            PermissionStatus::NeverGranted => Self::NeverGranted,
            PermissionStatus::NotInConsent => Self::NotInConsent,
            PermissionStatus::LeftBehind => Self::AnotherMailbox,
            PermissionStatus::Ended(RevocationReason::UserRevoked) => Self::Revoked,
            PermissionStatus::Ended(RevocationReason::UserDeclined) => Self::Declined,
            PermissionStatus::Ended(RevocationReason::MicrosoftWithdrawn) => Self::Withdrawn,
        }
    }
}

words! {
    "mailbox state"
    /// What others are told of a mailbox.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum MailboxState {
        /// The mailbox is in Exchange Online.
        Available = "available",
            Nobody: "nothing is wrong: the mailbox can be synced";
        /// The mailbox is on a server of the company's own, which is not served.
        OnPremisesExchange = "on_premises_exchange",
            Administrator: "move the mailbox to Exchange Online; nothing can be synced before";
        /// There is none that can be reached: not licensed, inactive or deleted.
        MailboxUnavailable = "mailbox_unavailable",
            Administrator: "give the person a licence with a mailbox; what was granted counts as soon as there is one";
        /// Microsoft did not say.
        Unknown = "unknown",
            Nobody: "the next grant or login looks again";
    }
}

words! {
    "approval"
    /// Whether a user needs an administrator for a permission.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum Approval {
        /// Users may consent themselves.
        NotNeeded = "not_needed",
            Nobody: "nothing is in the way: the user can grant it";
        /// By Microsoft's default they may not, and the tenant has not answered yet.
        Likely = "likely",
            Person: "try it, or make a link for the administrator at once (Settings > My account)";
        /// The tenant has refused it.
        Required = "required",
            Administrator: "approve it for the organisation, by the link that the user makes in Settings > My account";
    }
}
