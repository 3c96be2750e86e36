//! A web origin: scheme, host and port, and nothing else.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use super::http_url::{HttpUrl, HttpUrlError};

/// `https://app.example.com`, or `http://localhost:3000` on the same machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

/// Why a text is no origin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The text is no URL we would use.
    #[error("{0}")]
    Url(HttpUrlError),
    /// The text has more than scheme, host and port.
    #[error("an origin, scheme://host[:port] with no path, query or user")]
    MoreThanOrigin,
    /// The host has characters that names don't have, and that may mean more than themselves elsewhere.
    #[error("an origin whose host is written out, without wildcards")]
    NoHostName,
}

impl Origin {
    /// Reads an origin; the default port of the scheme is dropped.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = HttpUrl::parse(text).map_err(OriginError::Url)?;
        let url = url.as_url();
        // The parser adds the path `/` by itself, so a text that ends in it is refused by hand.
        if url.path() != "/" || text.trim().ends_with('/') || url.query().is_some() {
            return Err(OriginError::MoreThanOrigin);
        }
        let written_out = |name: &str| {
            name.chars()
                .all(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(letter))
        };
        if matches!(url.host(), Some(Host::Domain(name)) if !written_out(name)) {
            return Err(OriginError::NoHostName);
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// Whether a URL belongs to this origin.
    pub fn holds(&self, url: &Url) -> bool {
        url.origin().is_tuple() && url.origin().ascii_serialization() == self.0
    }

    /// The origin as browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_make_an_origin() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "http://localhost:3000",
            "http://127.0.0.1",
        ] {
            assert_eq!(Origin::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(
            Origin::parse("https://a.example:443").unwrap().as_str(),
            "https://a.example"
        );
        for bad in [
            "http://app.example.com",
            "https://a.example/",
            "https://a.example/path",
            "https://a.example?x",
            "https://user@a.example",
            "https://a.example#top",
            "ftp://a.example",
            "a.example",
            "null",
            "*",
            "https://*.a.example",
            "https://a.example;x",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_holds_its_own_urls_only() {
        let origin = Origin::parse("https://app.example.com").unwrap();
        let holds = |url: &str| origin.holds(&Url::parse(url).unwrap());
        assert!(holds("https://app.example.com/back?x=1"));
        assert!(holds("https://APP.example.com:443/back"));
        assert!(!holds("https://app.example.com:8443/"));
        assert!(!holds("https://app.example.com.evil.example/"));
        assert!(!holds("http://app.example.com/"));
        assert!(!holds("data:text/html,x"));
    }
}
