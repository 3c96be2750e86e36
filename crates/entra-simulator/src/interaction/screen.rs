//! What people are asked, what they may answer, and what their browser shows.

use std::collections::BTreeSet;

use crate::aadsts::{Aadsts, Code, Surface};
use crate::admin_consent::AdminConsentRequest;
use crate::authority::Authority;
use crate::authorize::AuthorizeRequest;
use crate::identifiers::ObjectId;
use crate::way_back::{Return, WayBack};

/// What brought the browser here.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    AdminConsent(AdminConsentRequest),
    Authorize(AuthorizeRequest),
}

impl Request {
    pub(crate) fn authority(&self) -> Authority {
        match self {
            Self::AdminConsent(request) => request.authority,
            Self::Authorize(request) => request.authority,
        }
    }

    /// The account hinted at, if any.
    pub(crate) fn login_hint(&self) -> Option<&str> {
        match self {
            Self::AdminConsent(_) => None,
            Self::Authorize(request) => request.login_hint.as_deref(),
        }
    }

    /// The way back.
    pub(super) fn back(&self) -> &WayBack {
        match self {
            Self::AdminConsent(request) => &request.back,
            Self::Authorize(request) => &request.back,
        }
    }

    /// Back, with a no.
    pub(super) fn declined(&self, base_url: &str) -> Return {
        match self {
            Self::AdminConsent(request) => request.declined(base_url),
            Self::Authorize(request) => {
                let error = Code::UserDeclinedConsent.at(Surface::Authorize);
                request.back.refused(&error, base_url)
            }
        }
    }
}

/// What somebody is asked to consent to.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Delegated permissions.
    pub(crate) scopes: BTreeSet<String>,
    /// Application permissions.
    pub(crate) app_roles: BTreeSet<String>,
    /// Whether the answer is for the whole organisation in any case.
    pub(crate) for_organization: bool,
    /// Whether the answer may be for the whole organisation.
    pub(crate) offers_organization: bool,
}

/// Where a signed-in person stands with a request.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// Nothing to ask: back to the application.
    Done(Return),
    /// They are asked.
    Ask(Question),
    /// They may not consent, and cannot go on.
    NeedsApproval(Aadsts),
    /// This account cannot be used here.
    WrongAccount(Aadsts),
}

/// What the browser shows next.
#[derive(Clone, Debug)]
pub(crate) enum Screen {
    /// Back to the application.
    Return(Return),
    PickAccount {
        interaction: String,
        request: Request,
    },
    Consent {
        interaction: String,
        request: Request,
        user: ObjectId,
        question: Question,
    },
    NeedsApproval {
        interaction: String,
        error: Aadsts,
    },
    WrongAccount {
        interaction: String,
        error: Aadsts,
    },
    /// Nothing can be done here.
    DeadEnd(Aadsts),
}

/// A request that cannot even begin.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// There is no safe way back: a page says what is wrong.
    Page(Aadsts),
    /// Back to the application with an error.
    Return(Return),
}

impl From<Refusal> for Screen {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Page(error) => Self::DeadEnd(error),
            Refusal::Return(back) => Self::Return(back),
        }
    }
}

/// What was clicked.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Accept {
        /// "Consent on behalf of your organization".
        for_organization: bool,
        /// Only these of what was asked, where given.
        only: Option<BTreeSet<String>>,
    },
    Decline,
    Cancel,
}
