//! Whether what is held has a use. Pure: what is effective is given.

use assent_contract::values::PersonId;
use assent_token_vault::TokenRecord;

use crate::permissions::Permitted;

/// Why a token is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    NothingEffective,
    AnotherMailbox,
    EarlierEpoch,
}

impl Ending {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NothingEffective => "nothing_effective",
            Self::AnotherMailbox => "another_mailbox",
            Self::EarlierEpoch => "earlier_epoch",
        }
    }
}

/// Whose mailbox a record is for.
pub(crate) const fn mailbox(record: &TokenRecord) -> PersonId {
    PersonId {
        tenant_id: record.tenant_id,
        object_id: record.object_id,
    }
}

/// Why what is held has no use any more, if it has none. `permitted` reflects the consent that it came with. A user who is
/// blocked has nothing effective for now, and keeps it.
pub(crate) fn ending(permitted: &Permitted, record: &TokenRecord) -> Option<Ending> {
    if permitted.is_blocked {
        None
    } else if permitted.effective.is_nothing() {
        Some(Ending::NothingEffective)
    } else if permitted.mailbox != Some(mailbox(record)) {
        Some(Ending::AnotherMailbox)
    } else if is_of_this_epoch(permitted, record) {
        None
    } else {
        Some(Ending::EarlierEpoch)
    }
}

/// A record that notes no epoch is of this one where that can be seen all the same: no other has been; or it came after the
/// consent that began this one, or after the last event of a user for whom something is effective. Else nobody knows, and the
/// user connects once more.
fn is_of_this_epoch(permitted: &Permitted, record: &TokenRecord) -> bool {
    match record.epoch {
        Some(epoch) => epoch == permitted.epoch,
        None => {
            permitted.epoch == 0
                || permitted.users_last_event <= record.sequence
                || permitted
                    .consent_recorded_at
                    .is_some_and(|at| at <= record.sequence)
        }
    }
}

/// Whether Microsoft has said yes to it since the user or the company decided anything. What was decided later may not be known
/// everywhere at Microsoft.
pub(crate) const fn is_confirmed(permitted: &Permitted, record: &TokenRecord) -> bool {
    permitted.last_event <= record.confirmed
}

#[cfg(test)]
mod tests;
