//! Our cookies. Cookies do not know ports, so on one machine the names keep us and others apart.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::config::Config;

/// The cookie of a session.
pub(super) const SESSION: &str = "hirely_session";
/// The cookie of a sign-in through Microsoft, in the browser that began it.
pub(super) const SIGN_IN: &str = "hirely_sign_in";

/// Reads a cookie that the browser sent.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// Makes the header that sets a cookie until the browser closes. No script sees it, and no other site's form sends it. `Lax` and not
/// `Strict`, because Microsoft and Assent send browsers back here.
pub(super) fn set(
    config: &Config,
    name: &str,
    value: &str,
) -> Result<HeaderValue, axum::http::header::InvalidHeaderValue> {
    let secure = if config.public_url.scheme() == "https" {
        "; Secure"
    } else {
        ""
    };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}").try_into()
}

/// Makes the header that deletes a cookie.
pub(super) fn forget(name: &str) -> Result<HeaderValue, axum::http::header::InvalidHeaderValue> {
    format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0").try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; hirely_session=x=y"));
        headers.append(COOKIE, HeaderValue::from_static("hirely_sign_in=z"));

        assert_eq!(read(&headers, SESSION), Some("x=y"));
        assert_eq!(read(&headers, SIGN_IN), Some("z"));
        assert_eq!(read(&headers, "hirely"), None);
    }
}
