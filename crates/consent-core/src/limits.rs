//! How much one user, one account or one link may ask for, so that nobody takes the gateway from the others.
//!
//! Rates are counted by each replica on its own, in bounded memory: they protect what a replica has, and forgetting
//! them at a restart harms nobody. What has to hold for longer than that (open flows, links of a day) is kept with the
//! records themselves, in `flow` and `hand_off`.
//!
//! A revocation is counted by itself and by user: somebody's no is never refused because others keep an account busy.
//! What a flow ends in is not counted at all: it was when the flow began.

mod rate;
mod waits;

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use assent_domain::ids::{AccountId, UserId};
use governor::Quota;
use governor::clock::{Clock, MonotonicClock};
use uuid::Uuid;

use rate::Rate;
use waits::{Waiting, Waits};

/// How many flows a user may have open; one more, and the oldest ends.
pub(crate) const OPEN_FLOWS_OF_A_USER: usize = 10;
/// How many passages without a page a user's logins may have open.
pub(crate) const OPEN_CONNECTIONS_OF_A_USER: usize = 5;
/// How many flows a link may have open: many people may have been forwarded it.
pub(crate) const OPEN_FLOWS_OF_A_LINK: usize = 50;
/// How many links a user may make within a day.
pub(crate) const LINKS_A_DAY: usize = 20;
/// How many links of an account may be open at once. More would only make it unclear which of them is meant.
pub(crate) const OPEN_LINKS: usize = 20;
/// How many reads of an account may wait for a write at once.
const WAITS: usize = 32;

const STARTS: Quota = Quota::per_minute(times(60));
const LINK_STARTS: Quota = Quota::per_second(times(2)).allow_burst(times(300));
const LOOKUPS: Quota = Quota::per_minute(times(30));
const WRITES: Quota = Quota::per_second(times(50)).allow_burst(times(1_000));
const REVOCATIONS: Quota = Quota::per_second(times(5)).allow_burst(times(100));

const fn times(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Flows begun by a user within a minute.
    Starts,
    /// Flows begun through a link within a short time.
    LinkStarts,
    /// Names looked up at Microsoft for an account within a minute.
    Lookups,
    /// Changes of an account within a second.
    Writes,
    /// Revocations of a user within a second.
    Revocations,
    /// Links of a user within a day.
    LinksADay,
    /// Links of an account that are open.
    OpenLinks,
    /// Reads of an account that wait for a write.
    Waits,
    /// Messages of the log that are void.
    Voids,
}

impl Limit {
    /// A stable name, for the metric.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starts => "starts",
            Self::LinkStarts => "link_starts",
            Self::Lookups => "lookups",
            Self::Writes => "writes",
            Self::Revocations => "revocations",
            Self::LinksADay => "links_a_day",
            Self::OpenLinks => "open_links",
            Self::Waits => "waits",
            Self::Voids => "voids",
        }
    }
}

/// A limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// Which limit was reached.
    pub limit: Limit,
    /// After how long it makes sense to try again.
    pub retry_after: Duration,
}

/// Counts what is asked for.
pub struct Limits<C: Clock + Clone = MonotonicClock> {
    starts: Rate<(AccountId, UserId), C>,
    link_starts: Rate<(AccountId, Uuid), C>,
    lookups: Rate<AccountId, C>,
    writes: Rate<AccountId, C>,
    revocations: Rate<(AccountId, UserId), C>,
    waits: Waits,
}

impl Default for Limits {
    fn default() -> Self {
        Self::with_clock(MonotonicClock)
    }
}

impl<C: Clock + Clone> Limits<C> {
    /// Limits that know the time from this clock.
    pub(crate) fn with_clock(clock: C) -> Self {
        Self {
            starts: Rate::new(STARTS, clock.clone()),
            link_starts: Rate::new(LINK_STARTS, clock.clone()),
            lookups: Rate::new(LOOKUPS, clock.clone()),
            writes: Rate::new(WRITES, clock.clone()),
            revocations: Rate::new(REVOCATIONS, clock),
            waits: Waits::new(WAITS),
        }
    }

    /// A user begins a flow.
    pub(crate) fn start(&self, account: &AccountId, user: &UserId) -> Result<(), Limited> {
        self.starts
            .take(&(account.clone(), user.clone()))
            .map_err(Limit::Starts.reached())
    }

    /// Somebody who was forwarded a link begins a flow.
    pub(crate) fn start_through_link(
        &self,
        account: &AccountId,
        link: Uuid,
    ) -> Result<(), Limited> {
        self.link_starts
            .take(&(account.clone(), link))
            .map_err(Limit::LinkStarts.reached())
    }

    /// Microsoft is asked about a name that somebody typed.
    pub(crate) fn look_up(&self, account: &AccountId) -> Result<(), Limited> {
        self.lookups.take(account).map_err(Limit::Lookups.reached())
    }

    /// A command may append to the log.
    pub(crate) fn write(&self, account: &AccountId) -> Result<(), Limited> {
        self.writes.take(account).map_err(Limit::Writes.reached())
    }

    /// A user takes permissions back.
    pub(crate) fn revoke(&self, account: &AccountId, user: &UserId) -> Result<(), Limited> {
        self.revocations
            .take(&(account.clone(), user.clone()))
            .map_err(Limit::Revocations.reached())
    }

    /// A read waits for a write, for as long as what this returns lives.
    pub(crate) fn wait(&self, account: &AccountId) -> Result<Waiting<'_>, Limited> {
        let waiting = self.waits.begin(account);
        waiting.ok_or_else(|| Limit::Waits.reached()(Duration::from_secs(1)))
    }
}

impl Limit {
    /// This limit was reached, and the time after which to try again comes from whoever counts.
    fn reached(self) -> impl FnOnce(Duration) -> Limited {
        move |retry_after| Limited {
            limit: self,
            retry_after,
        }
    }
}

impl<C: Clock + Clone> fmt::Debug for Limits<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
