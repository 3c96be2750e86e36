//! Where a user's mailbox is.

use assent_contract::words::{MailboxState, Remark};
use assent_microsoft_identity::MailboxLocation;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A mailbox, as it was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mailbox {
    /// Where the mailbox is.
    pub state: MailboxState,
    /// When it was looked for.
    pub(crate) checked_at: Timestamp,
}

impl Mailbox {
    pub(crate) fn seen(location: MailboxLocation, now: Timestamp) -> Self {
        let state = match location {
            MailboxLocation::ExchangeOnline => MailboxState::Available,
            MailboxLocation::OnPremises => MailboxState::OnPremisesExchange,
            MailboxLocation::Unlicensed | MailboxLocation::Missing => {
                MailboxState::MailboxUnavailable
            }
            MailboxLocation::Unknown(_) => MailboxState::Unknown,
        };
        Self {
            state,
            checked_at: now,
        }
    }

    /// The mailbox was looked for, and there was no answer in time.
    pub(crate) fn not_seen(now: Timestamp) -> Self {
        Self {
            state: MailboxState::Unknown,
            checked_at: now,
        }
    }

    /// What is known after this was seen: an answer that says nothing leaves what was known.
    pub(super) fn or_known(self, known: Option<Self>) -> Self {
        match (self.state, known) {
            (MailboxState::Unknown, Some(known)) => known,
            (MailboxState::Unknown, None)
            | (
                MailboxState::Available
                | MailboxState::OnPremisesExchange
                | MailboxState::MailboxUnavailable,
                _,
            ) => self,
        }
    }

    /// What there is to say of it, where it can't be synced.
    pub(crate) const fn remark(self) -> Option<Remark> {
        match self.state {
            MailboxState::OnPremisesExchange => Some(Remark::OnPremisesExchange),
            MailboxState::MailboxUnavailable => Some(Remark::MailboxUnavailable),
            MailboxState::Available | MailboxState::Unknown => None,
        }
    }
}
