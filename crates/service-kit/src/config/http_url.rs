//! URLs that nobody on the way can read along.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use url::{Host, Url};

/// A URL with `https`, or with `http` for this very machine only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl(Url);

/// Why a text is no URL we would talk to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlError {
    /// The text is no absolute http(s) URL.
    #[error("an https URL")]
    NotHttp,
    /// The URL is plain http to another machine.
    #[error("an https URL (http only for localhost, 127.0.0.0/8 and [::1])")]
    NotEncrypted,
    /// The URL carries a user name, a password or a fragment.
    #[error("a URL without user, password and fragment")]
    MoreThanUrl,
}

impl HttpUrl {
    /// Reads a URL and checks that nobody on the way can read along.
    pub fn parse(text: &str) -> Result<Self, HttpUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| HttpUrlError::NotHttp)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(HttpUrlError::NotEncrypted),
            _ => return Err(HttpUrlError::NotHttp),
        }
        if url.cannot_be_a_base() || url.host().is_none() {
            return Err(HttpUrlError::NotHttp);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(HttpUrlError::MoreThanUrl);
        }
        Ok(Self(url))
    }

    /// The parsed URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The URL as text, without the slash the parser puts after a bare host.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl FromStr for HttpUrl {
    type Err = HttpUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Reads the address of a service that has its host to itself: no tenant and no version stand behind it, as in what Microsoft's portal shows.
pub fn url_without_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HttpUrl, D::Error> {
    let url = HttpUrl::deserialize(deserializer)?;
    if url.as_url().path() != "/" || url.as_url().query().is_some() {
        return Err(de::Error::custom(
            "an https URL with nothing behind the host: no tenant, no v2.0",
        ));
    }
    Ok(url)
}

/// Reads a base that addresses are made of by adding to its path.
pub fn url_without_query<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HttpUrl, D::Error> {
    let url = HttpUrl::deserialize(deserializer)?;
    if url.as_url().query().is_some() {
        return Err(de::Error::custom("an https URL without a query"));
    }
    Ok(url)
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<HttpUrl> for Url {
    fn from(url: HttpUrl) -> Self {
        url.0
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
