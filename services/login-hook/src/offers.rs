//! The passages that were offered a moment ago. One is good for a quarter of an hour, and once; so who signs in again is offered
//! the same, until it was used: the gateway tells when.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::names::{CONNECTIONS_ENDED, user_of_connection_ended};
use assent_messaging::{Connection, ConnectionState, SubscribeError};
use futures::StreamExt as _;

use crate::remembered::{Key, Remembered};
use crate::whose::{HeldFor, Whose};

/// Offered again for so long at least, and twice as long at most: where its end is told to nobody, that is how long one that was
/// used is offered in vain.
const HALF_LIFE: Duration = Duration::from_mins(1);
/// How many are remembered, at 1 to 2 KiB.
const MOST: usize = 10_000;

/// Who was offered what.
#[derive(Debug)]
pub(crate) struct Offers {
    connection: Connection,
    offered: Remembered<Arc<Offer>>,
}

struct Offer {
    held_for: HeldFor,
    return_to: Option<String>,
    address: String,
    heard: Heard,
}

/// What has been heard since: all, while these stay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    connects: u64,
    dropped: u64,
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer").finish_non_exhaustive()
    }
}

impl Offers {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            offered: Remembered::new(HALF_LIFE, MOST),
        }
    }

    /// What this user was offered, if that is good: for the same mailbox and the same events, with the same way back, and not
    /// used, as far as that would have been heard.
    pub(crate) fn find(&self, whose: &Whose, return_to: Option<&str>) -> Option<String> {
        let offer = self.offered.get(&whose.key())?;
        let is_good = offer.held_for == whose.held_for
            && offer.return_to.as_deref() == return_to
            && self.heard() == Some(offer.heard);
        is_good.then(|| offer.address.clone())
    }

    /// From when on the end of what is offered is heard; nothing while NATS is away.
    pub(crate) fn heard(&self) -> Option<Heard> {
        (self.connection.state() == ConnectionState::Connected).then(|| Heard {
            connects: self.connection.connects(),
            dropped: self.connection.dropped_messages(),
        })
    }

    /// `heard` is from before it was begun.
    pub(crate) fn note(
        &self,
        whose: &Whose,
        return_to: Option<String>,
        address: String,
        heard: Option<Heard>,
    ) {
        if let Some(heard) = heard {
            let offer = Offer {
                held_for: whose.held_for,
                return_to,
                address,
                heard,
            };
            self.offered.note(whose.key(), Arc::new(offer));
        }
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.offered.forget(key);
    }
}

/// Listens for the ends of passages.
pub(crate) async fn follow(
    offers: Arc<Offers>,
) -> Result<impl Future<Output = ()> + Send + use<>, SubscribeError> {
    let mut ends = offers.connection.subscribe(CONNECTIONS_ENDED).await?;
    Ok(async move {
        while let Some(end) = ends.next().await {
            if let Some(key) = user_of_connection_ended(&end.subject) {
                offers.forget(&key);
            }
        }
    })
}
