//! Where the browser goes after Microsoft. Only to origins that the operator named: an
//! address of the caller's choosing would make us an open redirector.
//!
//! The gateway checks it again. It is checked here too, because a wrong one is the host
//! application's mistake and must show at every login, not only at those that prompt.

use assent_service_kit::Problem;
use assent_service_kit::config::Origin;
use url::Url;

const LONGEST: usize = 2048;

/// Checks an address that a caller wants the browser to return to.
pub(crate) fn check(return_to: &str, allowed: &[Origin]) -> Result<(), Problem> {
    if return_to.len() <= LONGEST
        && let Ok(url) = Url::parse(return_to)
        && url.username().is_empty()
        && url.password().is_none()
        && allowed.iter().any(|origin| origin.holds(&url))
    {
        return Ok(());
    }
    Err(Problem::invalid_request(
        "return_to must be an absolute URL of an origin that ASSENT_RETURN_ORIGINS names",
    ))
}

#[cfg(test)]
mod tests {
    use assent_service_kit::config::Origin;

    use super::check;

    #[test]
    fn only_named_origins_are_returned_to() {
        let allowed = [Origin::parse("https://app.example").unwrap()];
        assert!(check("https://app.example/settings?tab=1", &allowed).is_ok());
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
