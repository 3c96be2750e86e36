//! Where the browser goes after Microsoft, or once its session is open, and what it is told there.

use assent_service_kit::config::Origin;
use assent_service_kit::return_to as named_origins;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::FlowState;
use crate::gateway::Addresses;
use crate::reasons::InvalidRequest;

/// Checks an address that a caller wants the browser to return to.
pub fn check(return_to: &str, allowed: &[Origin]) -> Result<Url, Failure> {
    named_origins::check(return_to, allowed)
        .map(without_outcome)
        .map_err(|error| Failure::Invalid(InvalidRequest::ReturnTo(error)))
}

/// Checks where a browser goes once its session is open: to one of the settings pages, or to the host application. A
/// path of ours is enough.
pub fn after_session(
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
        .filter(|_| return_to.len() <= named_origins::LONGEST)
        .filter_map(|candidate| addresses.account_settings.join(candidate).ok())
        .find(is_ours)
        .map(without_outcome)
        .map_or_else(
            || {
                check(return_to, allowed).map_err(|_| {
                    Failure::Invalid(InvalidRequest::ReturnToFromSession(
                        named_origins::NotAllowed,
                    ))
                })
            },
            Ok,
        )
}

/// What we add to an address. Hosts keep the address that somebody came to, and that may hold the outcome of an earlier
/// flow: of two outcomes in one address a program reads the first, or both.
const OURS: [&str; 4] = ["flow", "outcome", "reason", "confirm"];

/// The address without the parameters that are ours; all others stay as they are written.
fn without_outcome(mut url: Url) -> Url {
    let is_ours = |pair: &&str| {
        form_urlencoded::parse(pair.as_bytes())
            .next()
            .is_some_and(|(name, _)| OURS.contains(&name.as_ref()))
    };
    let Some(query) = url.query() else {
        return url;
    };
    let (ours, others): (Vec<_>, Vec<_>) = query.split('&').partition(is_ours);
    if !ours.is_empty() {
        let others = others.join("&");
        url.set_query((!others.is_empty()).then_some(&others));
    }
    url
}

/// What a browser is sent back with. All of it is for showing: nothing of it is believed.
#[derive(Debug)]
pub(crate) struct OutcomeParameters<'a> {
    pub(crate) flow: Uuid,
    pub(crate) outcome: FlowState,
    /// The flow's code, one of a fixed set of words.
    pub(crate) reason: Option<&'a str>,
    pub(crate) confirm: Option<&'a str>,
}

/// The address with what happened added to its query.
pub(crate) fn with_outcome(mut url: Url, parameters: &OutcomeParameters<'_>) -> Url {
    url.query_pairs_mut()
        .append_pair("flow", &parameters.flow.to_string())
        .append_pair("outcome", parameters.outcome.as_str());
    for (name, value) in [
        ("reason", parameters.reason),
        ("confirm", parameters.confirm),
    ] {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use assent_service_kit::config::Origin;

    use uuid::Uuid;

    use super::{OutcomeParameters, after_session, check, with_outcome};
    use crate::flow::FlowState;
    use crate::gateway::Addresses;

    #[test]
    fn a_session_leads_to_the_settings_or_back_to_the_host_and_nowhere_else() {
        let public = "https://assent.example/consent".parse().unwrap();
        let addresses = Addresses::new(&public);
        let allowed = [Origin::parse("https://app.example").unwrap()];
        let to = |text: &str| after_session(text, &addresses, &allowed).map(|url| url.to_string());
        for (good, expected) in [
            (
                "/consent/settings/account",
                "https://assent.example/consent/settings/account",
            ),
            (
                "https://assent.example/consent/settings/company?tab=1",
                "https://assent.example/consent/settings/company?tab=1",
            ),
            (
                "/settings/company?flow=1&outcome=completed&tab=1",
                "https://assent.example/consent/settings/company?tab=1",
            ),
            (
                "https://app.example/me?outcome=completed",
                "https://app.example/me",
            ),
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
    fn an_old_outcome_is_left_out_and_all_else_stays_as_it_is() {
        let allowed = [Origin::parse("https://app.example").unwrap()];
        for (asked, kept) in [
            ("", ""),
            ("?", "?"),
            ("?a=1", "?a=1"),
            ("?flow=1", ""),
            (
                "?flow=1&outcome=completed&reason=x&confirm=y#part?flow=2",
                "#part?flow=2",
            ),
            ("?b=2&flow=1&a=1&flow=2&b=3", "?b=2&a=1&b=3"),
            ("?%66low=1&outcom%65&a=%20+%C3%A9&c", "?a=%20+%C3%A9&c"),
            ("?outcome&reason=&a", "?a"),
            ("?a=1&&flow=1&", "?a=1&&"),
            (
                "?Flow=1&workflow=2&flow.x=3&flow[]=4&a=flow=1",
                "?Flow=1&workflow=2&flow.x=3&flow[]=4&a=flow=1",
            ),
            ("?next=%26flow%3D1", "?next=%26flow%3D1"),
        ] {
            let url = check(&format!("https://app.example/me{asked}"), &allowed).unwrap();
            assert_eq!(url.as_str(), format!("https://app.example/me{kept}"));
        }
    }

    #[test]
    fn an_address_names_one_flow_and_one_outcome() {
        let allowed = [Origin::parse("https://app.example").unwrap()];
        let url = check("https://app.example/?flow=1&a=b&confirm=old#top", &allowed).unwrap();
        let parameters = OutcomeParameters {
            flow: Uuid::nil(),
            outcome: FlowState::Declined,
            reason: None,
            confirm: None,
        };
        assert_eq!(
            with_outcome(url, &parameters).as_str(),
            format!(
                "https://app.example/?a=b&flow={}&outcome=declined#top",
                Uuid::nil()
            )
        );
    }
}
