//! The small values that messages are made of, each with its counterpart in the domain.

use assent_domain::event::RevocationReason as DomainReason;
use assent_domain::ids::Tenant as DomainTenant;
use assent_domain::ids::{Cloud as DomainCloud, MicrosoftIdentity, ObjectId, TenantId};
use assent_domain::mode::{AuthorizationMethod, EmailSync as DomainEmailSync, Mode as DomainMode};
use assent_domain::permissions::{
    EmailLevel as DomainEmailLevel, Kinds, Permission as DomainPermission,
    PermissionSet as DomainPermissionSet,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// For `#[serde(with = "text")]`: a value that is written as it displays, and read by
/// its own parser.
pub mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::{Error as _, Unexpected};
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the value as it displays.
    pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    /// Reads the value by its own parser.
    pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        // In serde's own words, by which a reader of a request tells what was wanted from what was sent.
        text.parse().map_err(|error: T::Err| {
            D::Error::invalid_value(Unexpected::Other("a text"), &error.to_string().as_str())
        })
    }
}

/// A GUID as Microsoft writes it: hyphenated, without braces and without `urn:uuid:`.
pub mod guid {
    use serde::{Deserialize, Deserializer, Serializer};
    use uuid::Uuid;

    /// Writes the usual form.
    pub fn serialize<S: Serializer>(id: &Uuid, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    /// Reads the usual form, and no other.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Uuid::try_parse(&text)
            .ok()
            .filter(|_| text.len() == 36)
            .ok_or_else(|| {
                serde::de::Error::custom("a GUID such as 72f988bf-86f1-41af-91ab-2d7cd011db47")
            })
    }
}

/// As [`text`], for a value that may be absent.
pub mod optional_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the value as it displays, or null.
    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    /// Reads the value by its own parser, or null.
    pub fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        Option::<std::borrow::Cow<'de, str>>::deserialize(from)?
            .map(|text| text.parse().map_err(serde::de::Error::custom))
            .transpose()
    }
}

/// A wire enum and the domain enum that it stands for, variant by variant.
macro_rules! mirrored_enum {
    ($(#[$doc:meta])* $wire:ident = $domain:ty { $($(#[$variant_doc:meta])* $name:ident = $text:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum $wire {
            $($(#[$variant_doc])* #[serde(rename = $text)] $name,)+
        }

        impl $wire {
            /// The value as it is written.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }

        impl From<$domain> for $wire {
            fn from(value: $domain) -> Self {
                match value {
                    $(<$domain>::$name => Self::$name,)+
                }
            }
        }

        impl From<$wire> for $domain {
            fn from(value: $wire) -> Self {
                match value {
                    $($wire::$name => Self::$name,)+
                }
            }
        }
    };
}

mirrored_enum! {
    /// Who gives consent.
    Method = AuthorizationMethod {
        /// Each user.
        UserIndividual = "user_individual",
        /// The administrator, for everyone.
        AdminConfigured = "admin_configured",
    }
}

mirrored_enum! {
    /// How much e-mail users may grant.
    EmailSync = DomainEmailSync {
        /// Sending only.
        Limited = "limited",
        /// All.
        Full = "full",
    }
}

mirrored_enum! {
    /// How much e-mail may be used.
    EmailLevel = DomainEmailLevel {
        /// Nothing.
        None = "none",
        /// Sending only.
        Limited = "limited",
        /// All.
        Full = "full",
    }
}

mirrored_enum! {
    /// A kind of permission.
    Permission = DomainPermission {
        /// Calendar.
        Calendar = "calendar",
        /// Contacts.
        Contacts = "contacts",
        /// E-mail.
        Email = "email",
    }
}

mirrored_enum! {
    /// A Microsoft cloud.
    Cloud = DomainCloud {
        /// The worldwide cloud, GCC included.
        Worldwide = "worldwide",
        /// US Government L4.
        GccHigh = "gcc_high",
        /// US Government L5.
        Dod = "dod",
        /// Operated by 21Vianet.
        China = "china",
    }
}

mirrored_enum! {
    /// Why permissions ended.
    RevocationReason = DomainReason {
        /// The user took them back.
        UserRevoked = "user_revoked",
        /// The user said no at Microsoft.
        UserDeclined = "user_declined",
        /// Microsoft says that the consent is gone.
        MicrosoftWithdrawn = "microsoft_withdrawn",
    }
}

/// An account or user id of the host application, for descriptions of APIs: what [`AccountId::parse`] takes.
///
/// [`AccountId::parse`]: assent_domain::ids::AccountId::parse
#[derive(Debug, ToSchema)]
#[schema(
    description = "An id of the host application's.",
    pattern = r"^(?!\.{1,2}$)[A-Za-z0-9_|:.+=~-]{1,128}$"
)]
pub struct Id(#[expect(dead_code, reason = "it is never made")] String);

/// Method and e-mail sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mode {
    /// Who gives consent.
    pub method: Method,
    /// How much e-mail users may grant.
    pub email_sync: EmailSync,
}

impl From<DomainMode> for Mode {
    fn from(mode: DomainMode) -> Self {
        Self {
            method: mode.method.into(),
            email_sync: mode.email_sync.into(),
        }
    }
}

impl From<Mode> for DomainMode {
    fn from(mode: Mode) -> Self {
        Self {
            method: mode.method.into(),
            email_sync: mode.email_sync.into(),
        }
    }
}

/// A permission set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PermissionSet {
    /// Calendar.
    pub calendar: bool,
    /// Contacts.
    pub contacts: bool,
    /// E-mail.
    pub email: EmailLevel,
}

impl From<DomainPermissionSet> for PermissionSet {
    fn from(set: DomainPermissionSet) -> Self {
        Self {
            calendar: set.calendar,
            contacts: set.contacts,
            email: set.email.into(),
        }
    }
}

impl From<PermissionSet> for DomainPermissionSet {
    fn from(set: PermissionSet) -> Self {
        Self {
            calendar: set.calendar,
            contacts: set.contacts,
            email: set.email.into(),
        }
    }
}

/// Writes kinds as the list of their names.
pub fn kinds_to_list(kinds: Kinds) -> Vec<Permission> {
    kinds.iter().map(Permission::from).collect()
}

/// Reads kinds from the list of their names.
pub fn kinds_from_list(list: &[Permission]) -> Kinds {
    list.iter()
        .map(|permission| DomainPermission::from(*permission))
        .collect()
}

/// For `#[serde(deserialize_with = "known_kinds")]`: the kinds of a list that this program knows, the
/// others left out. Whoever does not know a kind neither asks for it nor uses it.
pub(crate) fn known_kinds<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Permission>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    let all = DomainPermission::ALL.map(Permission::from);
    let known = |name: &String| all.into_iter().find(|kind| kind.as_str() == name);
    Ok(names.iter().filter_map(known).collect())
}

/// A Microsoft Entra directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tenant {
    /// The cloud that it lives in.
    pub cloud: Cloud,
    /// Its GUID there.
    pub id: Uuid,
}

impl From<DomainTenant> for Tenant {
    fn from(tenant: DomainTenant) -> Self {
        Self {
            cloud: tenant.cloud.into(),
            id: tenant.id.0,
        }
    }
}

impl From<Tenant> for DomainTenant {
    fn from(tenant: Tenant) -> Self {
        Self {
            cloud: tenant.cloud.into(),
            id: TenantId(tenant.id),
        }
    }
}

/// A person at Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// The person's directory.
    pub tenant: Tenant,
    /// The person in it.
    pub object_id: Uuid,
}

/// A person at Microsoft, where the cloud goes without saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonId {
    /// The person's directory.
    pub tenant_id: Uuid,
    /// The person in it.
    pub object_id: Uuid,
}

impl From<MicrosoftIdentity> for PersonId {
    fn from(identity: MicrosoftIdentity) -> Self {
        Self {
            tenant_id: identity.tenant.id.0,
            object_id: identity.object_id.0,
        }
    }
}

impl From<MicrosoftIdentity> for Identity {
    fn from(identity: MicrosoftIdentity) -> Self {
        Self {
            tenant: identity.tenant.into(),
            object_id: identity.object_id.0,
        }
    }
}

impl From<Identity> for MicrosoftIdentity {
    fn from(identity: Identity) -> Self {
        Self {
            tenant: identity.tenant.into(),
            object_id: ObjectId(identity.object_id),
        }
    }
}
