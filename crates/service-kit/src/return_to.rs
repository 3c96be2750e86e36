//! Where a browser may be sent back to: only to origins that the operator named. An address of the caller's choosing
//! would make us an open redirector.

use url::Url;

use crate::config::Origin;

/// Longer addresses are refused.
pub const LONGEST: usize = 2048;

/// The address is none that a browser may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("return_to must be an absolute URL of an origin that ASSENT_RETURN_ORIGINS names")]
pub struct NotAllowed;

/// Reads an address that a caller wants the browser to return to.
pub fn check(return_to: &str, allowed: &[Origin]) -> Result<Url, NotAllowed> {
    let url = Some(return_to)
        .filter(|text| text.len() <= LONGEST)
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| url.username().is_empty() && url.password().is_none());
    url.filter(|url| allowed.iter().any(|origin| origin.holds(url)))
        .ok_or(NotAllowed)
}

#[cfg(test)]
mod tests {
    use super::{Origin, check};

    #[test]
    fn only_named_origins_are_returned_to() {
        let allowed = [Origin::parse("https://app.example").unwrap()];
        for good in [
            "https://app.example/settings?tab=1",
            "https://APP.example:443/",
            "https://app.example",
        ] {
            assert!(check(good, &allowed).is_ok(), "{good}");
        }
        let long = format!("https://app.example/{}", "x".repeat(2048));
        for bad in [
            "https://evil.example/",
            "https://app.example.evil.example/",
            "https://app.example@evil.example/",
            "https://me:pw@app.example/",
            "http://app.example/",
            "https://app.example:8443/",
            "//app.example/",
            "/settings",
            "javascript:alert(1)",
            "",
            &long,
        ] {
            assert!(check(bad, &allowed).is_err(), "{bad}");
        }
    }
}
