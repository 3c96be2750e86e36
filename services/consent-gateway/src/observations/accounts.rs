//! With which Microsoft accounts a user came, so that nobody is led into the same mismatch twice.
//!
//! Microsoft signs in silently whoever has a session in the browser, and an account, or its whole tenant, can be gone for
//! good. Neither can be seen beforehand; both show in how a flow ends.

use assent_contract::values::Identity;
use assent_domain::ids::MicrosoftIdentity;
use assent_domain::refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::flow::{Ending, Purpose};

/// What is known of a user's Microsoft accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Accounts {
    /// The user's last flow was finished by another account than expected, so Microsoft has to ask which one it is.
    pub(super) mistaken: bool,
    /// The same of the last administrator's flow that the user began, or let others begin by a link.
    pub(super) administrator_mistaken: bool,
    /// The account of the user's grants, where Microsoft said that nobody can sign in with it there.
    pub(super) gone: Option<Identity>,
}

impl Accounts {
    /// Whether Microsoft has to ask which account it is, whoever is expected.
    pub(crate) const fn mistaken(&self) -> bool {
        self.mistaken
    }

    /// The same of whoever accepts as an administrator.
    pub(crate) const fn administrator_mistaken(&self) -> bool {
        self.administrator_mistaken
    }

    /// Whether nobody can sign in with this account any more.
    pub(crate) fn is_gone(&self, identity: MicrosoftIdentity) -> bool {
        self.gone.map(MicrosoftIdentity::from) == Some(identity)
    }

    /// A flow has ended.
    pub(crate) fn ended(&mut self, purpose: &Purpose, ending: &Ending) {
        match (purpose, ending) {
            (Purpose::OwnConsent { .. }, Ending::Completed(_)) => {
                self.mistaken = false;
                self.gone = None;
            }
            (Purpose::AdministratorConsent { .. }, Ending::Completed(_)) => {
                self.administrator_mistaken = false;
            }
            (
                Purpose::OwnConsent { .. },
                Ending::Refused(Refusal::IdentityMismatch | Refusal::TenantMismatch),
            ) => self.mistaken = true,
            (
                Purpose::AdministratorConsent { .. },
                Ending::Refused(Refusal::NotAnAdministrator | Refusal::TenantMismatch),
            ) => self.administrator_mistaken = true,
            (
                Purpose::OwnConsent { .. } | Purpose::AdministratorConsent { .. },
                Ending::Refused(_) | Ending::SetBack(_),
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
    use assent_domain::permissions::PermissionSet;
    use uuid::Uuid;

    use super::*;
    use crate::flow::{Route, Setback};
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
                accounts.ended(&purpose, &Ending::Refused(refusal));
                let known = (accounts.mistaken(), accounts.administrator_mistaken());
                let is_own = matches!(purpose, Purpose::OwnConsent { .. });
                assert_eq!(known, (is_own, !is_own), "{refusal:?}");
                // What says nothing of the account leaves it as it is, the other kind of flow as well.
                let other = if is_own { administrators() } else { own() };
                accounts.ended(&other, &Ending::completed());
                accounts.ended(&purpose, &Ending::Refused(Refusal::Undetermined));
                accounts.ended(&purpose, &Ending::SetBack(Setback::InteractionRequired));
                let now = (accounts.mistaken(), accounts.administrator_mistaken());
                assert_eq!(now, known);
                accounts.ended(&purpose, &Ending::completed());
                assert_eq!(accounts, Accounts::default());
            }
        }
    }

    #[test]
    fn only_that_account_is_gone_and_only_until_somebody_came() {
        let mut accounts = Accounts::default();
        accounts.refused_there(identity(1));
        assert!(accounts.is_gone(identity(1)) && !accounts.is_gone(identity(2)));
        accounts.ended(&own(), &Ending::completed());
        assert!(!accounts.is_gone(identity(1)));
    }

    #[test]
    fn a_record_of_another_release_is_read() {
        let read: Accounts = serde_json::from_str(r#"{"later": 1}"#).unwrap();
        assert_eq!(read, Accounts::default());
    }
}
