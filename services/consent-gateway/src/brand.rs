//! What the host application looks like, so that our pages look like a part of it.

mod color;
mod logo;

use url::Url;

pub use color::Color;
pub(crate) use logo::Logo;
pub use logo::LogoError;

/// The host application, as people know it.
#[derive(Debug)]
pub(crate) struct Brand {
    pub(crate) product_name: String,
    /// Where the pages lead back to.
    #[cfg_attr(not(test), expect(dead_code, reason = "the pages will show it"))]
    pub(crate) product_url: Option<Url>,
    /// Shown instead of the name.
    #[cfg_attr(not(test), expect(dead_code, reason = "the pages will show it"))]
    pub(crate) logo: Option<Logo>,
    #[expect(dead_code, reason = "the stylesheet will have it")]
    pub(crate) accent: Color,
}
