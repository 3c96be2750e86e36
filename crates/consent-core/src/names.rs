//! What the host application calls a user and an account.

use std::fmt;

use assent_service_kit::Caller;
use serde::{Deserialize, Serialize};

/// The names that a token of the host application vouches for. An administrator at Microsoft knows none of the host's
/// ids, so these say who asks, and for whom. They are for people to read: nothing is decided by them, no event and no log
/// line holds them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// What the host application calls the user.
    pub user: Option<String>,
    /// What the host application calls the account.
    pub account: Option<String>,
}

impl Names {
    /// As the caller's token has them.
    pub fn from_caller(caller: &Caller) -> Self {
        Self {
            user: caller.name.clone(),
            account: caller.account_name.clone(),
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names(..)")
    }
}
