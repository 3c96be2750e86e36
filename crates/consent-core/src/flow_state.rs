//! How a flow stands, as it is stored and told: its state, and the facts behind its code. The sentences are made of them in
//! [`crate::messages`] when they are read.

use assent_contract::values::PermissionSet;
pub use assent_contract::words::FlowState;
use serde::{Deserialize, Serialize};

/// What is known of how a flow ended beyond its code, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutcomeDetails {
    /// What was asked for and not granted by a flow that is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_granted: Option<PermissionSet>,
    /// What Microsoft calls its refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) microsoft: Option<RefusalDetails>,
}

/// What Microsoft calls its refusal, as it is stored with the flow. Absent where there is nothing to look up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefusalDetails {
    /// The numbers behind `AADSTS`, three at the most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) numbers: Vec<u32>,
    /// The OAuth error code, where there is no number and Microsoft itself answered it to us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Whether an administrator is needed, and no consent of theirs would help: a policy, a licence or an assignment is in
    /// the way.
    #[serde(default)]
    pub(crate) is_beyond_consent: bool,
}
