//! What Microsoft publishes about a tenant, and what is remembered of it.

mod cache;
mod lookups;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

pub(crate) use self::cache::TenantCache;
pub(crate) use self::lookups::TenantLookups;

use crate::cloud::CloudInstance;
use crate::transport::{CallError, NoAnswer, retry_after};

/// A tenant as its OpenID metadata describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantMetadata {
    /// The tenant's id.
    pub tenant_id: Uuid,
    /// The cloud it lives in.
    pub cloud: CloudInstance,
}

/// Why a tenant's metadata could not be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// Microsoft knows no tenant of that name in this cloud.
    #[error("no such tenant")]
    UnknownTenant,
    /// The name, or even the id, stands for several tenants, each in a cloud of its own.
    #[error("it stands for {} tenants in different clouds", .candidates.len())]
    Ambiguous {
        /// The tenants, those in clouds that we serve first.
        candidates: Vec<TenantMetadata>,
    },
    /// `organizations` is not one tenant.
    #[error("`organizations` is not one tenant")]
    NotOneTenant,
    /// Microsoft could not be reached or is unwell.
    #[error("Microsoft could not be reached")]
    Unreachable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// Microsoft did not answer in time.
    #[error("Microsoft did not answer in time")]
    TimedOut,
    /// The answer is not a tenant's metadata, or tells no cloud that is known.
    #[error("the answer made no sense: {0}")]
    Nonsense(&'static str),
}

impl From<CallError> for DiscoveryError {
    fn from(error: CallError) -> Self {
        match error.into() {
            NoAnswer::TimedOut => Self::TimedOut,
            NoAnswer::Nonsense(what) => Self::Nonsense(what),
            NoAnswer::Unreachable(error) => Self::Unreachable(Arc::new(error)),
        }
    }
}

impl DiscoveryError {
    /// After how long it makes sense to ask again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self)
    }
}
