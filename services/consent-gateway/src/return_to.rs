//! Where the browser goes after Microsoft. Only to origins that the operator named: an
//! address of the caller's choosing would make us an open redirector.

use assent_service_kit::config::Origin;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::FlowState;
use crate::gateway::Addresses;

/// Longer addresses are refused.
const LONGEST: usize = 2048;

/// Checks an address that a caller wants the browser to return to.
pub(crate) fn check(return_to: &str, allowed: &[Origin]) -> Result<Url, Failure> {
    let refused = || {
        Failure::Invalid(
            "return_to must be an absolute URL of an origin that ASSENT_RETURN_ORIGINS names; a session can also lead \
             to /settings/account or /settings/company"
                .to_owned(),
        )
    };
    let url = Url::parse(return_to).map_err(|_| refused())?;
    let plain = url.username().is_empty() && url.password().is_none();
    if plain && return_to.len() <= LONGEST && allowed.iter().any(|origin| origin.holds(&url)) {
        Ok(url)
    } else {
        Err(refused())
    }
}

/// Checks where a browser goes once its session is open: to one of the settings pages, or to the host application. A
/// path of ours is enough.
pub(crate) fn after_session(
    return_to: &str,
    addresses: &Addresses,
    allowed: &[Origin],
) -> Result<Url, Failure> {
    let pages = [&addresses.account_settings, &addresses.company_settings];
    let is_ours = |url: &Url| {
        pages.iter().any(|page| {
            page.origin() == url.origin()
                && page.path() == url.path()
                && url.username().is_empty()
                && url.password().is_none()
        })
    };
    // Whoever names a path need not know below which one we are reached.
    let below_us = format!("{}{return_to}", addresses.base_path());
    let candidates = if return_to.starts_with('/') {
        Vec::from([return_to, &below_us])
    } else {
        Vec::from([return_to])
    };
    candidates
        .into_iter()
        .filter(|_| return_to.len() <= LONGEST)
        .filter_map(|candidate| addresses.account_settings.join(candidate).ok())
        .find(is_ours)
        .map_or_else(|| check(return_to, allowed), Ok)
}

/// What a browser is sent back with. All of it is for showing: nothing of it is believed.
#[derive(Debug)]
pub(crate) struct Landing<'a> {
    pub(crate) flow: Uuid,
    pub(crate) outcome: FlowState,
    /// The flow's code, one of a fixed set of words.
    pub(crate) reason: Option<&'a str>,
    pub(crate) confirm: Option<&'a str>,
}

/// The address with what happened added to its query.
pub(crate) fn with_outcome(mut url: Url, landing: &Landing<'_>) -> Url {
    url.query_pairs_mut()
        .append_pair("flow", &landing.flow.to_string())
        .append_pair("outcome", landing.outcome.as_str());
    for (name, value) in [("reason", landing.reason), ("confirm", landing.confirm)] {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use assent_service_kit::config::Origin;

    use super::{after_session, check};
    use crate::gateway::Addresses;

    #[test]
    fn a_session_leads_to_the_settings_or_back_to_the_host_and_nowhere_else() {
        let public = "https://assent.example/consent".parse().unwrap();
        let addresses = Addresses::under(&public);
        let allowed = [Origin::parse("https://app.example").unwrap()];
        let to = |text: &str| after_session(text, &addresses, &allowed).map(|url| url.to_string());
        for (good, expected) in [
            (
                "/consent/settings/account",
                "https://assent.example/consent/settings/account",
            ),
            (
                "https://assent.example/consent/settings/company?flow=1",
                "https://assent.example/consent/settings/company?flow=1",
            ),
            (
                "/settings/company?flow=1",
                "https://assent.example/consent/settings/company?flow=1",
            ),
            ("https://app.example/me", "https://app.example/me"),
        ] {
            assert_eq!(to(good).unwrap(), expected);
        }
        for bad in [
            "/consent/hand-off/x",
            "/",
            "//evil.example/consent/settings/account",
            "/\\evil.example/consent/settings/account",
            "https://assent.example/consent/settings/account/../../callbacks",
            "https://me@assent.example/consent/settings/account",
            "https://evil.example/consent/settings/account",
            "http://assent.example/consent/settings/account",
            "javascript:alert(1)",
            "../account/x",
        ] {
            assert!(to(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_named_origins_are_returned_to() {
        let allowed = [Origin::parse("https://app.example").unwrap()];
        assert!(check("https://app.example/settings?tab=1", &allowed).is_ok());
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
        ] {
            assert!(check(bad, &allowed).is_err(), "{bad}");
        }
    }
}
