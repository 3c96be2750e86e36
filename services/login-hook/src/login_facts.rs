//! What is known of a user at a login, and the answers that are made of it.

use assent_contract::command::{AutomaticGrantRecorded, UserConsentBegun};
use assent_contract::values::{Method, Permission, kinds_from_list};
use assent_domain::account::AccountState;
use assent_domain::ids::ConsentId;
use assent_domain::permissions::PermissionSet;
use uuid::Uuid;

use crate::answer::{DecisionKind, LoginAnswer, Reason};

/// What the projection said, as the answer needs it.
pub(crate) struct LoginFacts {
    pub(crate) method: Method,
    /// What of the wanted permissions can be had at all.
    pub(crate) attainable: PermissionSet,
    /// What the administrator's consent still gives though something of it was withdrawn, and nobody has granted yet.
    pub(crate) still_given: PermissionSet,
    /// As far as the host application may act on this sign-in.
    pub(crate) effective: PermissionSet,
    /// Whether whoever signed in is who the user's grants are of.
    pub(crate) is_their_mailbox: bool,
    /// The consent of the administrator who decides for everyone.
    pub(crate) consent: Option<ConsentId>,
    /// Where that was given.
    pub(crate) consents_tenant: Option<Uuid>,
    pub(crate) sequence: u64,
}

impl LoginFacts {
    /// As they are once an automatic grant is recorded.
    pub(crate) fn after(self, recorded: &AutomaticGrantRecorded) -> Self {
        Self {
            effective: recorded.effective.into(),
            sequence: recorded.sequence,
            ..self
        }
    }

    /// Where to sign in is told, too: the consent's tenant has its own sign-in page.
    pub(crate) fn reauthenticate(&self, reason: Reason) -> LoginAnswer {
        LoginAnswer {
            tenant_id: self.consents_tenant,
            ..self.answer(DecisionKind::Reauthenticate, reason)
        }
    }

    /// A flow has begun, for what can be had of what is missing.
    pub(crate) fn prompt(
        &self,
        (missing, reason): (PermissionSet, Reason),
        begun: UserConsentBegun,
    ) -> LoginAnswer {
        let asked_for = |permissions: &[Permission]| missing.only(kinds_from_list(permissions));
        LoginAnswer {
            missing: asked_for(&begun.permissions).into(),
            needs_approval: unless_nothing(asked_for(&begun.needs_approval)),
            authorize_url: Some(begun.authorize_url),
            ..self.answer(DecisionKind::Prompt, reason)
        }
    }

    /// Microsoft would only say once more that an administrator has to approve.
    pub(crate) fn needing_approval(&self, missing: PermissionSet) -> LoginAnswer {
        LoginAnswer {
            needs_approval: unless_nothing(missing),
            ..self.answer(DecisionKind::Proceed, Reason::AdministratorApprovalRequired)
        }
    }

    pub(crate) fn answer(&self, decision: DecisionKind, reason: Reason) -> LoginAnswer {
        LoginAnswer {
            decision,
            reason,
            method: Some(self.method),
            effective: self.effective.into(),
            allowed: self.effective.into(),
            missing: self.attainable.missing_from(self.effective).into(),
            needs_approval: None,
            authorize_url: None,
            connect_url: None,
            tenant_id: None,
            degraded: false,
            sequence: Some(self.sequence),
        }
    }
}

/// What of the wanted permissions can be had in an account at all.
pub(crate) fn attainable(account: &AccountState, wanted: PermissionSet) -> PermissionSet {
    wanted.meet(match account.consent() {
        Some(consent) => consent.permissions,
        None => account.email_sync.cap(),
    })
}

fn unless_nothing(permissions: PermissionSet) -> Option<assent_contract::values::PermissionSet> {
    (!permissions.is_nothing()).then(|| permissions.into())
}
