//! What is told of each limit.

use crate::limits::Limit;

/// What there was too much of, and what to do now; for people and programs alike.
pub(super) const fn sentence(limit: Limit) -> &'static str {
    match limit {
        Limit::Starts => {
            "you began more than 60 requests at Microsoft within a minute; go on with one of them, or wait a minute \
             and begin again"
        }
        Limit::LinkStarts => {
            "this link is being used very often at this moment; it stays as it is, so wait a minute and try again"
        }
        Limit::Lookups => {
            "more than 30 organisations at Microsoft were looked up for this account within a minute; wait a minute, \
             or go on without naming the organisation"
        }
        Limit::Writes => {
            "the settings of this account were changed too many times within a short time, so nothing was changed now; \
             wait a moment and try again"
        }
        Limit::Revocations => {
            "you took permissions back too many times within a short time; what is off stays off, so wait a moment and \
             look again"
        }
        Limit::LinksADay => {
            "you made 20 links for an administrator within a day; send one that is still open, or make another tomorrow"
        }
        Limit::Voids => {
            "as many messages of the log are void as may be, so no more can be declared so; find out who writes them"
        }
        Limit::OpenLinks => {
            "too many links for an administrator are open in this account; cancel some first"
        }
        Limit::Waits => {
            "too many reads of this account are waiting for a write; ask again in a moment, or without at_least"
        }
    }
}

/// What a limit allows, for descriptions of the API.
pub const fn limit_rule(limit: Limit) -> &'static str {
    match limit {
        Limit::Starts => "more than 60 flows begun by a user within a minute",
        Limit::LinkStarts => {
            "more than 2 flows a second begun through a link, beyond bursts of 300; the link stays as it is"
        }
        Limit::Lookups => {
            "more than 30 names looked up at Microsoft for an account within a minute"
        }
        Limit::Writes => "more than 50 changes of an account a second, beyond bursts of 1000",
        Limit::Revocations => {
            "more than 5 revocations of a user a second, beyond bursts of 100; no other limit refuses a revocation"
        }
        Limit::LinksADay => "20 links made by a user within a day",
        Limit::OpenLinks => "20 links of an account open at once",
        Limit::Waits => "32 reads of an account waiting for a write already (at_least)",
        Limit::Voids => "as many messages of the log void as may be",
    }
}
