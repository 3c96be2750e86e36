//! The words of a decision at login.

use assent_domain::refusal::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words;

words! {
    "login decision"
    /// What the host application has to do.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    #[schema(as = Decision)]
    pub enum DecisionKind {
        /// Go on.
        Proceed = "proceed",
            Nobody: "the login goes on; the reason says why nothing is asked";
        /// Send the user to Microsoft.
        Prompt = "prompt",
            Host: "send the browser to authorize_url, once";
        /// Go on: what the administrator consented to was granted just now.
        AutoGrant = "auto_grant",
            Nobody: "the login goes on; what is effective in the answer counts from now on";
        /// Have the user pass Microsoft, at the right tenant.
        Reauthenticate = "reauthenticate",
            Host: "send the browser to authorize_url where there is one, once; else let the user sign in through Microsoft, at \
                   the tenant that tenant_id names";
        /// Go on: nothing can be had for users of this tenant.
        Unavailable = "unavailable",
            Nobody: "the login goes on with nothing permitted; the reason says what would change that";
    }
}

words! {
    "login reason"
    /// Why.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    #[schema(as = DecisionReason)]
    pub enum Reason {
        /// The host application wants nothing for this user.
        NothingWanted = "nothing_wanted",
            Host: "ask for permissions by wants, where the user is to have some";
        /// All that is wanted, and can be had, is there.
        AllEffective = "all_effective",
            Nobody: "nothing is wrong: what is wanted counts already";
        /// The user has answered about what is not there.
        AlreadyAnswered = "already_answered",
            Person: "grant it in Settings > My account; no login asks a second time";
        /// An administrator has to approve what is missing, and Microsoft has said so before: the user is not sent into
        /// that dead end again.
        AdministratorApprovalRequired = "administrator_approval_required",
            Administrator: "approve it for the organisation, by the link that the user makes in Settings > My account";
        /// The user has not been asked yet about something that is wanted.
        ConsentMissing = "consent_missing",
            Person: "answer Microsoft's page, where the browser is sent now";
        /// The sign-in was as another Microsoft identity than the user's grants are of: nothing is granted for that
        /// mailbox.
        AnotherMailbox = "another_mailbox",
            Person: "accept at Microsoft for this mailbox, or sign in as the account of the grants";
        /// The administrator consented for everyone.
        AdministratorConsented = "administrator_consented",
            Nobody: "nothing is left to do: the grant is recorded";
        /// The administrator decides, and the sign-in was not through Microsoft.
        NotThroughMicrosoft = "not_through_microsoft",
            Person: "sign in with the Microsoft button: only that shows whose mailbox it is";
        /// The sign-in was through another tenant than the consent's.
        AnotherTenant = "another_tenant",
            Person: "sign in with an account of the company's own tenant, which tenant_id names";
        /// Microsoft has said that the administrator's consent, or a part of it, is withdrawn; what lives is effective.
        /// `authorize_url` shows without a page whether the rest lives again: then coming back records the grant.
        ConsentWithdrawn = Refusal::ConsentWithdrawn.code(),
            Administrator: "consent again at Microsoft, or by Settings > Company; the next login of each user notices by itself";
        /// The tenant is in a cloud that is not served.
        UnsupportedCloud = "unsupported_cloud",
            Nobody: "tenants in GCC High, DoD or the cloud operated by 21Vianet can't be connected";
        /// A guest signed in, who has no mailbox in that tenant: not in the consent's, nor in one that could be asked.
        Guest = "guest",
            Person: "sign in with the account of the organisation that the mailbox is in";
        /// A personal account signed in, which has no mailbox in any tenant.
        PersonalAccount = "personal_account",
            Person: "sign in with a work account";
        /// Degraded: the ID token could not be verified, so it proves nothing.
        MicrosoftKeysUnavailable = "microsoft_keys_unavailable",
            Operator: "let the login hook reach ASSENT_ENTRA_AUTHORITY; its /readyz says why it does not";
        /// Degraded: the projection did not answer in time.
        ProjectionUnreachable = "projection_unreachable",
            Operator: "see that a projection runs and answers (consentctl doctor); the next login finds it again";
        /// Degraded: the projection answered that it could not, or nonsense.
        ProjectionFailed = "projection_failed",
            Operator: "look at the projection's /readyz and log, and at consentctl doctor";
        /// Degraded: the projection has not applied yet what `at_least` names.
        NotYetApplied = "not_yet_applied",
            Operator: "the next login asks again; if it lasts, consentctl doctor shows how far the projection lags";
        /// Degraded: the log holds an event of this account or user that can't be read.
        Blocked = "blocked",
            Operator: "consentctl blocked list says since which message, why, and the way back";
        /// Degraded: the gateway could not be reached to record the grant.
        AutomaticGrantFailed = "automatic_grant_failed",
            Operator: "see that a gateway runs and answers (consentctl doctor); the next login tries again";
        /// Degraded: the gateway knows better, for the projection lags behind it.
        AutomaticGrantRefused = "automatic_grant_refused",
            Nobody: "the next login decides on what the gateway knows; if it lasts, consentctl explain shows the difference";
    }
}
