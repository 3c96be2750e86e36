//! What the pages are made of.

use std::ops::Deref;
use std::sync::Arc;

use assent_consent_core::gateway::Gateway;
use assent_service_kit::config::Origin;
use url::Url;

use crate::brand::Brand;

/// The use cases behind the pages, and what the pages look like. Cheap to share, never changed.
#[derive(Debug)]
pub struct Site {
    /// The use cases. Whatever is asked of a site that is none of its own is asked of these.
    pub gateway: Arc<Gateway>,
    /// What the host application looks like.
    pub brand: Brand,
    /// Who may embed the settings pages.
    pub frame_ancestors: Vec<Origin>,
}

impl Site {
    /// Where people go back to: the application's own address, or else the first that browsers may be sent back to.
    pub(crate) fn home(&self) -> Option<&str> {
        let named = self.brand.product_url.as_ref().map(Url::as_str);
        named.or_else(|| self.return_origins.first().map(Origin::as_str))
    }
}

impl Deref for Site {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}
