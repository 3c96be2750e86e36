//! What the host application looks like, so that our pages look like a part of it.

mod accent;
mod color;
mod logo;

use std::path::Path;

use url::Url;

pub use color::Color;
pub use logo::LogoError;

use crate::asset::Asset;

/// What all pages look like, but for the accent.
const STYLESHEET: &str = include_str!("../assets/pages.css");

/// The host application, as people know it.
#[derive(Debug)]
pub struct Brand {
    /// What it is called.
    pub product_name: String,
    /// Where the pages lead back to.
    pub product_url: Option<Url>,
    /// Shown instead of the name.
    pub logo: Option<Asset>,
    pub(crate) stylesheet: Asset,
}

impl Brand {
    /// A brand of this name, home page, logo file and accent. Reads the file.
    pub fn new(
        product_name: String,
        product_url: Option<Url>,
        logo_file: Option<&Path>,
        accent: Color,
    ) -> Result<Self, LogoError> {
        let logo = logo_file.map(logo::read).transpose()?;
        let stylesheet = format!("{}\n{STYLESHEET}", accent::properties(accent));
        Ok(Self {
            product_name,
            product_url,
            logo,
            stylesheet: Asset::new("text/css; charset=utf-8", stylesheet),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stylesheet(accent: &str) -> Asset {
        let accent = accent.to_owned().try_into().unwrap();
        Brand::new("Acme".to_owned(), None, None, accent)
            .unwrap()
            .stylesheet
    }

    #[test]
    fn the_stylesheet_begins_with_the_accent_and_its_address_changes_with_it() {
        let url: Url = "https://assent.example/base/assets/pages.css"
            .parse()
            .unwrap();
        let (blue, red) = (stylesheet("#0b57a4"), stylesheet("#b00020"));
        assert!(
            blue.content
                .starts_with(b":root{--accent:light-dark(#0b57a4,")
        );
        assert!(red.content.ends_with(STYLESHEET.as_bytes()));
        let address = blue.address(&url);
        assert_ne!(address, red.address(&url));
        let (path, query) = address.split_once('?').unwrap();
        assert_eq!(path, "/base/assets/pages.css");
        assert!(blue.is_meant_by(Some(query)));
        assert!(!red.is_meant_by(Some(query)) && !blue.is_meant_by(None));
    }
}
