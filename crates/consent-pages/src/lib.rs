//! What people see: the settings pages and their sessions, the pages behind links for administrators, and the callbacks
//! by which Microsoft sends a browser back. They render what the use cases of `assent-consent-core` say.
//!
//! Start at [`router`], which names every page; each page is a file with its template.

mod administrator_page;
mod asset;
mod assets;
mod brand;
mod browser;
mod callbacks;
mod confirmation_page;
mod cookies;
mod hand_off_page;
mod labels;
mod layout;
mod outcome_page;
pub mod page;
mod page_errors;
mod page_query;
mod problem;
mod router;
mod session;
mod settings;
mod site;

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use url::Url;

pub use brand::{Brand, Color, LogoError};
pub use problem::{LOG, MICROSOFT, STORE, problem_from, problem_types};
pub use router::{openapi, router};
pub use site::Site;

use router::PageState;

fn see_other(url: &Url) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, url.as_str())]).into_response()
}
