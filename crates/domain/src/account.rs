//! The state of an account, and how events change it.

use crate::event::{AdminConsentGranted, Event, ModeChanged};
use crate::ids::{ConsentId, Epoch, Sequence, Tenant};
use crate::mode::{AuthorizationMethod, EmailSync, Mode};
use crate::permissions::PermissionSet;

/// What is known of a company. Its default is a valid account: nothing happened yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Who gives consent.
    pub authorization: Authorization,
    /// How much e-mail users may grant. It rests while an administrator's consent rules.
    pub email_sync: EmailSync,
    /// How often the method has changed.
    pub epoch: Epoch,
    /// The company's last event.
    pub last_sequence: Sequence,
}

/// The authorization method, with what is known under it only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// Each user picks.
    UserIndividual {
        /// A consent recorded just now, which the very next event rests on. The two are
        /// appended as one, so nobody finds an account at rest in between.
        awaiting_switch: Option<Consent>,
    },
    /// The administrator decided for everyone.
    AdminConfigured {
        /// The consent in force.
        consent: Consent,
    },
}

impl Default for Authorization {
    fn default() -> Self {
        Self::UserIndividual {
            awaiting_switch: None,
        }
    }
}

/// An administrator's consent, as far as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its name.
    pub id: ConsentId,
    /// What it allows at most.
    pub permissions: PermissionSet,
    /// Whose users it is for.
    pub tenant: Tenant,
    /// The event that recorded it.
    pub recorded_at: Sequence,
}

/// An event that can't follow what is known. Something wrote to the log that is not us,
/// or the log is damaged: the aggregate must not be believed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IllegalEvent {
    /// Its sequence is not above the last one.
    #[error("the event is not newer than the last one of its aggregate")]
    OutOfOrder,
    /// The event belongs to another aggregate.
    #[error("the event belongs to another kind of aggregate")]
    WrongAggregate,
    /// The event changes from a mode that the account is not in.
    #[error("the event changes from a mode that the account is not in")]
    FromAnotherMode,
    /// The event claims to change the mode, and does not.
    #[error("the event says that the mode changed, but from and to are the same")]
    NoChange,
    /// The event switches to the administrator's method without resting on the consent just given.
    #[error("the switch to the administrator's method does not rest on the consent just given")]
    WithoutConsent,
}

impl AccountState {
    /// The authorization method.
    pub const fn method(&self) -> AuthorizationMethod {
        match self.authorization {
            Authorization::UserIndividual { .. } => AuthorizationMethod::UserIndividual,
            Authorization::AdminConfigured { .. } => AuthorizationMethod::AdminConfigured,
        }
    }

    /// Method and e-mail sync together.
    pub const fn mode(&self) -> Mode {
        Mode {
            method: self.method(),
            email_sync: self.email_sync,
        }
    }

    /// The administrator's consent in force, if there is one.
    pub const fn consent(&self) -> Option<&Consent> {
        match &self.authorization {
            Authorization::UserIndividual { .. } => None,
            Authorization::AdminConfigured { consent } => Some(consent),
        }
    }

    /// What is known after one more event of this company.
    pub fn evolve(self, sequence: Sequence, event: &Event) -> Result<Self, IllegalEvent> {
        if sequence <= self.last_sequence {
            return Err(IllegalEvent::OutOfOrder);
        }
        let next = match event {
            Event::ModeChanged(changed) => self.after_change(changed)?,
            Event::AdminConsentGranted(granted) => self.after_consent(sequence, granted),
            Event::UserScopeGranted(_) | Event::UserScopeRevoked(_) => {
                return Err(IllegalEvent::WrongAggregate);
            }
        };
        Ok(Self {
            last_sequence: sequence,
            ..next
        })
    }

    fn after_consent(self, sequence: Sequence, granted: &AdminConsentGranted) -> Self {
        let consent = Consent {
            id: granted.consent,
            permissions: granted.permissions,
            tenant: granted.tenant,
            recorded_at: sequence,
        };
        let authorization = match self.authorization {
            Authorization::UserIndividual { .. } => Authorization::UserIndividual {
                awaiting_switch: Some(consent),
            },
            Authorization::AdminConfigured { .. } => Authorization::AdminConfigured { consent },
        };
        Self {
            authorization,
            ..self
        }
    }

    fn after_change(self, changed: &ModeChanged) -> Result<Self, IllegalEvent> {
        if changed.from != self.mode() {
            return Err(IllegalEvent::FromAnotherMode);
        }
        if changed.from == changed.to {
            return Err(IllegalEvent::NoChange);
        }
        let same_method = changed.from.method == changed.to.method;
        let authorization = if same_method {
            self.authorization.clone()
        } else {
            match changed.to.method {
                AuthorizationMethod::UserIndividual => Authorization::default(),
                AuthorizationMethod::AdminConfigured => Authorization::AdminConfigured {
                    consent: self.consent_for(changed)?,
                },
            }
        };
        Ok(Self {
            authorization,
            email_sync: changed.to.email_sync,
            epoch: if same_method {
                self.epoch
            } else {
                self.epoch.next()
            },
            last_sequence: self.last_sequence,
        })
    }

    /// The consent that a switch to the administrator's method rests on.
    fn consent_for(&self, changed: &ModeChanged) -> Result<Consent, IllegalEvent> {
        match &self.authorization {
            Authorization::UserIndividual {
                awaiting_switch: Some(consent),
            } if changed.consent == Some(consent.id) => Ok(consent.clone()),
            Authorization::UserIndividual { .. } | Authorization::AdminConfigured { .. } => {
                Err(IllegalEvent::WithoutConsent)
            }
        }
    }
}
