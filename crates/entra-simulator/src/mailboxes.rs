//! What is in people's mailboxes: messages, events and contacts, each with all its properties. Pure.
//!
//! Nothing is ever really gone: what was removed stays behind as its id, so that whoever asks for changes is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::sample::Sample;
use crate::directory::User;
use crate::identifiers::ObjectId;
use crate::random;

mod sample;

/// So many things fit into a mailbox.
pub(crate) const CAPACITY: usize = 20_000;

/// What is in a mailbox that nobody has put anything into.
const AT_FIRST: Sample = Sample {
    messages: 25,
    events: 6,
    contacts: 4,
};

/// What a thing in a mailbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Message,
    Event,
    Contact,
}

/// Where messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    Inbox,
    SentItems,
}

impl Folder {
    pub(crate) const ALL: [Self; 2] = [Self::Inbox, Self::SentItems];

    /// Its well-known name, which also serves as its id.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::SentItems => "sentitems",
        }
    }

    pub(crate) fn display_name(self) -> &'static str {
        match self {
            Self::Inbox => "Inbox",
            Self::SentItems => "Sent Items",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|folder| folder.id().eq_ignore_ascii_case(name))
    }
}

/// One thing in a mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// Of a message.
    pub(crate) folder: Option<Folder>,
    /// When it came or begins, and when it ends: seconds since 1970.
    pub(crate) begins: i64,
    pub(crate) ends: i64,
    /// The mailbox's revision that it came or went with.
    pub(crate) revision: u64,
    pub(crate) removed: bool,
    /// As Graph shows it, all of it.
    pub(crate) properties: Map<String, Value>,
}

/// A mailbox.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    revision: u64,
    items: Vec<Item>,
}

impl Contents {
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// What is there, as it came.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.removed)
    }

    /// What came or went after one revision and up to another.
    pub(crate) fn changed(&self, after: u64, up_to: u64) -> impl Iterator<Item = &Item> {
        self.items
            .iter()
            .filter(move |item| after < item.revision && item.revision <= up_to)
    }

    /// Puts something in, unless the mailbox is full. Its id is made here.
    pub(crate) fn add(
        &mut self,
        kind: Kind,
        folder: Option<Folder>,
        (begins, ends): (i64, i64),
        mut properties: Map<String, Value>,
    ) -> Option<&Item> {
        if self.items.len() >= CAPACITY {
            return None;
        }
        self.revision += 1;
        let id = random::secret("AAMk");
        properties.insert("id".to_owned(), json!(id));
        let etag = format!("W/\"{}\"", self.revision);
        properties.insert("@odata.etag".to_owned(), json!(etag));
        self.items.push(Item {
            id,
            kind,
            folder,
            begins,
            ends,
            revision: self.revision,
            removed: false,
            properties,
        });
        self.items.last()
    }

    /// Takes something out. Whether it was there.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let found = self
            .items
            .iter_mut()
            .find(|item| item.id == id && !item.removed);
        let Some(item) = found else {
            return false;
        };
        self.revision += 1;
        item.revision = self.revision;
        item.removed = true;
        item.properties.clear();
        true
    }

    pub(crate) fn empty(&mut self) {
        let ids: Vec<String> = self.present().map(|item| item.id.clone()).collect();
        for id in ids {
            self.remove(&id);
        }
    }
}

/// Everybody's mailboxes, made when they are first looked at.
#[derive(Debug, Default)]
pub(crate) struct Mailboxes(BTreeMap<ObjectId, Contents>);

impl Mailboxes {
    pub(crate) fn of(&mut self, user: &User, now: i64) -> &mut Contents {
        self.0.entry(user.id).or_insert_with(|| {
            let mut contents = Contents::default();
            AT_FIRST.put_into(&mut contents, user, now);
            contents
        })
    }
}

pub(crate) use sample::{Sample as MailboxSample, sent_message, time_text};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_told_as_a_change_and_is_no_longer_there() {
        let mut contents = Contents::default();
        let mut add = |begins| {
            let item = contents.add(Kind::Contact, None, (begins, begins), Map::new());
            item.unwrap().id.clone()
        };
        let (first, second) = (add(1), add(2));
        let seen = contents.revision();
        assert!(contents.remove(&first) && !contents.remove(&first));
        let left: Vec<&str> = contents.present().map(|item| item.id.as_str()).collect();
        assert_eq!(left, [second.as_str()]);
        let told: Vec<(&str, bool)> = contents
            .changed(seen, contents.revision())
            .map(|item| (item.id.as_str(), item.removed))
            .collect();
        assert_eq!(told, [(first.as_str(), true)]);
    }
}
