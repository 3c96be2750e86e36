//! The decision at a login: prompt, grant automatically, or go on.

use crate::account::{AccountState, Authorization, Consent};
use crate::decide::automatic_grant::withdrawn_under;
use crate::effective::effective;
use crate::ids::{ConsentId, MicrosoftIdentity};
use crate::permissions::PermissionSet;
use crate::user::UserState;

/// How the user signed in to the host application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// Through Microsoft, and it was verified who it is: a member of the tenant.
    Microsoft(MicrosoftIdentity),
    /// Likewise, as a guest of the tenant. The mailbox is wherever the guest comes from.
    MicrosoftGuest(MicrosoftIdentity),
    /// Through Microsoft, with a personal account: it is in no company's tenant.
    PersonalAccount,
    /// In any other way.
    Other,
}

impl SignIn {
    /// Who signed in, where it is known.
    pub const fn identity(self) -> Option<MicrosoftIdentity> {
        match self {
            Self::Microsoft(identity) | Self::MicrosoftGuest(identity) => Some(identity),
            Self::PersonalAccount | Self::Other => None,
        }
    }
}

/// What the host application has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Proceed(ProceedReason),
    /// Send the user to Microsoft for exactly these permissions.
    Prompt {
        /// What to ask for.
        missing: PermissionSet,
        /// Why.
        reason: PromptReason,
    },
    /// Record this grant at once, and go on without a question.
    AutoGrant {
        /// What the user gets.
        granted: PermissionSet,
        /// The consent that gives it.
        consent: ConsentId,
    },
    /// The user has to sign in through Microsoft, and through the right tenant.
    Reauthenticate(ReauthenticateReason),
    /// Nothing can be had for whoever signed in so.
    Unavailable(UnavailableReason),
}

/// Why a login just goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProceedReason {
    /// The host application wants nothing for this user.
    NothingWanted,
    /// All that is wanted, and can be had, is there.
    AllEffective,
    /// The user has answered about all that is not there, and is not asked again.
    AlreadyAnswered,
}

/// Why a user is prompted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptReason {
    /// The user has not been asked yet about something.
    ConsentMissing,
    /// What is known of the user is about another mailbox than that of whoever signed in.
    AnotherMailbox,
}

/// Why nothing can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailableReason {
    /// The tenant is in a cloud that is not served.
    UnsupportedCloud,
    /// A guest of a tenant has no mailbox in it: not in the consent's, nor in any that could be asked for one.
    Guest,
    /// A personal account has no mailbox in any tenant.
    PersonalAccount,
}

/// Why a sign-in through Microsoft is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReauthenticateReason {
    /// The sign-in was not through Microsoft.
    NotThroughMicrosoft,
    /// It was, but through another tenant than the consent's.
    AnotherTenant,
    /// Something that is wanted was withdrawn at Microsoft under this very consent. Passing Microsoft shows whether the
    /// consent lives again.
    ConsentWithdrawn,
}

/// What may be done for this user now, as far as the host application may act on this sign-in: a
/// permission is of one mailbox, so for whoever signed in as somebody else there is nothing.
pub fn effective_for(account: &AccountState, user: &UserState, sign_in: SignIn) -> PermissionSet {
    if is_of_another_mailbox(account, user, sign_in) {
        PermissionSet::NOTHING
    } else {
        effective(account, user)
    }
}

/// Whether what is known of the user is about another mailbox than that of whoever signed in.
pub fn is_of_another_mailbox(account: &AccountState, user: &UserState, sign_in: SignIn) -> bool {
    match sign_in {
        SignIn::Microsoft(identity) | SignIn::MicrosoftGuest(identity) => {
            user.is_of_another(account.epoch, identity)
        }
        // No company's tenant holds it, so no grant is of it.
        SignIn::PersonalAccount => user.mailbox(account.epoch).is_some(),
        SignIn::Other => false,
    }
}

/// What of the consent in force is to be granted to whoever signed in, though something that is wanted was withdrawn: what
/// lives, and is not effective yet.
pub fn still_given(
    account: &AccountState,
    user: &UserState,
    wanted: PermissionSet,
    sign_in: SignIn,
) -> PermissionSet {
    let (Some(consent), SignIn::Microsoft(identity)) = (account.consent(), sign_in) else {
        return PermissionSet::NOTHING;
    };
    if identity.tenant != consent.tenant {
        return PermissionSet::NOTHING;
    }
    let withdrawn = withdrawn_under(account, consent, user, identity);
    let living = wanted.meet(consent.permissions).without(withdrawn);
    if living.is_within(effective_for(account, user, sign_in)) {
        PermissionSet::NOTHING
    } else {
        living
    }
}

/// Decides. The rows of the table in the order in which they rule.
pub fn decide(
    account: &AccountState,
    user: &UserState,
    wanted: PermissionSet,
    sign_in: SignIn,
) -> Decision {
    if wanted.is_nothing() {
        return Decision::Proceed(ProceedReason::NothingWanted);
    }
    match sign_in {
        SignIn::Microsoft(identity) | SignIn::MicrosoftGuest(identity)
            if !identity.tenant.cloud.is_served() =>
        {
            return Decision::Unavailable(UnavailableReason::UnsupportedCloud);
        }
        SignIn::PersonalAccount => {
            return Decision::Unavailable(UnavailableReason::PersonalAccount);
        }
        SignIn::Microsoft(_) | SignIn::MicrosoftGuest(_) | SignIn::Other => {}
    }
    match &account.authorization {
        Authorization::AdminConfigured { consent } => {
            under_consent(account, consent, user, wanted, sign_in)
        }
        Authorization::UserIndividual { .. } => by_the_user(account, user, wanted, sign_in),
    }
}

fn under_consent(
    account: &AccountState,
    consent: &Consent,
    user: &UserState,
    wanted: PermissionSet,
    sign_in: SignIn,
) -> Decision {
    let another_tenant = Decision::Reauthenticate(ReauthenticateReason::AnotherTenant);
    let identity = match sign_in {
        SignIn::Microsoft(identity) | SignIn::MicrosoftGuest(identity)
            if identity.tenant != consent.tenant =>
        {
            return another_tenant;
        }
        SignIn::MicrosoftGuest(_) => return Decision::Unavailable(UnavailableReason::Guest),
        SignIn::Microsoft(identity) => identity,
        SignIn::PersonalAccount => {
            return Decision::Unavailable(UnavailableReason::PersonalAccount);
        }
        SignIn::Other => {
            return Decision::Reauthenticate(ReauthenticateReason::NotThroughMicrosoft);
        }
    };
    let granted = wanted.meet(consent.permissions);
    let withdrawn = withdrawn_under(account, consent, user, identity);
    if !granted.kinds().intersection(withdrawn).is_empty() {
        return Decision::Reauthenticate(ReauthenticateReason::ConsentWithdrawn);
    }
    if granted.is_within(effective_for(account, user, SignIn::Microsoft(identity))) {
        return Decision::Proceed(ProceedReason::AllEffective);
    }
    Decision::AutoGrant {
        granted,
        consent: consent.id,
    }
}

/// Under the users' own method. Who would be asked for a mailbox that is not there is not asked: a guest's is where the
/// guest comes from.
fn by_the_user(
    account: &AccountState,
    user: &UserState,
    wanted: PermissionSet,
    sign_in: SignIn,
) -> Decision {
    match (question(account, user, wanted, sign_in), sign_in) {
        (Decision::Prompt { .. }, SignIn::MicrosoftGuest(_)) => {
            Decision::Unavailable(UnavailableReason::Guest)
        }
        (decision, _) => decision,
    }
}

/// Whoever signed in as another Microsoft identity than what is known is about has not been asked
/// about *that* mailbox: what was answered about the other does not count either.
fn question(
    account: &AccountState,
    user: &UserState,
    wanted: PermissionSet,
    sign_in: SignIn,
) -> Decision {
    let attainable = wanted.meet(account.email_sync.cap());
    if is_of_another_mailbox(account, user, sign_in) {
        return Decision::Prompt {
            missing: attainable,
            reason: PromptReason::AnotherMailbox,
        };
    }
    let not_effective = attainable.missing_from(effective(account, user));
    let missing = not_effective.without(user.in_epoch(account.epoch).answered);
    if !missing.is_nothing() {
        return Decision::Prompt {
            missing,
            reason: PromptReason::ConsentMissing,
        };
    }
    Decision::Proceed(if not_effective.is_nothing() {
        ProceedReason::AllEffective
    } else {
        ProceedReason::AlreadyAnswered
    })
}

#[cfg(test)]
mod tests;
