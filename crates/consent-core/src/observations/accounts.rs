//! With which Microsoft accounts a user came, so that nobody is led into the same mismatch twice.
//!
//! Microsoft signs in silently whoever has a session in the browser, and an account, or its whole tenant, can be gone for
//! good. Neither can be seen beforehand; both show in how a flow ends.
//!
//! A decline on the log names no Microsoft account, because Microsoft's answer names none. Whom the flow expected is noted
//! here, so that an answer counts for whoever was asked, and not for the next account of the same user.

use assent_contract::values::{Identity, Permission, PersonId, kinds_from_list, kinds_to_list};
use assent_domain::ids::{Epoch, MicrosoftIdentity};
use assent_domain::permissions::{Kinds, PermissionSet};
use assent_domain::refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::flow::{FlowOutcome, Purpose};

/// So many accounts of one user are kept in mind. Whoever is forgotten is asked once more.
const MOST_DECLINED: usize = 8;

/// What is known of a user's Microsoft accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Accounts {
    /// The user's last flow was finished by another account than expected, so Microsoft has to ask which one it is.
    pub(super) mistaken: bool,
    /// The last administrator's flow that the user began, or let others begin by a link, was finished by another account than
    /// expected.
    pub(super) administrator_mistaken: bool,
    /// The account of the user's grants, where Microsoft said that nobody can sign in with it there.
    pub(super) gone: Option<Identity>,
    /// The epoch of what follows.
    epoch: u64,
    /// Who said no, the latest last.
    declined: Vec<Declined>,
    /// What is answered on the log by nothing but these.
    answered_by_these: Vec<Permission>,
}

/// A no at Microsoft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Declined {
    by: Identity,
    permissions: Vec<Permission>,
}

impl Accounts {
    /// Whether Microsoft has to ask which account it is, whoever is expected.
    pub(crate) const fn mistaken(&self) -> bool {
        self.mistaken
    }

    /// Whether Microsoft has to ask which account it is that accepts as an administrator.
    pub(crate) const fn administrator_mistaken(&self) -> bool {
        self.administrator_mistaken
    }

    /// Whether nobody can sign in with this account any more.
    pub(crate) fn is_gone(&self, identity: MicrosoftIdentity) -> bool {
        self.gone.map(MicrosoftIdentity::from) == Some(identity)
    }

    /// Whether somebody is known to have said no who was another than this account.
    pub(crate) fn somebody_else_declined(&self, account: PersonId) -> bool {
        let mut declined = self.declined.iter();
        declined.any(|no| PersonId::from(MicrosoftIdentity::from(no.by)) != account)
    }

    /// What this account has answered, of what the log says is answered; `None` where the log is about another mailbox.
    pub(crate) fn answered_by(
        &self,
        epoch: Epoch,
        identity: MicrosoftIdentity,
        on_the_log: Option<Kinds>,
    ) -> Kinds {
        if self.epoch != epoch.0 {
            return on_the_log.unwrap_or(Kinds::NONE);
        }
        let own = self
            .declined
            .iter()
            .find(|no| MicrosoftIdentity::from(no.by) == identity)
            .map_or(Kinds::NONE, |no| kinds_from_list(&no.permissions));
        let others = kinds_from_list(&self.answered_by_these);
        own.union(on_the_log.unwrap_or(Kinds::NONE).without(others))
    }

    /// Somebody said no, probably whom the flow expected; `answered` is what the log called answered before.
    pub(crate) fn declined(
        &mut self,
        epoch: Epoch,
        by: MicrosoftIdentity,
        asked: Kinds,
        answered: Kinds,
    ) {
        if self.epoch != epoch.0 {
            self.epoch = epoch.0;
            self.declined.clear();
            self.answered_by_these.clear();
        }
        let before = self.answered_by(epoch, by, None);
        self.declined
            .retain(|no| MicrosoftIdentity::from(no.by) != by);
        self.declined.push(Declined {
            by: by.into(),
            permissions: kinds_to_list(before.union(asked)),
        });
        let too_many = self.declined.len().saturating_sub(MOST_DECLINED);
        self.declined.drain(..too_many);
        let others = kinds_from_list(&self.answered_by_these);
        self.answered_by_these = kinds_to_list(others.union(asked.without(answered)));
    }

    /// A flow has ended.
    pub(crate) fn note_outcome(&mut self, purpose: &Purpose, outcome: &FlowOutcome) {
        let is_complete = matches!(outcome, FlowOutcome::Completed(_));
        match (purpose, outcome.refusal()) {
            (Purpose::OwnConsent { asked, .. }, _) if is_complete => {
                self.mistaken = false;
                self.gone = None;
                let asked = PermissionSet::from(*asked).kinds();
                let others = kinds_from_list(&self.answered_by_these);
                self.answered_by_these = kinds_to_list(others.without(asked));
            }
            (Purpose::AdministratorConsent { .. }, _) if is_complete => {
                self.administrator_mistaken = false;
            }
            (
                Purpose::OwnConsent { .. },
                Some(Refusal::IdentityMismatch | Refusal::TenantMismatch),
            ) => self.mistaken = true,
            (
                Purpose::AdministratorConsent { .. },
                Some(Refusal::NotAnAdministrator | Refusal::TenantMismatch),
            ) => self.administrator_mistaken = true,
            (
                Purpose::OwnConsent { .. }
                | Purpose::AdministratorConsent { .. }
                | Purpose::Connection { .. },
                _,
            ) => {}
        }
    }

    /// Microsoft said of the tenant or the account that a flow expected that it is not there.
    pub(crate) fn refused_there(&mut self, expected: MicrosoftIdentity) {
        self.gone = Some(expected.into());
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::{Cloud, ObjectId, Tenant, TenantId};
    use uuid::Uuid;

    use super::*;
    use crate::flow::{FlowFailure, Route};
    use crate::names::Names;

    fn own() -> Purpose {
        Purpose::OwnConsent {
            asked: PermissionSet::EVERYTHING.into(),
            begun_in: 0,
            begun_after: 0,
            expected: None,
            vouched: false,
        }
    }

    fn administrators() -> Purpose {
        Purpose::AdministratorConsent {
            permissions: PermissionSet::EVERYTHING.into(),
            begun_in: Some(0),
            tenant: None,
            tenant_domain: None,
            route: Route::Direct,
            names: Names::default(),
        }
    }

    fn identity(object_id: u128) -> MicrosoftIdentity {
        MicrosoftIdentity {
            tenant: Tenant {
                cloud: Cloud::Worldwide,
                id: TenantId(Uuid::nil()),
            },
            object_id: ObjectId(Uuid::from_u128(object_id)),
        }
    }

    #[test]
    fn a_mistake_is_remembered_until_the_right_one_came() {
        for (purpose, refusals) in [
            (own(), [Refusal::IdentityMismatch, Refusal::TenantMismatch]),
            (
                administrators(),
                [Refusal::NotAnAdministrator, Refusal::TenantMismatch],
            ),
        ] {
            for refusal in refusals {
                let mut accounts = Accounts::default();
                accounts.note_outcome(&purpose, &FlowOutcome::Refused(refusal));
                let known = (accounts.mistaken(), accounts.administrator_mistaken());
                let is_own = matches!(purpose, Purpose::OwnConsent { .. });
                assert_eq!(known, (is_own, !is_own), "{refusal:?}");
                // What says nothing of the account leaves it as it is, the other kind of flow as well.
                let other = if is_own { administrators() } else { own() };
                accounts.note_outcome(&other, &FlowOutcome::completed());
                accounts.note_outcome(&purpose, &FlowOutcome::Refused(Refusal::Undetermined));
                accounts.note_outcome(
                    &purpose,
                    &FlowOutcome::Failed(FlowFailure::InteractionRequired),
                );
                let now = (accounts.mistaken(), accounts.administrator_mistaken());
                assert_eq!(now, known);
                accounts.note_outcome(&purpose, &FlowOutcome::completed());
                assert_eq!(accounts, Accounts::default());
            }
        }
    }

    #[test]
    fn only_that_account_is_gone_and_only_until_somebody_came() {
        let mut accounts = Accounts::default();
        accounts.refused_there(identity(1));
        assert!(accounts.is_gone(identity(1)) && !accounts.is_gone(identity(2)));
        accounts.note_outcome(&own(), &FlowOutcome::completed());
        assert!(!accounts.is_gone(identity(1)));
    }

    #[test]
    fn an_answer_is_whose_it_was() {
        const EPOCH: Epoch = Epoch(1);
        let kinds = kinds_from_list;
        let (old, new) = (identity(1), identity(2));
        let (email, calendar) = (kinds(&[Permission::Email]), kinds(&[Permission::Calendar]));
        let both = email.union(calendar);
        let mut accounts = Accounts::default();
        // Nothing is known: an answer counts for whoever comes.
        assert!(!accounts.somebody_else_declined(new.into()));
        assert_eq!(accounts.answered_by(EPOCH, new, Some(both)), both);

        // The calendar was answered before, by whomever; the e-mail by the old account alone.
        accounts.declined(EPOCH, old, both, calendar);
        for (who, is_other, answered) in [(old, false, both), (new, true, calendar)] {
            assert_eq!(accounts.somebody_else_declined(who.into()), is_other);
            assert_eq!(accounts.answered_by(EPOCH, who, Some(both)), answered);
        }
        // Where the log is about another mailbox, only what an account itself said counts for it.
        assert_eq!(accounts.answered_by(EPOCH, new, None), Kinds::NONE);
        accounts.declined(EPOCH, new, email, both);
        assert_eq!(accounts.answered_by(EPOCH, new, None), email);
        assert_eq!(accounts.answered_by(EPOCH, new, Some(both)), both);

        // Whoever was asked and granted it, and takes it back later, has answered.
        accounts.note_outcome(&own(), &FlowOutcome::completed());
        let third = identity(3);
        assert_eq!(accounts.answered_by(EPOCH, third, Some(both)), both);
        // A change of method is a new start.
        assert_eq!(accounts.answered_by(EPOCH.next(), old, None), Kinds::NONE);
        accounts.declined(EPOCH.next(), third, email, Kinds::NONE);
        assert_eq!(accounts.answered_by(EPOCH.next(), old, None), Kinds::NONE);
    }

    #[test]
    fn so_many_are_kept_in_mind() {
        let mut accounts = Accounts::default();
        let email = kinds_from_list(&[Permission::Email]);
        for number in 0..20 {
            accounts.declined(Epoch(0), identity(number), email, Kinds::NONE);
        }
        assert_eq!(accounts.declined.len(), MOST_DECLINED);
        assert_eq!(accounts.answered_by(Epoch(0), identity(19), None), email);
        assert_eq!(
            accounts.answered_by(Epoch(0), identity(0), None),
            Kinds::NONE
        );
    }

    #[test]
    fn a_record_of_another_release_is_read() {
        let read: Accounts = serde_json::from_str(r#"{"later": 1}"#).unwrap();
        assert_eq!(read, Accounts::default());
    }
}
