//! Whether a message on a subject of changes is one of ours, and true.

use assent_contract::change::ChangeMessage;
use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_domain::ids::AccountId;
use assent_messaging::{Position, Stamp, Told};
use assent_permission_store::{ReadError, Reading};
use serde::Deserialize;

use super::message::{change_message, nothing};

/// A message in the form of ours: headers, body and subject agree with one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OurMessage {
    pub(super) aggregate: Aggregate,
    pub(super) change: ChangeMessage,
    /// Absent in one of the time before messages carried it.
    pub(super) position: Option<Position>,
}

/// What the view says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageVerdict {
    /// The message says what the view says.
    True,
    /// The message speaks of an earlier state than the view's.
    Earlier,
    /// The message speaks of events that the view has not seen yet.
    Later,
    /// It says "nothing" of somebody whom a message blocked that is void by now: it was so, or is so
    /// to a replica that has not heard of it yet.
    Unblocked,
    /// The message says something else than the view.
    Wrong,
}

/// The message as one of ours; `None` for anybody else's.
pub(super) fn ours(heard: &Told) -> Option<OurMessage> {
    let change: ChangeMessage = serde_json::from_slice(&heard.payload).ok()?;
    let aggregate = match (&change.user_id, change.effective) {
        (None, None) => Aggregate::Account(change.account_id.clone()),
        (Some(user), Some(_)) => Aggregate::User(change.account_id.clone(), user.clone()),
        (None, Some(_)) | (Some(_), None) => return None,
    };
    let (sequence, position) = match &heard.stamp {
        Stamp::Old { sequence, .. } if change.log.is_none() => (*sequence, None),
        Stamp::Full { sequence, position } if change.log.as_ref() == Some(&position.log) => {
            (*sequence, Some(position.clone()))
        }
        Stamp::Missing | Stamp::Old { .. } | Stamp::Full { .. } => return None,
    };
    let agree = sequence == change.sequence && heard.subject == names::change_subject(&aggregate);
    agree.then_some(OurMessage {
        aggregate,
        change,
        position,
    })
}

/// Whether what it says is what the view says, void messages left aside.
pub(super) fn against_view(
    reading: &Reading<'_>,
    ours: &OurMessage,
) -> Result<MessageVerdict, ReadError> {
    if reading.sequence().0 < ours.change.sequence {
        return Ok(MessageVerdict::Later);
    }
    let stands = reading
        .current_change(&ours.aggregate)?
        .unwrap_or_else(|| nothing(ours.aggregate.clone(), assent_domain::ids::Sequence(0)));
    if ours.change.sequence < stands.sequence.0 {
        return Ok(MessageVerdict::Earlier);
    }
    let stands = change_message(&stands);
    // What was told before there was the list has none.
    let lists_the_same = ours.change.allowed.is_none() || ours.change.allowed == stands.allowed;
    let same = lists_the_same
        && (ours.change.method, ours.change.effective) == (stands.method, stands.effective);
    Ok(if same {
        MessageVerdict::True
    } else {
        MessageVerdict::Wrong
    })
}

/// What somebody who follows the changes may have taken from a message, read as carelessly as
/// anybody might: of which log, and as of which event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Believed {
    pub(super) log: Option<String>,
    pub(super) sequence: u64,
}

#[derive(Deserialize)]
struct Careless {
    account_id: String,
    user_id: Option<String>,
    sequence: u64,
    log: Option<String>,
}

pub(super) fn believed(heard: &Told) -> Option<Believed> {
    let careless: Careless = serde_json::from_slice(&heard.payload).ok()?;
    let account = AccountId::parse(&careless.account_id).ok()?;
    let aggregate = match careless.user_id {
        None => Aggregate::Account(account),
        Some(user) => Aggregate::User(account, assent_domain::ids::UserId::parse(&user).ok()?),
    };
    (names::change_subject(&aggregate) == heard.subject).then_some(Believed {
        log: careless.log,
        sequence: careless.sequence,
    })
}
