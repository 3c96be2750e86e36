//! Our customers and their users. In a real product this is a table of its database.

use uuid::{Uuid, uuid};

/// A person who uses Hirely.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// Our own id of the person; Assent's `user_id`. Never an e-mail address, which may change hands.
    pub(crate) id: &'static str,
    /// Our own id of the company; Assent's `account_id`.
    pub(crate) account: &'static str,
    pub(crate) name: &'static str,
    pub(crate) company: &'static str,
    /// The person's id at Microsoft, where that is known.
    pub(crate) microsoft: Option<MicrosoftIdentity>,
    /// Whether the person may manage the company's settings.
    pub(crate) super_admin: bool,
}

/// A person's id at Microsoft: the directory and the object in it. Nothing else names a person there for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MicrosoftIdentity {
    pub(crate) tenant_id: Uuid,
    pub(crate) object_id: Uuid,
}

impl User {
    /// Whether Hirely syncs anything for this person: Assent asks nobody for what nobody wants.
    pub(crate) fn has_mailbox(&self) -> bool {
        self.microsoft.is_some()
    }
}

const CONTOSO: Uuid = uuid!("c0000000-0000-4000-8000-000000000001");
const ADATUM: Uuid = uuid!("ada00000-0000-4000-8000-000000000001");

/// All users. The ids at Microsoft are those of the Entra simulator's story.
pub(crate) static USERS: [User; 5] = [
    User {
        microsoft: Some(identity(
            CONTOSO,
            uuid!("c0000000-0000-4000-8000-0000000000a1"),
        )),
        ..user("ana", "Ana Alvarez", "acme", "Acme")
    },
    User {
        microsoft: Some(identity(
            CONTOSO,
            uuid!("c0000000-0000-4000-8000-0000000000b1"),
        )),
        ..user("ben", "Ben Baker", "acme", "Acme")
    },
    User {
        super_admin: true,
        ..user("sam", "Sam Sato", "acme", "Acme")
    },
    User {
        microsoft: Some(identity(
            ADATUM,
            uuid!("ada00000-0000-4000-8000-0000000000a1"),
        )),
        ..user("dana", "Dana Dahl", "adatum", "Adatum")
    },
    User {
        super_admin: true,
        ..user("dora", "Dora Diaz", "adatum", "Adatum")
    },
];

const fn user(
    id: &'static str,
    name: &'static str,
    account: &'static str,
    company: &'static str,
) -> User {
    User {
        id,
        account,
        name,
        company,
        microsoft: None,
        super_admin: false,
    }
}

const fn identity(tenant_id: Uuid, object_id: Uuid) -> MicrosoftIdentity {
    MicrosoftIdentity {
        tenant_id,
        object_id,
    }
}

/// Finds the user with this id.
pub(crate) fn find(id: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.id == id)
}

/// Finds the user with this id, in this account.
pub(crate) fn find_in(account: &str, id: &str) -> Option<&'static User> {
    find(id).filter(|user| user.account == account)
}

/// Finds the user who is this person at Microsoft.
pub(crate) fn find_by_microsoft(identity: MicrosoftIdentity) -> Option<&'static User> {
    USERS.iter().find(|user| user.microsoft == Some(identity))
}
