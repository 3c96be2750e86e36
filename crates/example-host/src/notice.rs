//! Notices: what the pages tell a person about Microsoft 365, and what they offer.

use uuid::Uuid;

/// A message on the home page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) offer: Option<Offer>,
}

/// What a person can do about a notice: a button or a link below its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Sign in at this tenant's own page, where it matters which. At everybody's page people are signed in to their own.
    SignInThroughMicrosoft { tenant: Option<Uuid> },
    /// Open Settings > My account.
    MyAccountSettings,
}
