//! The browser in front of a page that needs no session, and its forms.

use assent_consent_core::browser::BrowserSecret;
use assent_consent_core::session::CsrfToken;
use assent_consent_core::use_cases::returning_browser::ReturningBrowser;
use assent_service_kit::error_chain::with_sources;
use axum::http::header::{ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::cookies::Cookie;
use super::session::InSession;
use crate::site::Site;

/// How long a browser is known. A link may lie open over night.
const KEPT_FOR_SECONDS: i64 = 24 * 60 * 60;

/// A browser, and whether it said so itself.
#[derive(Debug)]
pub(super) struct Browser {
    pub(super) secret: BrowserSecret,
    is_known: bool,
}

impl Browser {
    /// The browser that sends a request: one that we know, or one that is known from now on.
    pub(super) fn identify(site: &Site, headers: &HeaderMap) -> Self {
        let known = Cookie::Browser
            .read(site, headers)
            .and_then(BrowserSecret::from_cookie);
        Self {
            is_known: known.is_some(),
            secret: known.unwrap_or_else(BrowserSecret::random),
        }
    }

    /// Lets the browser be known by the next request, too.
    pub(super) fn remembered(&self, site: &Site, mut response: Response) -> Response {
        let cookie = Cookie::Browser.set(site, self.secret.expose(), KEPT_FOR_SECONDS);
        // Letters, digits and the like: a header may have all of them.
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    /// What the form of a page carries in this browser.
    pub(super) fn csrf_token(&self, page: &str) -> CsrfToken {
        self.secret.csrf_token(page)
    }

    /// Whether a form was sent by this page of ours, in this browser. Any site can have a browser send a form here; none
    /// but our own page knows the proof, and the browser says of another site's form that it is one.
    pub(super) fn sent_from(
        &self,
        page: &str,
        proof: &str,
        (site, headers): (&Site, &HeaderMap),
    ) -> bool {
        let is_proved =
            self.is_known && self.csrf_token(page).is(proof) && !is_from_elsewhere(site, headers);
        if !is_proved {
            tracing::warn!(
                security_event = "form_without_proof",
                "a form came from elsewhere, or from a page that another browser was shown"
            );
        }
        is_proved
    }
}

/// The browser that brings a callback. A session that can't be looked up is none: then a person is asked once more.
pub(super) async fn returning(site: &Site, headers: &HeaderMap) -> (Browser, ReturningBrowser) {
    let browser = Browser::identify(site, headers);
    let session = match InSession::find(site, headers).await {
        Ok(found) => found.map(|session| session.secret.digest()),
        Err(failure) => {
            tracing::warn!(error = %with_sources(&failure), "the session of a callback could not be looked up");
            None
        }
    };
    let returning = ReturningBrowser {
        browser: browser.secret.clone(),
        is_known: browser.is_known,
        session,
    };
    (browser, returning)
}

/// Whether the browser itself says that another site's page sent it here. `Origin` is `null` for our own pages, too, which
/// tell nobody where they are.
fn is_from_elsewhere(site: &Site, headers: &HeaderMap) -> bool {
    let says = |name: &str, allowed: &[&str]| {
        headers
            .get(name)
            .is_some_and(|value| !allowed.iter().any(|allowed| value == allowed))
    };
    let here = site
        .addresses
        .account_settings
        .origin()
        .ascii_serialization();
    says("sec-fetch-site", &["same-origin", "none"]) || says(ORIGIN.as_str(), &[&here, "null"])
}
