//! What people are asked, what they may answer, and what their browser shows.

use std::collections::BTreeSet;

use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::authorization_request::{AdminConsentRequest, AuthorizeRequest, RequestRefusal};
use crate::clock::Moment;
use crate::identifiers::{ClientId, ObjectId, TenantId};
use crate::return_target::{BrowserReturn, ReturnTarget};

/// What brought the browser here.
#[derive(Clone, Debug)]
pub(crate) enum PageRequest {
    AdminConsent(AdminConsentRequest),
    Authorize(AuthorizeRequest),
}

impl PageRequest {
    pub(crate) fn authority(&self) -> Authority {
        match self {
            Self::AdminConsent(request) => request.authority,
            Self::Authorize(request) => request.authority,
        }
    }

    pub(crate) fn client(&self) -> ClientId {
        match self {
            Self::AdminConsent(request) => request.client,
            Self::Authorize(request) => request.client,
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
    pub(crate) fn return_target(&self) -> &ReturnTarget {
        match self {
            Self::AdminConsent(request) => &request.return_target,
            Self::Authorize(request) => &request.return_target,
        }
    }

    /// Back, with a no.
    pub(crate) fn declined(&self, base_url: &str) -> BrowserReturn {
        match self {
            Self::AdminConsent(request) => request.declined(base_url),
            Self::Authorize(request) => {
                let error = Code::UserDeclinedConsent.error_on(Surface::Authorize);
                request.return_target.with_error(&error, base_url)
            }
        }
    }
}

/// Who is in front of the browser, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedIn {
    pub(crate) tenant: TenantId,
    pub(crate) user: ObjectId,
    pub(crate) at: Moment,
}

/// A visit that is not over.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) browser: String,
    pub(crate) request: PageRequest,
    pub(crate) user: Option<SignedIn>,
    pub(crate) expires_at: i64,
}

/// What somebody is asked to consent to.
#[derive(Clone, Debug)]
pub(crate) struct ConsentPrompt {
    /// Delegated permissions.
    pub(crate) scopes: BTreeSet<String>,
    /// Application permissions.
    pub(crate) app_roles: BTreeSet<String>,
    /// Whether the answer is for the whole organisation in any case.
    pub(crate) for_organization: bool,
    /// Whether the answer may be for the whole organisation.
    pub(crate) offers_organization: bool,
}

/// What a signed-in person has to do before the request is granted.
#[derive(Clone, Debug)]
pub(crate) enum ConsentCheck {
    /// Nothing to ask: back to the application.
    Done(BrowserReturn),
    /// The person is asked.
    Ask(ConsentPrompt),
    /// The person may not consent, and cannot go on.
    NeedsApproval(Aadsts),
    /// The account cannot be used here.
    WrongAccount(Aadsts),
}

/// What the browser shows next.
#[derive(Clone, Debug)]
pub(crate) enum Screen {
    /// Back to the application.
    Return(BrowserReturn),
    PickAccount {
        interaction: String,
        request: PageRequest,
    },
    Consent {
        interaction: String,
        request: PageRequest,
        user: ObjectId,
        prompt: ConsentPrompt,
    },
    NeedsApproval {
        interaction: String,
        error: Aadsts,
    },
    WrongAccount {
        interaction: String,
        error: Aadsts,
    },
    /// Nobody is signed in any more.
    SignedOut,
    /// Nothing can be done here.
    DeadEnd(Aadsts),
}

impl From<RequestRefusal> for Screen {
    fn from(refusal: RequestRefusal) -> Self {
        match refusal {
            RequestRefusal::Page(error) => Self::DeadEnd(error),
            RequestRefusal::Return(back) => Self::Return(back),
        }
    }
}

/// What was clicked.
#[derive(Clone, Debug)]
pub(crate) enum ConsentAnswer {
    Accept {
        /// "Consent on behalf of your organization".
        for_organization: bool,
        /// Only these of what was asked, where given.
        only: Option<BTreeSet<String>>,
    },
    Decline,
    Cancel,
}
