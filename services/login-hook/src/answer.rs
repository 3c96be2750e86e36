//! What the host application is told.

use assent_contract::allowed::Allowed;
use assent_contract::values::{Method, PermissionSet};
pub(crate) use assent_contract::words::{DecisionKind, Reason};
use assent_domain::permissions::PermissionSet as DomainPermissionSet;
use assent_metrics::login::{DECISIONS, DEGRADED};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The answer to one login.
///
/// `missing` is exact: with `prompt` it is what Microsoft will be asked for. With every other
/// decision it is what of the wanted permissions is not effective, of those that can be had at
/// all: within the e-mail level that the company allows its users, or within the
/// administrator's consent. Where neither is known (nothing could be asked, or what is there
/// can't be read) it is all that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LoginDecision, description = "The answer to one login.")]
// Nothing is read; the description says by it that there are no other fields.
#[serde(deny_unknown_fields)]
pub(crate) struct LoginAnswer {
    /// proceed: go on. prompt: send the browser to authorize_url. auto_grant: go on, what the administrator consented to was
    /// granted just now. reauthenticate: send the browser to authorize_url where there is one; else have the user sign in
    /// through Microsoft, at the tenant that tenant_id names.
    /// unavailable: go on, nothing can be had for whoever signed in so; reason says why.
    pub(crate) decision: DecisionKind,
    /// Why. Some that need a sentence for the person: another_tenant (reauthenticate): the sign-in was at another tenant than
    /// the one where the administrator consented. guest (unavailable): the ID token is a guest's (acct 1, or an idp that is
    /// not the tenant itself, or a name with #EXT#), whose mailbox is in the tenant that they come from; there they can sign
    /// in. personal_account (unavailable): a personal Microsoft account, which is in no company's tenant; a work account can
    /// be connected. unsupported_cloud (unavailable): the tenant is in a national cloud. consent_withdrawn (reauthenticate):
    /// Microsoft has said that the administrator's consent is withdrawn; authorize_url passes Microsoft without a page where
    /// it lives again, and coming back records the grant.
    pub(crate) reason: Reason,
    /// The company's authorization method; null where it is not known.
    #[schema(required)]
    pub(crate) method: Option<Method>,
    /// What may be done for the user from now on; nothing, where it is not known, and for whoever signed in as another
    /// Microsoft identity than the user's grants are of.
    pub(crate) effective: PermissionSet,
    /// What `effective` allows, as a list, which holds what may be done and nothing else.
    pub(crate) allowed: Allowed,
    /// With prompt: what Microsoft will be asked for. Else: what of the wanted permissions is not effective, of those within
    /// the company's e-mail level or the administrator's consent; all that is wanted, where neither is known.
    pub(crate) missing: PermissionSet,
    /// What of the missing permissions this user or this tenant is known to need an administrator for; absent, if nothing is.
    /// Microsoft is not asked for it: offer a link for an administrator (POST /v1/accounts/{account}/hand-offs of the
    /// gateway).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) needs_approval: Option<PermissionSet>,
    /// With prompt, and with consent_withdrawn: where to send the browser. Absent where the flow could not be begun, which is
    /// a degraded answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uri, nullable = false)]
    pub(crate) authorize_url: Option<String>,
    /// Something is effective, and no refresh token of this mailbox is held for syncing it. Send the browser there once: it
    /// passes Microsoft without a page, and returns with outcome=completed; or with outcome=undetermined and
    /// reason=interaction_required, login_required or consent_required, where nothing has changed and the next login offers
    /// it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uri, nullable = false)]
    pub(crate) connect_url: Option<String>,
    /// With reauthenticate: the tenant to sign in at, where the company's administrator consented.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) tenant_id: Option<Uuid>,
    /// Something was away, so that less is answered than could have been.
    pub(crate) degraded: bool,
    /// How much of the log the answer reflects; null where it is not known.
    #[schema(required)]
    pub(crate) sequence: Option<u64>,
}

impl LoginAnswer {
    /// The login goes on, and nothing is known: so nothing is allowed.
    pub(crate) fn unknown(reason: Reason, wanted: DomainPermissionSet) -> Self {
        Self {
            decision: DecisionKind::Proceed,
            reason,
            method: None,
            effective: DomainPermissionSet::NOTHING.into(),
            allowed: DomainPermissionSet::NOTHING.into(),
            missing: wanted.into(),
            needs_approval: None,
            authorize_url: None,
            connect_url: None,
            tenant_id: None,
            degraded: true,
            sequence: None,
        }
    }

    /// Counts the answer, for operators.
    pub(crate) fn count(&self) {
        DECISIONS
            .with([self.decision.as_str(), self.reason.as_str()])
            .increment(1);
        if self.degraded {
            DEGRADED.increment(1);
        }
    }
}
