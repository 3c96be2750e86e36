//! The parameters of a request, each at most once.

use axum::http::{HeaderMap, header};

use crate::aadsts::Aadsts;

/// Query or form parameters, in the order sent.
#[derive(Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl std::fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Parameters {
    /// Reads a query string or a form. A parameter given twice is refused, whichever it is.
    pub(crate) fn parse(encoded: &str) -> Result<Self, Aadsts> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(encoded.as_bytes())
            .into_owned()
            .collect();
        for (position, (name, _)) in pairs.iter().enumerate() {
            if pairs
                .iter()
                .skip(position + 1)
                .any(|(other, _)| other == name)
            {
                return Err(Aadsts::new(
                    9_000_411,
                    "invalid_request",
                    format!(
                        "The request is not properly formatted. The parameter '{name}' is duplicated."
                    ),
                ));
            }
        }
        Ok(Self(pairs))
    }

    /// Reads a form from a request's body.
    pub(crate) fn parse_form(headers: &HeaderMap, body: &[u8]) -> Result<Self, Aadsts> {
        let form = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        match std::str::from_utf8(body) {
            Ok(text) if form => Self::parse(text),
            Ok(_) | Err(_) => Err(Aadsts::missing_parameter("grant_type")),
        }
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn require(&self, name: &str) -> Result<&str, Aadsts> {
        self.get(name)
            .ok_or_else(|| Aadsts::missing_parameter(name))
    }
}
