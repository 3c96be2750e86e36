//! The browser that comes back from Microsoft.

use crate::browser::BrowserSecret;
use crate::secrets::Digest;

/// The browser that brings a callback.
#[derive(Debug)]
pub struct ReturningBrowser {
    /// What the browser is known by.
    pub browser: BrowserSecret,
    /// Whether it was here before.
    pub is_known: bool,
    /// The session of our settings pages that it is in, if it is in one.
    pub session: Option<Digest>,
}
