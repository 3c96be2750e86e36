//! How a company lets consent be given.

use crate::permissions::{EmailLevel, PermissionSet};

/// Who gives consent in an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AuthorizationMethod {
    /// Each user picks, and can revoke at any time.
    #[default]
    UserIndividual,
    /// An Office 365 administrator consented once for all; users can neither grant nor
    /// revoke.
    AdminConfigured,
}

/// How much e-mail the company lets its users grant. Never the single user's choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum EmailSync {
    /// Sending only.
    Limited,
    /// Sending, reading and syncing.
    #[default]
    Full,
}

impl EmailSync {
    /// The e-mail level that this setting stands for.
    pub const fn level(self) -> EmailLevel {
        match self {
            Self::Limited => EmailLevel::Limited,
            Self::Full => EmailLevel::Full,
        }
    }

    /// The most that a user may have under it.
    pub const fn cap(self) -> PermissionSet {
        PermissionSet {
            calendar: true,
            contacts: true,
            email: self.level(),
        }
    }
}

/// The two settings that `ModeChanged` speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Mode {
    /// Who gives consent.
    pub method: AuthorizationMethod,
    /// How much e-mail users may grant.
    pub email_sync: EmailSync,
}
