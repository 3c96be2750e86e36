//! What pages refer to. The address of each carries a digest of its content, so that browsers keep it for long and
//! still see a change at once.

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};
use url::Url;

/// A file, as it is served.
#[derive(Debug)]
pub struct Asset {
    /// Its media type.
    pub content_type: &'static str,
    pub(crate) content: Bytes,
    version: String,
}

impl Asset {
    pub(crate) fn new(content_type: &'static str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        let version = format!("{:x}", Sha256::digest(&content));
        Self {
            content_type,
            content,
            version,
        }
    }

    /// Where a page finds it that is served from the same origin.
    pub(crate) fn address(&self, url: &Url) -> String {
        format!("{}?v={}", url.path(), self.version)
    }

    /// Whether a query asks for this very content, rather than for what there was before or will be.
    pub(crate) fn is_meant_by(&self, query: Option<&str>) -> bool {
        query.and_then(|query| query.strip_prefix("v=")) == Some(self.version.as_str())
    }
}
