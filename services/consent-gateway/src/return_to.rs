//! Where the browser goes after Microsoft. Only to origins that the operator named: an
//! address of the caller's choosing would make us an open redirector.

use assent_service_kit::config::Origin;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::FlowState;

/// Checks an address that a caller wants the browser to return to.
pub(crate) fn check(return_to: &str, allowed: &[Origin]) -> Result<Url, Failure> {
    let refused = || {
        Failure::Invalid(
            "return_to must be an absolute URL of an origin that ASSENT_RETURN_ORIGINS names"
                .to_owned(),
        )
    };
    let url = Url::parse(return_to).map_err(|_| refused())?;
    let plain = url.username().is_empty() && url.password().is_none();
    if plain && return_to.len() <= 2048 && allowed.iter().any(|origin| origin.holds(&url)) {
        Ok(url)
    } else {
        Err(refused())
    }
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

    use super::check;

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
