//! The parameters of a request, each at most once.

use axum::http::{HeaderMap, header};

use crate::aadsts::{Aadsts, Code, Surface};

/// Query or form parameters, in the order sent, and where to complain about them.
#[derive(Clone)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    surface: Surface,
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_list()
            .entries(self.pairs.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Parameters {
    /// Reads a query string or a form. A parameter given twice is refused, whichever it is.
    pub(crate) fn parse(encoded: &str, surface: Surface) -> Result<Self, Aadsts> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(encoded.as_bytes())
            .into_owned()
            .collect();
        for (position, (name, _)) in pairs.iter().enumerate() {
            if pairs
                .iter()
                .skip(position + 1)
                .any(|(other, _)| other == name)
            {
                return Err(Code::DuplicateParameter
                    .error_on(surface)
                    .with_facts(&[("name", name)]));
            }
        }
        Ok(Self { pairs, surface })
    }

    /// Reads a form from a request's body.
    pub(crate) fn parse_form(
        headers: &HeaderMap,
        body: &[u8],
        surface: Surface,
    ) -> Result<Self, Aadsts> {
        let form = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        match std::str::from_utf8(body) {
            Ok(text) if form => Self::parse(text, surface),
            Ok(_) | Err(_) => Err(Aadsts::missing_parameter("grant_type", surface)),
        }
    }

    pub(crate) fn surface(&self) -> Surface {
        self.surface
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn require(&self, name: &str) -> Result<&str, Aadsts> {
        self.get(name)
            .ok_or_else(|| Aadsts::missing_parameter(name, self.surface))
    }
}
