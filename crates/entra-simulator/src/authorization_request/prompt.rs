//! The documented values of `prompt`.

use crate::aadsts::{Aadsts, Code, Surface};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Unset,
    Login,
    None,
    Consent,
    SelectAccount,
}

impl Prompt {
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Aadsts> {
        match text {
            None => Ok(Self::Unset),
            Some("login") => Ok(Self::Login),
            Some("none") => Ok(Self::None),
            Some("consent") => Ok(Self::Consent),
            Some("select_account") => Ok(Self::SelectAccount),
            Some(other) => Err(Code::InvalidRequest
                .error_on(Surface::Authorize)
                .with_message(format!("Unsupported 'prompt' value '{other}'."))),
        }
    }

    pub(crate) fn insists_on_sign_in(self) -> bool {
        match self {
            Self::Login | Self::SelectAccount => true,
            Self::Unset | Self::None | Self::Consent => false,
        }
    }
}
