//! Which links an account has, and how many a user made today. A small record each, so that making and listing links
//! costs the same however many there have been.

use assent_contract::values::text;
use assent_domain::ids::UserId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::HandOff;
use crate::limits::{LINKS_A_DAY, OPEN_LINKS};

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// How many links of an account are listed; older ones that are over are forgotten first.
pub(super) const MOST_LISTED: usize = 100;

/// The newest links of an account, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HandOffsOfAccount {
    links: Vec<Listed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    id: Uuid,
    #[serde(with = "text")]
    by: UserId,
    expires_at: Timestamp,
    /// Whether the link was seen to be over. A link that is over may not have been seen to be.
    is_over: bool,
}

impl HandOffsOfAccount {
    /// The newest first; `only_of`: those that this user made.
    pub(super) fn newest(&self, only_of: Option<&UserId>) -> impl Iterator<Item = Uuid> {
        let links = self.links.iter().rev();
        links
            .filter(move |link| only_of.is_none_or(|user| link.by == *user))
            .map(|link| link.id)
    }

    /// The links that may be open.
    pub(super) fn open(&self, now: Timestamp) -> Vec<Uuid> {
        let links = self.links.iter();
        links
            .filter(|link| link.is_open(now))
            .map(|link| link.id)
            .collect()
    }

    pub(super) fn has_room(&self, now: Timestamp) -> bool {
        self.open(now).len() < OPEN_LINKS
    }

    /// These were seen to be over.
    pub(super) fn mark_over(&mut self, ids: &[Uuid]) {
        for link in &mut self.links {
            link.is_over |= ids.contains(&link.id);
        }
    }

    /// One more. An open one is never forgotten for it: there is a way to cancel each.
    pub(super) fn add(&mut self, link: &HandOff, now: Timestamp) {
        self.links.push(Listed {
            id: link.id,
            by: link.requested_by.clone(),
            expires_at: link.expires_at,
            is_over: false,
        });
        while self.links.len() > MOST_LISTED {
            let oldest = self.links.iter().position(|link| !link.is_open(now));
            self.links.remove(oldest.unwrap_or(0));
        }
    }
}

impl Listed {
    fn is_open(&self, now: Timestamp) -> bool {
        !self.is_over && self.expires_at > now
    }
}

/// When a user made links, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HandOffsOfUser {
    made_at: Vec<Timestamp>,
}

impl HandOffsOfUser {
    /// One more, or after how long there may be one more.
    pub(super) fn add(&mut self, now: Timestamp) -> Result<(), SignedDuration> {
        // Should a clock have been ahead, what it noted counts for a day from now at most.
        self.made_at
            .retain(|made_at| *made_at <= now + A_DAY && *made_at + A_DAY > now);
        match self.made_at.first() {
            Some(oldest) if self.made_at.len() >= LINKS_A_DAY => {
                Err((*oldest + A_DAY).duration_since(now))
            }
            Some(_) | None => {
                self.made_at.push(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
