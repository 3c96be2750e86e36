//! The names of things. Each is a type of its own, so that one can't be taken for another.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The longest account or user id that the host application may use, in characters.
pub const MAX_ID_LENGTH: usize = 128;

/// A text that is no account or user id. Each variant reads as what an id has to be.
///
/// The alphabet holds what identity providers put into ids (`auth0|5f7c…`, `urn:acme:42`) and nothing that needs a
/// decision on how it is written: no spaces, no letters beyond ASCII, no `/`, no `%`. An `@` is refused by name, because
/// an e-mail address is no id: it changes hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The text is empty, or longer than [`MAX_ID_LENGTH`].
    #[error("an id of 1 to 128 characters")]
    Length,
    /// The text has a character that an id does not have.
    #[error("an id made of A-Z, a-z, 0-9 and _ - | : . + = ~")]
    Character,
    /// The text is an e-mail address, or looks like one.
    #[error("an id without @: e-mail addresses change hands, so they are no ids")]
    EmailAddress,
    /// The text is `.` or `..`, which addresses take for a place.
    #[error("an id other than . and ..")]
    Dots,
}

fn check(text: &str) -> Result<(), InvalidId> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|:.+=~".contains(&byte);
    if text.contains('@') {
        return Err(InvalidId::EmailAddress);
    }
    if !text.bytes().all(allowed) {
        return Err(InvalidId::Character);
    }
    // Only ASCII is left, so bytes are characters.
    if text.is_empty() || MAX_ID_LENGTH < text.len() {
        return Err(InvalidId::Length);
    }
    if matches!(text, "." | "..") {
        return Err(InvalidId::Dots);
    }
    Ok(())
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The only way to make one: checks the alphabet and the length.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The id as the host application wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

opaque_id! {
    /// One customer company of the host application.
    AccountId
}

opaque_id! {
    /// A user in an account, as the host application names them.
    UserId
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// The GUID of a Microsoft Entra directory. Unique within its [`Cloud`] only.
    TenantId
}

uuid_id! {
    /// The object id (`oid`) of a person in a tenant.
    ObjectId
}

uuid_id! {
    /// One administrator consent: the id of the event that recorded it.
    ConsentId
}

uuid_id! {
    /// A directory role's template id, as Microsoft publishes them.
    RoleId
}

/// A Microsoft cloud. Tenants of different clouds may share a GUID, and need an
/// application registration each. GCC tenants live in the worldwide cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// The worldwide cloud, GCC included.
    Worldwide,
    /// US Government L4 (GCC High).
    GccHigh,
    /// US Government L5 (DoD).
    Dod,
    /// Microsoft 365 operated by 21Vianet.
    China,
}

impl Cloud {
    /// Whether this product serves tenants of the cloud.
    pub const fn is_served(self) -> bool {
        match self {
            Self::Worldwide => true,
            Self::GccHigh | Self::Dod | Self::China => false,
        }
    }
}

/// A Microsoft Entra directory. Never an e-mail domain: those move between tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant {
    /// The cloud that the directory lives in.
    pub cloud: Cloud,
    /// Its GUID there.
    pub id: TenantId,
}

/// A person at Microsoft. E-mail addresses and user principal names are mutable and under
/// the control of tenant administrators, so they decide nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicrosoftIdentity {
    /// The person's directory.
    pub tenant: Tenant,
    /// The person in it.
    pub object_id: ObjectId,
}

/// A Microsoft Graph delegated scope, such as `Mail.Send`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(pub String);

/// An event's place in the log. The first is 1; 0 stands for "nothing yet".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How often the authorization method of an account has changed. What users granted in
/// an earlier epoch counts no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::{AccountId, InvalidId, UserId};

    #[test]
    fn ids_are_what_identity_providers_give() {
        let longest = "x".repeat(128);
        for good in [
            "a",
            "A-1_z",
            "auth0|5f7c8ec7c33c6c004bbafe82",
            "google-oauth2|103547991597142817347",
            "urn:acme:users:42",
            "ana.alvarez+test",
            "YWJj~ZGVm=",
            "...",
            longest.as_str(),
        ] {
            assert_eq!(
                AccountId::parse(good).map(|id| id.to_string()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_id_is_told_why() {
        let too_long = "x".repeat(129);
        for (bad, why) in [
            ("", InvalidId::Length),
            (too_long.as_str(), InvalidId::Length),
            (".", InvalidId::Dots),
            ("..", InvalidId::Dots),
            ("ana@contoso.example", InvalidId::EmailAddress),
            ("@", InvalidId::EmailAddress),
            ("a b", InvalidId::Character),
            ("*", InvalidId::Character),
            (">", InvalidId::Character),
            ("a/b", InvalidId::Character),
            ("a%7Cb", InvalidId::Character),
            ("a\n", InvalidId::Character),
            ("a\0", InvalidId::Character),
            ("ü", InvalidId::Character),
        ] {
            assert_eq!(UserId::parse(bad), Err(why), "{bad:?}");
        }
    }
}
