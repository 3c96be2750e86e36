//! Our cookies: their names, and how far they reach.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use crate::site::Site;

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// Stands for a session of the settings pages.
    Session,
    /// Tells one browser from another.
    Browser,
}

impl Cookie {
    /// `__Host-`: no other host, and no plain HTTP, can set it. Browsers want encryption for that.
    const fn name(self, is_encrypted: bool) -> &'static str {
        match (self, is_encrypted) {
            (Self::Session, true) => "__Host-assent_session",
            (Self::Session, false) => "assent_session",
            (Self::Browser, true) => "__Host-assent_browser",
            (Self::Browser, false) => "assent_browser",
        }
    }

    /// What makes a browser keep it. Lax: it has to come along when Microsoft sends the browser back, and with nobody
    /// else's forms.
    pub(super) fn set(self, site: &Site, value: &str, seconds: i64) -> String {
        let is_encrypted = is_encrypted(site);
        let (name, secure) = (
            self.name(is_encrypted),
            if is_encrypted { "; Secure" } else { "" },
        );
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    /// What a browser sent.
    pub(super) fn read<'h>(self, site: &Site, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = self.name(is_encrypted(site));
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

fn is_encrypted(site: &Site) -> bool {
    site.addresses.account_settings.scheme() == "https"
}
