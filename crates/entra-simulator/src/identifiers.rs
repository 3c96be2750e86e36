//! The identifiers Entra gives to things: all GUIDs, none interchangeable.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) Uuid);

        impl $name {
            pub(crate) fn new_random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

identifier! {
    /// A tenant (`tid`).
    TenantId
}
identifier! {
    /// An object inside a tenant: a user (`oid`) or a service principal.
    ObjectId
}
identifier! {
    /// An application registration (`client_id`, "app id").
    ClientId
}
