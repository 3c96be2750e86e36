//! A browser of a kind: it keeps cookies, follows redirects, and posts the forms that pages have. No scripts.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};

const HOPS: usize = 12;

/// Somebody's browser. Everything is on one machine, and cookies do not know ports: one jar serves all.
#[derive(Debug)]
pub(crate) struct Browser {
    http: Client,
    cookies: BTreeMap<String, String>,
    page: Page,
}

/// What is to be seen.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) html: String,
}

impl Browser {
    /// A new one, at this address.
    pub(crate) async fn open(address: &str) -> anyhow::Result<Self> {
        let url = Url::parse(address)?;
        let mut browser = Self {
            http: Client::builder().redirect(Policy::none()).build()?,
            cookies: BTreeMap::new(),
            page: Page {
                url: url.clone(),
                status: 0,
                html: String::new(),
            },
        };
        browser.go(url.as_str()).await?;
        Ok(browser)
    }

    /// The page it shows.
    pub(crate) fn page(&self) -> &Page {
        &self.page
    }

    /// Opens an address, absolute or of the present site.
    pub(crate) async fn go(&mut self, address: &str) -> anyhow::Result<&Page> {
        let url = self.page.url.join(address)?;
        self.send(url.clone(), self.http.get(url)).await
    }

    /// Sends the form whose action contains `action`, with its hidden fields and these.
    pub(crate) async fn submit(
        &mut self,
        action: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<&Page> {
        let form = self.page.form(action)?;
        let url = self.page.url.join(&form.action)?;
        let mut all = form.hidden;
        all.extend(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let origin = self.page.url.origin().ascii_serialization();
        let request = self
            .http
            .post(url.clone())
            .header("origin", origin)
            .form(&all);
        self.send(url, request).await
    }

    async fn send(&mut self, mut url: Url, mut request: RequestBuilder) -> anyhow::Result<&Page> {
        for _ in 0..HOPS {
            let jar = self.cookies.iter();
            let jar: Vec<_> = jar.map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.header(COOKIE, jar.join("; ")).send().await?;
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').context("no cookie")?;
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(location) = answer.headers().get(LOCATION) else {
                self.page = Page {
                    url,
                    status: answer.status().as_u16(),
                    html: answer.text().await?,
                };
                return Ok(&self.page);
            };
            url = url.join(location.to_str()?)?;
            request = self.http.get(url.clone());
        }
        anyhow::bail!("sent on for ever, at last to {url}")
    }
}

/// A form, as far as it fills itself in.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) hidden: Vec<(String, String)>,
}

impl Page {
    /// Whether a text is on the page.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.html.contains(text)
    }

    /// The text has to be on the page.
    pub(crate) fn must_have(&self, text: &str) -> anyhow::Result<()> {
        ensure!(
            self.has(text),
            "no {text:?} at {}:\n{}",
            self.url,
            self.html
        );
        Ok(())
    }

    /// The form whose action contains `action`.
    pub(crate) fn form(&self, action: &str) -> anyhow::Result<Form> {
        let forms = self.html.split("<form ").skip(1);
        let found = forms
            .filter_map(|form| form.split("</form>").next())
            .find(|form| attribute(form, "action").is_some_and(|found| found.contains(action)));
        let form = found
            .with_context(|| format!("no form to {action} at {}:\n{}", self.url, self.html))?;
        let inputs = form.split("<input ").skip(1);
        let hidden = inputs.filter_map(|input| {
            let input = input.split('>').next()?;
            (attribute(input, "type") == Some("hidden"))
                .then(|| {
                    Some((
                        attribute(input, "name")?.to_owned(),
                        attribute(input, "value")?.to_owned(),
                    ))
                })
                .flatten()
        });
        Ok(Form {
            action: attribute(form, "action").unwrap_or_default().to_owned(),
            hidden: hidden.collect(),
        })
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}
