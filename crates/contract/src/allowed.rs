//! What may be done, in words that can't be misread.
//!
//! In a permission set an e-mail level of `"none"` is a text, which is true in JavaScript and Python. So every answer
//! and change also lists what is allowed, and what is not in the list is not.

use assent_domain::permissions::{EmailLevel, Permission, PermissionSet as DomainPermissionSet};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::values::PermissionSet;

/// Something that may be done with a user's mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum AllowedAction {
    /// Read and write the calendar.
    #[serde(rename = "calendar")]
    Calendar,
    /// Read the contacts.
    #[serde(rename = "contacts")]
    Contacts,
    /// Send e-mail: at both levels.
    #[serde(rename = "email.send")]
    EmailSend,
    /// Read and synchronize e-mail: at the full level only.
    #[serde(rename = "email.read")]
    EmailRead,
}

impl AllowedAction {
    /// Each, in the order in which they are listed.
    pub const ALL: [Self; 4] = [
        Self::Calendar,
        Self::Contacts,
        Self::EmailSend,
        Self::EmailRead,
    ];

    /// As the wire says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Contacts => "contacts",
            Self::EmailSend => "email.send",
            Self::EmailRead => "email.read",
        }
    }

    /// The one that the wire calls so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }

    /// The permission that it belongs to.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Calendar => Permission::Calendar,
            Self::Contacts => Permission::Contacts,
            Self::EmailSend | Self::EmailRead => Permission::Email,
        }
    }
}

/// All that may be done for a user now; an empty list is nothing. It says the same as `effective`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Allowed(Vec<AllowedAction>);

impl Allowed {
    /// Whether it is allowed.
    pub fn contains(&self, action: AllowedAction) -> bool {
        self.0.contains(&action)
    }
}

impl From<DomainPermissionSet> for Allowed {
    fn from(set: DomainPermissionSet) -> Self {
        let (send, read) = match set.email {
            EmailLevel::None => (false, false),
            EmailLevel::Limited => (true, false),
            EmailLevel::Full => (true, true),
        };
        let all = [
            (set.calendar, AllowedAction::Calendar),
            (set.contacts, AllowedAction::Contacts),
            (send, AllowedAction::EmailSend),
            (read, AllowedAction::EmailRead),
        ];
        let allowed = all.into_iter().filter(|(is_allowed, _)| *is_allowed);
        Self(allowed.map(|(_, action)| action).collect())
    }
}

impl From<PermissionSet> for Allowed {
    fn from(set: PermissionSet) -> Self {
        DomainPermissionSet::from(set).into()
    }
}

/// What this program does not know is left out: it does not do it.
impl<'de> Deserialize<'de> for Allowed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Entry {
            Known(AllowedAction),
            Unknown(IgnoredAny),
        }
        let entries = Vec::<Entry>::deserialize(from)?;
        let known = entries.into_iter().filter_map(|entry| match entry {
            Entry::Known(action) => Some(action),
            Entry::Unknown(_) => None,
        });
        Ok(Self(known.collect()))
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::permissions::{EmailLevel, PermissionSet};
    use serde_json::json;

    use super::{Allowed, AllowedAction};

    #[test]
    fn each_level_of_email_says_what_it_allows() {
        for (email, expected) in [
            (EmailLevel::None, json!(["calendar"])),
            (EmailLevel::Limited, json!(["calendar", "email.send"])),
            (
                EmailLevel::Full,
                json!(["calendar", "email.send", "email.read"]),
            ),
        ] {
            let set = PermissionSet {
                calendar: true,
                contacts: false,
                email,
            };
            assert_eq!(serde_json::to_value(Allowed::from(set)).unwrap(), expected);
        }
    }

    #[test]
    fn each_is_called_as_it_is_written() {
        for action in AllowedAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
            assert_eq!(AllowedAction::parse(action.as_str()), Some(action));
        }
        assert_eq!(AllowedAction::parse("email"), None);
    }

    #[test]
    fn nothing_is_an_empty_list() {
        let allowed = Allowed::from(PermissionSet::NOTHING);
        assert_eq!(serde_json::to_string(&allowed).unwrap(), "[]");
    }

    #[test]
    fn an_unknown_word_is_passed_over() {
        let read: Allowed = serde_json::from_value(json!(["tasks", "contacts"])).unwrap();
        let contacts = PermissionSet {
            contacts: true,
            ..PermissionSet::NOTHING
        };
        assert_eq!(read, Allowed::from(contacts));
    }
}
