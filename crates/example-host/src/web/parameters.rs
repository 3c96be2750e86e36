//! Query parameters. Anybody can write one, and mail programs and people change them on the way; so no address
//! makes a request fail, and what is said twice in different words is not said.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use url::form_urlencoded;

/// Extracts the query parameters of an address.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn from_query(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of a parameter, if all that are given are the same.
    pub(super) fn single(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        let (_, first) = values.next()?;
        values.all(|(_, other)| other == first).then_some(first)
    }

    /// Whether a parameter is given at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| found == name)
    }
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_query(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn a_parameter_has_one_value_or_none() {
        let one = |query: &str| {
            Parameters::from_query(query)
                .single("flow")
                .map(str::to_owned)
        };
        for (query, value) in [
            ("flow=a", Some("a")),
            ("x=1&flow=a&flow=a", Some("a")),
            ("fl%6fw=a%20b", Some("a b")),
            ("flow=", Some("")),
            ("flow", Some("")),
            ("flow=%ff", Some("\u{fffd}")),
            ("flow=a&flow=b", None),
            ("flow=a&flow", None),
            ("Flow=a", None),
            ("", None),
            ("&&=&%", None),
        ] {
            assert_eq!(one(query).as_deref(), value, "{query}");
        }
    }
}
