//! The decision at a login: prompt, grant automatically, or go on.

use crate::account::{AccountState, Authorization, Consent};
use crate::effective::effective;
use crate::ids::{ConsentId, MicrosoftIdentity};
use crate::permissions::PermissionSet;
use crate::user::UserState;

/// How the user signed in to the host application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// Through Microsoft, and it was verified who it is.
    Microsoft(MicrosoftIdentity),
    /// In any other way.
    Other,
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
    /// Nothing can be had for users of this tenant.
    Unavailable,
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

/// Why a sign-in through Microsoft is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReauthenticateReason {
    /// The sign-in was not through Microsoft.
    NotThroughMicrosoft,
    /// It was, but through another tenant than the consent's.
    AnotherTenant,
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
        SignIn::Microsoft(identity) if !identity.tenant.cloud.is_served() => {
            return Decision::Unavailable;
        }
        SignIn::Microsoft(_) | SignIn::Other => {}
    }
    match &account.authorization {
        Authorization::AdminConfigured { consent } => {
            under_consent(account, consent, user, wanted, sign_in)
        }
        Authorization::UserIndividual { .. } => by_the_user(account, user, wanted),
    }
}

fn under_consent(
    account: &AccountState,
    consent: &Consent,
    user: &UserState,
    wanted: PermissionSet,
    sign_in: SignIn,
) -> Decision {
    match sign_in {
        SignIn::Other => {
            return Decision::Reauthenticate(ReauthenticateReason::NotThroughMicrosoft);
        }
        SignIn::Microsoft(identity) if identity.tenant != consent.tenant => {
            return Decision::Reauthenticate(ReauthenticateReason::AnotherTenant);
        }
        SignIn::Microsoft(_) => {}
    }
    let granted = wanted.meet(consent.permissions);
    if granted.is_within(effective(account, user)) {
        return Decision::Proceed(ProceedReason::AllEffective);
    }
    Decision::AutoGrant {
        granted,
        consent: consent.id,
    }
}

fn by_the_user(account: &AccountState, user: &UserState, wanted: PermissionSet) -> Decision {
    let not_effective = wanted
        .meet(account.email_sync.cap())
        .missing_from(effective(account, user));
    let missing = not_effective.without(user.in_epoch(account.epoch).answered);
    if !missing.is_nothing() {
        return Decision::Prompt { missing };
    }
    Decision::Proceed(if not_effective.is_nothing() {
        ProceedReason::AllEffective
    } else {
        ProceedReason::AlreadyAnswered
    })
}

#[cfg(test)]
mod tests;
