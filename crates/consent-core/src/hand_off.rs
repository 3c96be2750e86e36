//! The link that somebody who may not consent forwards to an administrator.
//!
//! It opens a page of ours, lives for days, and works for an administrator who has no account in the host application:
//! whoever has the link may read what is asked, and begin. What it begins is an ordinary, short-lived flow, which
//! proves an administrator exactly as any other does. The link itself proves nothing and grants nothing.
//!
//! ```text
//! waiting ──open──▶ opened ──begin──▶ started ──claim──▶ completing ──▶ completed
//!                     ▲                  │ a refusal          │
//!                     └──────────────────┴────────────────────┘        cancelled, expired
//! ```

mod index;
mod store;
mod token;

use assent_contract::values::{PermissionSet as WirePermissionSet, Tenant, text};
use assent_domain::ids::{AccountId, Epoch, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::cutoff::{Generation, Present};
pub use assent_contract::words::HandOffState;

use crate::flow::HandOffPurpose;
use crate::names::Names;
use crate::secrets::Digest;

pub use store::HandOffStore;
pub use token::HandOffToken;

/// How long the records are kept, so that a Super Admin sees what became of a link.
pub const KEPT_FOR: std::time::Duration = std::time::Duration::from_hours(90 * 24);

/// A gateway that died while it recorded gives the link free again after this time.
const CLAIM_LIFETIME: SignedDuration = SignedDuration::from_mins(1);

/// One link, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HandOff {
    /// The hand-off's id. It is no secret, and opens nothing.
    pub id: Uuid,
    /// Whose account it is about.
    #[serde(with = "text")]
    pub account: AccountId,
    /// The user of the host application who asks.
    #[serde(with = "text")]
    pub requested_by: UserId,
    /// That user's generation. The store notes it, and lets a link of another one be outdated.
    #[serde(flatten)]
    pub(crate) generation: Generation,
    /// The epoch that it ends with. A link that names none was made by a release that noted none, and is outdated.
    #[serde(default)]
    pub(crate) made_in: Option<u64>,
    /// What it stands on is gone: its maker's right, or the epoch. Found out whenever it is read.
    #[serde(skip)]
    pub(crate) is_outdated: bool,
    /// Who asks, and for whom.
    #[serde(default)]
    pub names: Names,
    /// What the administrator is asked to do.
    #[serde(rename = "aim")]
    pub purpose: HandOffPurpose,
    /// What they are asked to consent to.
    pub permissions: WirePermissionSet,
    /// The Super Admin knows better than what was seen of mailboxes.
    #[serde(default)]
    pub(crate) mailboxes_in_exchange_online: bool,
    /// The tenant to ask, where it is known.
    pub tenant: Option<Tenant>,
    /// The domain that the tenant was found by.
    #[serde(default)]
    pub tenant_domain: Option<String>,
    /// What the link proves itself with.
    pub(crate) secret: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it may be used.
    pub expires_at: Timestamp,
    /// When somebody first looked at it.
    pub opened_at: Option<Timestamp>,
    /// How far it has come.
    pub stage: HandOffStage,
}

/// How far it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandOffStage {
    /// Nobody is at Microsoft.
    Idle,
    /// Somebody went to Microsoft.
    Started {
        /// When.
        at: Timestamp,
        /// The flow.
        flow: Uuid,
    },
    /// Somebody was at Microsoft, and it did not come to a consent. The link can be used again.
    Refused {
        /// When.
        at: Timestamp,
        /// Why, as one of the codes of the API.
        code: String,
    },
    /// Microsoft's answer is being recorded.
    Completing {
        /// When.
        at: Timestamp,
        /// The flow.
        flow: Uuid,
    },
    /// An administrator consented.
    Completed {
        /// When.
        at: Timestamp,
        /// The administrator, by their object id.
        granted_by: Uuid,
    },
    /// Somebody took it back.
    Cancelled {
        /// When it was cancelled.
        at: Timestamp,
        /// Who cancelled it.
        #[serde(with = "text")]
        by: UserId,
    },
}

/// Why a link can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOffClosed {
    /// An administrator has consented already.
    Completed,
    /// The link was taken back.
    Cancelled,
    /// Its time is over.
    Expired,
    /// The company decided otherwise since, or its maker may not ask any more.
    Outdated,
    /// Somebody's consent is being recorded this very moment.
    Completing,
}

impl HandOff {
    /// Whether both are what one form asked for.
    fn is_the_same_as(&self, other: &Self) -> bool {
        self.requested_by == other.requested_by && self.secret.as_str() == other.secret.as_str()
    }

    /// The company as it is now: a link ends with the epoch that it was made in.
    pub(crate) fn note_epoch(&mut self, present: Epoch) {
        self.is_outdated |= self.made_in != Some(present.0);
    }

    /// The maker as they are now.
    pub(crate) fn note_generation(&mut self, present: &Present) {
        self.is_outdated |= !present.is(&self.generation);
    }

    /// Somebody looks at the page. Looking costs nothing: programs that scan mail look, too.
    pub(crate) fn note_opened(&mut self, now: Timestamp) {
        self.opened_at.get_or_insert(now);
    }

    /// Somebody goes to Microsoft. They have proved nothing, so it costs the link nothing.
    pub(crate) fn begin(&mut self, flow: Uuid, now: Timestamp) -> Result<(), HandOffClosed> {
        self.require_open(now)?;
        self.note_opened(now);
        self.stage = HandOffStage::Started { at: now, flow };
        Ok(())
    }

    /// A flow of this link has its answer and is about to record it. From here on the link can't be cancelled: either
    /// the consent or the cancellation comes first. A flow that was begun in time may end after the link's.
    pub(crate) fn claim(&mut self, flow: Uuid, now: Timestamp) -> Result<(), HandOffClosed> {
        match self.require_open(now) {
            // What it could not record a moment ago is tried again.
            Err(HandOffClosed::Completing) if self.is_claimed_by(flow) => {}
            Ok(()) | Err(HandOffClosed::Expired) => {}
            Err(closed) => return Err(closed),
        }
        self.stage = HandOffStage::Completing { at: now, flow };
        Ok(())
    }

    fn is_claimed_by(&self, flow: Uuid) -> bool {
        matches!(&self.stage, HandOffStage::Completing { flow: claimed, .. } if *claimed == flow)
    }

    /// The administrator's consent is recorded.
    pub(crate) fn complete(&mut self, granted_by: Uuid, now: Timestamp) {
        self.stage = HandOffStage::Completed {
            at: now,
            granted_by,
        };
    }

    /// A flow of this link ended without a consent. Only the newest one says how the link stands.
    pub(crate) fn refused(&mut self, flow: Uuid, code: &str, now: Timestamp) {
        match &self.stage {
            HandOffStage::Started { flow: last, .. }
            | HandOffStage::Completing { flow: last, .. }
                if *last == flow =>
            {
                self.stage = HandOffStage::Refused {
                    at: now,
                    code: code.to_owned(),
                };
            }
            HandOffStage::Idle
            | HandOffStage::Started { .. }
            | HandOffStage::Refused { .. }
            | HandOffStage::Completing { .. }
            | HandOffStage::Completed { .. }
            | HandOffStage::Cancelled { .. } => {}
        }
    }

    /// Somebody takes it back.
    pub(crate) fn cancel(&mut self, by: UserId, now: Timestamp) -> Result<(), HandOffClosed> {
        match self.require_open(now) {
            Ok(()) => {}
            // It is so already, one way or the other.
            Err(HandOffClosed::Cancelled | HandOffClosed::Expired | HandOffClosed::Outdated) => {
                return Ok(());
            }
            Err(closed) => return Err(closed),
        }
        self.stage = HandOffStage::Cancelled { at: now, by };
        Ok(())
    }

    /// Whether the link can be used.
    pub fn require_open(&self, now: Timestamp) -> Result<(), HandOffClosed> {
        match self.stage {
            HandOffStage::Completed { .. } => Err(HandOffClosed::Completed),
            HandOffStage::Cancelled { .. } => Err(HandOffClosed::Cancelled),
            HandOffStage::Completing { at, .. } if now < at + CLAIM_LIFETIME => {
                Err(HandOffClosed::Completing)
            }
            HandOffStage::Idle
            | HandOffStage::Started { .. }
            | HandOffStage::Refused { .. }
            | HandOffStage::Completing { .. }
                if self.is_outdated =>
            {
                Err(HandOffClosed::Outdated)
            }
            HandOffStage::Idle
            | HandOffStage::Started { .. }
            | HandOffStage::Refused { .. }
            | HandOffStage::Completing { .. } => {
                if self.expires_at <= now {
                    Err(HandOffClosed::Expired)
                } else {
                    Ok(())
                }
            }
        }
    }

    /// How it stands.
    pub fn state(&self, now: Timestamp) -> HandOffState {
        if let Err(HandOffClosed::Expired | HandOffClosed::Outdated) = self.require_open(now) {
            return HandOffState::Expired;
        }
        match self.stage {
            HandOffStage::Idle if self.opened_at.is_none() => HandOffState::Waiting,
            HandOffStage::Idle => HandOffState::Opened,
            HandOffStage::Started { .. } | HandOffStage::Completing { .. } => HandOffState::Started,
            HandOffStage::Refused { .. } => HandOffState::Refused,
            HandOffStage::Completed { .. } => HandOffState::Completed,
            HandOffStage::Cancelled { .. } => HandOffState::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests;
