//! A browser without a window: it keeps cookies, reads forms, and runs no script. It follows no redirect by itself, for
//! where a browser is sent is part of the story.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, Url};

use super::client::{Client, Http};
use super::reply::{ActorError, Reply};

/// A person's browser.
#[derive(Debug, Clone)]
pub struct PlainBrowser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

/// A form of a page, as a browser would send it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageForm {
    /// Where it goes.
    pub action: String,
    /// What the page itself put into it.
    pub hidden: Vec<(String, String)>,
}

impl PlainBrowser {
    /// `base`: what an address without a host is taken to be below.
    pub(crate) fn new(http: &Http, base: &str) -> Self {
        Self {
            client: Client::new(http, base),
            cookies: BTreeMap::new(),
        }
    }

    /// Opens an address.
    pub async fn get(&mut self, address: &str) -> Result<Reply, ActorError> {
        self.send(Method::GET, address, &[], &[]).await
    }

    /// Sends a form of the page that was got from `address`, with these fields besides its own.
    pub async fn submit(
        &mut self,
        address: &str,
        form: &PageForm,
        fields: &[(&str, &str)],
    ) -> Result<Reply, ActorError> {
        let to = joined(address, &form.action)?;
        let own = form.hidden.iter();
        let own = own.map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<_> = own.chain(fields.iter().copied()).collect();
        self.send(Method::POST, &to, &all, &[]).await
    }

    /// Sends a request of any method, with these headers; if it is a POST, with these fields as a form.
    pub async fn send(
        &mut self,
        method: Method,
        address: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Result<Reply, ActorError> {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let is_form = method == Method::POST;
        let reply = self
            .client
            .send(method, address, |request| {
                let mut request = request.header("accept", "text/html");
                if !cookies.is_empty() {
                    request = request.header(COOKIE, cookies.join("; "));
                }
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                if is_form {
                    request.form(fields)
                } else {
                    request
                }
            })
            .await?;
        for set in reply.headers.get_all(SET_COOKIE) {
            let pair = set.to_str().unwrap_or_default().split(';').next();
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(reply)
    }

    /// Keeps a cookie that another answer has set.
    #[must_use]
    pub fn with_cookie(mut self, pair: &str) -> Self {
        if let Some((name, value)) = pair.split_once('=') {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        self
    }
}

/// Where a page's own address leads.
fn joined(page: &str, to: &str) -> Result<String, ActorError> {
    let joined = Url::parse(page).and_then(|page| page.join(to));
    joined
        .map(String::from)
        .map_err(|_| ActorError::Address(to.to_owned()))
}

/// The forms of a page that are sent by POST, in their order. Our pages are read as they are written, with every attribute
/// in double quotes.
pub fn forms(page: &str) -> Vec<PageForm> {
    let (mut found, mut rest) = (Vec::new(), page);
    while let Some((_, from)) = rest.split_once("<form ") {
        let (form, after) = from.split_once("</form>").unwrap_or((from, ""));
        let (tag, inside) = form.split_once('>').unwrap_or((form, ""));
        if attribute(tag, "method").as_deref() == Some("post") {
            let inputs = inside.split("<input ").skip(1);
            let hidden = inputs.filter_map(|input| {
                let tag = input.split('>').next()?;
                let is_hidden = attribute(tag, "type").as_deref() == Some("hidden");
                let value = attribute(tag, "value").unwrap_or_default();
                Some((attribute(tag, "name")?, value)).filter(|_| is_hidden)
            });
            found.push(PageForm {
                action: attribute(tag, "action").unwrap_or_default(),
                hidden: hidden.collect(),
            });
        }
        rest = after;
    }
    found
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let begin = format!("{name}=\"");
    let at = tag.strip_prefix(&begin).or_else(|| {
        let (_, rest) = tag.split_once(&format!(" {begin}"))?;
        Some(rest)
    })?;
    let value = at.split('"').next()?;
    Some(value.replace("&#38;", "&").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::{PageForm, forms};

    #[test]
    fn a_pages_forms_are_read_in_their_order() {
        let page = r#"<form class="card" method="post" action="/one?a=1&#38;b=2">
              <input type="hidden" name="proof" value="x">
              <input type="checkbox" name="box" value="true" required>
              <button type="submit">Go</button>
            </form><form action="/search"><input type="hidden" name="q" value="y"></form>
            <form method="post"><input type="hidden" name="empty"></form>"#;
        let form = |action: &str, hidden: [(&str, &str); 1]| PageForm {
            action: action.to_owned(),
            hidden: hidden
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        };
        assert_eq!(
            forms(page),
            [
                form("/one?a=1&b=2", [("proof", "x")]),
                form("", [("empty", "")])
            ]
        );
    }
}
