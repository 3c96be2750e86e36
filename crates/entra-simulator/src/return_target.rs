//! The way back to the application, with whatever there is to tell it.

use url::Url;

use crate::aadsts::{Aadsts, CANCELLED};

/// How parameters are carried back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    /// In the query.
    #[default]
    Query,
    /// Behind a `#`, where only the browser sees them.
    Fragment,
    /// In a form that the browser posts.
    FormPost,
}

/// Where to, and what always goes along.
#[derive(Clone, Debug)]
pub(crate) struct ReturnTarget {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) mode: ResponseMode,
    /// `admin_consent=True` is there on errors as well.
    pub(crate) admin_consent: bool,
}

/// A browser on its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BrowserReturn {
    /// The browser is redirected.
    Redirect(String),
    /// The browser posts a form.
    Form {
        action: String,
        fields: Vec<(String, String)>,
    },
}

impl ReturnTarget {
    pub(crate) fn with_parameters(&self, parameters: &[(&str, &str)]) -> BrowserReturn {
        let mut all = parameters.to_vec();
        if self.admin_consent {
            all.push(("admin_consent", "True"));
        }
        all.extend(self.state.as_deref().map(|state| ("state", state)));
        // Registered URIs are valid URLs; the other branch exists only so as not to fail where nothing can.
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return BrowserReturn::Redirect(self.redirect_uri.clone());
        };
        match self.mode {
            ResponseMode::Query => {
                // Added to whatever query it has.
                url.query_pairs_mut().extend_pairs(all);
                BrowserReturn::Redirect(url.into())
            }
            ResponseMode::Fragment => {
                let mut encoded = url::form_urlencoded::Serializer::new(String::new());
                url.set_fragment(Some(&encoded.extend_pairs(all).finish()));
                BrowserReturn::Redirect(url.into())
            }
            ResponseMode::FormPost => BrowserReturn::Form {
                action: url.into(),
                fields: all
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            },
        }
    }

    pub(crate) fn with_error(&self, error: &Aadsts, base_url: &str) -> BrowserReturn {
        let parameters = error.parameters(base_url);
        let borrowed: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.with_parameters(&borrowed)
    }

    /// Without an answer: neither that somebody declined nor that they could not.
    pub(crate) fn with_cancellation(&self) -> BrowserReturn {
        self.with_parameters(&CANCELLED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(mode: ResponseMode) -> ReturnTarget {
        ReturnTarget {
            redirect_uri: "https://app.example/callback?known=1".to_owned(),
            state: Some("a b".to_owned()),
            mode,
            admin_consent: false,
        }
    }

    #[test]
    fn parameters_go_where_the_request_wants_them() {
        let redirect = |location: &str| BrowserReturn::Redirect(location.to_owned());
        assert_eq!(
            target(ResponseMode::Query).with_parameters(&[("code", "c")]),
            redirect("https://app.example/callback?known=1&code=c&state=a+b")
        );
        assert_eq!(
            target(ResponseMode::Fragment).with_parameters(&[("code", "c")]),
            redirect("https://app.example/callback?known=1#code=c&state=a+b")
        );
        let BrowserReturn::Form { action, fields } =
            target(ResponseMode::FormPost).with_parameters(&[("code", "c")])
        else {
            panic!("a form was asked for");
        };
        assert_eq!(action, "https://app.example/callback?known=1");
        assert_eq!(
            fields,
            [("code", "c"), ("state", "a b")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}
