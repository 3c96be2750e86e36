//! Somebody on our pages, over plain HTTP: what a browser sends, and nothing that a script would do.

use anyhow::Context;
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{HostUser, Reply};
use reqwest::{Method, RequestBuilder};

/// A browser with one session.
pub(crate) struct SessionClient {
    http: HostUser,
    pub(crate) cookie: String,
}

/// The answer to the host application's form.
pub(crate) async fn open(stack: &Stack, token: &str, return_to: &str) -> anyhow::Result<Reply> {
    open_saying(stack, token, return_to, |request| request).await
}

/// The same, where the browser says more of where the form comes from.
pub(crate) async fn open_saying(
    stack: &Stack,
    token: &str,
    return_to: &str,
    say: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> anyhow::Result<Reply> {
    let nobody = stack.user("acme", "nobody").bearing("none");
    let form = [("token", token), ("return_to", return_to)];
    let opened = nobody.send(Method::POST, "/session", |request| {
        say(request.header("accept", "text/html").form(&form))
    });
    Ok(opened.await?)
}

/// The cookie that an answer sets, as a browser sends it back.
pub(crate) fn cookie(reply: &Reply) -> anyhow::Result<&str> {
    let set = reply.header("set-cookie").context("no cookie is set")?;
    Ok(set.split_once(';').map_or(set, |(pair, _)| pair))
}

impl SessionClient {
    /// Somebody for whom the host application opened a session with this token.
    pub(crate) async fn with(stack: &Stack, token: &str) -> anyhow::Result<Self> {
        Self::with_headers(stack, token, |request| request).await
    }

    /// The same, where the browser says more of where the host application's form comes from.
    pub(crate) async fn with_headers(
        stack: &Stack,
        token: &str,
        say: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Self> {
        let opened = open_saying(stack, token, "/settings/account", say).await?;
        Ok(Self {
            http: stack.user("acme", "nobody").bearing("none"),
            cookie: cookie(&opened)?.to_owned(),
        })
    }

    /// An ordinary user.
    pub(crate) async fn user(stack: &Stack, account: &str, user: &str) -> anyhow::Result<Self> {
        Self::with(stack, &stack.host.token_for(user, account).sign()).await
    }

    /// A Super Admin.
    pub(crate) async fn super_admin(
        stack: &Stack,
        account: &str,
        user: &str,
    ) -> anyhow::Result<Self> {
        let token = stack.host.token_for(user, account).super_admin();
        Self::with(stack, &token.permission("company_settings:manage").sign()).await
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Reply> {
        let got = self.http.send(Method::GET, path, |request| {
            request
                .header("accept", "text/html")
                .header("cookie", &self.cookie)
        });
        Ok(got.await?)
    }

    /// Sends a form as it stands, without what our own pages put into it.
    pub(crate) async fn post_bare(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Reply> {
        let posted = self.http.send(Method::POST, path, |request| {
            request
                .header("accept", "text/html")
                .header("cookie", &self.cookie)
                .form(fields)
        });
        Ok(posted.await?)
    }

    /// Sends a form of the page `from`, with the hidden fields that it has there and these.
    pub(crate) async fn post(
        &self,
        from: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Reply> {
        let page = self.get(from).await?;
        let hidden: Vec<_> = ["proof", "seen", "epoch", "shown"]
            .into_iter()
            .filter_map(|name| Some((name, hidden(&page.text, name)?)))
            .filter(|(name, _)| !fields.iter().any(|(given, _)| given == name))
            .collect();
        let all: Vec<_> = hidden.into_iter().chain(fields.iter().copied()).collect();
        self.post_bare(path, &all).await
    }
}

/// The value of a hidden field.
pub(crate) fn hidden<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
