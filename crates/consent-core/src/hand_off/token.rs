//! What a link carries: which hand-off, and the secret that only somebody knows who was given the link.

use std::fmt;

use assent_domain::ids::AccountId;
use assent_microsoft_identity::random_token;
use uuid::Uuid;

use super::HandOff;
use crate::lenient_address;
use crate::secrets::Digest;
use crate::session::SessionSecret;

/// The last part of a link's address.
#[derive(Clone)]
pub struct HandOffToken {
    pub(crate) account: AccountId,
    pub(crate) id: Uuid,
    secret: String,
}

impl HandOffToken {
    /// A fresh one.
    pub(crate) fn new(account: AccountId, id: Uuid) -> Self {
        Self {
            account,
            id,
            secret: random_token(),
        }
    }

    /// The one that this session's form makes, however often it is sent. Nobody else can make it.
    pub fn of_form(account: AccountId, id: Uuid, session: &SessionSecret) -> Self {
        Self {
            secret: session.link_secret(id),
            account,
            id,
        }
    }

    /// Reads one, whatever was added to it on the way. `None` for anything that can't be ours.
    pub fn parse(text: &str) -> Option<Self> {
        // From the end: an account's id may hold dots.
        let mut parts = lenient_address::strip_added(text).rsplitn(3, '.');
        let secret = parts.next()?.to_owned();
        Some(Self {
            id: Uuid::try_parse(parts.next()?).ok()?,
            account: AccountId::parse(parts.next()?).ok()?,
            secret,
        })
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> Digest {
        Digest::compute(&self.secret)
    }

    /// Whether it opens this one.
    pub(crate) fn opens(&self, hand_off: &HandOff) -> bool {
        hand_off.secret.is_of(&self.secret)
    }

    /// What goes into the address.
    pub fn expose(&self) -> String {
        format!("{}.{}.{}", self.account, self.id.simple(), self.secret)
    }
}

impl fmt::Debug for HandOffToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandOffToken({}, ..)", self.id)
    }
}
