//! What a user is asked at Microsoft, and with which account they are to sign in there.

use assent_domain::ids::{Epoch, MicrosoftIdentity, Sequence};
use assent_domain::permissions::PermissionSet;
use assent_microsoft_identity::{AccountChoice, LoginHint};

/// What Microsoft is to ask a user.
#[derive(Debug, Clone)]
pub(crate) struct ConsentPrompt {
    pub(crate) epoch: Epoch,
    /// The user's last event.
    pub(crate) after: Sequence,
    pub(crate) asked: PermissionSet,
    /// Who has to answer, where that is known.
    pub(crate) expected: Option<MicrosoftIdentity>,
    /// Whether it is known so well that nobody need confirm it.
    pub(crate) vouched: bool,
    /// With which account to sign in.
    pub(crate) sign_in: SignInWith,
}

/// With which account a user is to sign in at Microsoft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignInWith {
    /// Whoever has a session there. Anybody else than expected is refused.
    Any,
    Hinted(LoginHint),
    /// Microsoft asks.
    Chosen,
}

impl SignInWith {
    /// Where nobody is expected, or the last one was somebody else, a silent sign-in could be anybody's.
    pub(crate) fn choose(
        is_somebody_expected: bool,
        was_mistaken: bool,
        hint: Option<LoginHint>,
    ) -> Self {
        match hint {
            _ if was_mistaken => Self::Chosen,
            Some(hint) => Self::Hinted(hint),
            None if is_somebody_expected => Self::Any,
            None => Self::Chosen,
        }
    }

    pub(crate) const fn choice(&self) -> AccountChoice<'_> {
        match self {
            Self::Any => AccountChoice::Silent,
            Self::Hinted(hint) => AccountChoice::Hinted(hint),
            Self::Chosen => AccountChoice::SelectAccount,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_signed_in_silently_who_could_be_anybody() {
        let hint = LoginHint::parse("ana@contoso.example").unwrap();
        let hinted = SignInWith::Hinted(hint.clone());
        for (is_expected, was_mistaken, hint, with) in [
            (true, false, None, SignInWith::Any),
            (true, false, Some(&hint), hinted.clone()),
            (false, false, Some(&hint), hinted),
            (false, false, None, SignInWith::Chosen),
            (true, true, None, SignInWith::Chosen),
            (true, true, Some(&hint), SignInWith::Chosen),
        ] {
            let found = SignInWith::choose(is_expected, was_mistaken, hint.cloned());
            assert_eq!(found, with, "{is_expected} {was_mistaken} {hint:?}");
        }
    }
}
