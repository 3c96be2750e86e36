//! What every page has around its own content. A template that extends `page.html` has it as its field `layout`.

use url::Url;

use super::assets;
use crate::site::Site;

/// What `page.html` needs.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) stylesheet: String,
    pub(super) script: String,
    pub(super) logo: Option<String>,
    pub(super) product_name: &'a str,
    pub(super) product_url: Option<&'a str>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(site: &'a Site) -> Self {
        let (brand, addresses) = (&site.brand, &site.addresses);
        let logo = brand.logo.as_ref();
        Self {
            stylesheet: brand.stylesheet.address(&addresses.stylesheet),
            script: assets::SCRIPT.address(&addresses.script),
            logo: logo.map(|logo| logo.address(&addresses.logo)),
            product_name: &brand.product_name,
            product_url: brand.product_url.as_ref().map(Url::as_str),
        }
    }
}
