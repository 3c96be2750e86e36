//! Somebody on the settings pages, over plain HTTP: what a browser sends, and nothing that a script would do.

use reqwest::{Method, RequestBuilder};

use super::host_user::HostUser;
use super::reply::{ActorError, Reply};

/// A browser with one session.
#[derive(Debug, Clone)]
pub struct SettingsClient {
    http: HostUser,
    /// The session's cookie, as a browser sends it.
    pub cookie: String,
}

/// Posts the host application's form that opens a session; `nobody` has no token that is good. `say`: what else the browser
/// says of where the form comes from.
pub async fn open_session(
    nobody: &HostUser,
    token: &str,
    return_to: &str,
    say: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Result<Reply, ActorError> {
    let form = [("token", token), ("return_to", return_to)];
    let opened = nobody.send(Method::POST, "/session", |request| {
        say(request.header("accept", "text/html").form(&form))
    });
    opened.await
}

/// The cookie that an answer sets, as a browser sends it back.
pub fn session_cookie(reply: &Reply) -> Result<&str, ActorError> {
    let set = reply.header("set-cookie");
    let set = set.ok_or_else(|| reply.unexpected("a cookie"))?;
    Ok(set.split_once(';').map_or(set, |(pair, _)| pair))
}

impl SettingsClient {
    /// Somebody for whom the host application opens a session with this token.
    pub async fn open(
        nobody: HostUser,
        token: &str,
        say: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Self, ActorError> {
        let opened = open_session(&nobody, token, "/settings/account", say).await?;
        Ok(Self {
            cookie: session_cookie(&opened)?.to_owned(),
            http: nobody,
        })
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Result<Reply, ActorError> {
        let got = self.http.send(Method::GET, path, |request| {
            request
                .header("accept", "text/html")
                .header("cookie", &self.cookie)
        });
        got.await
    }

    /// Sends a form as it stands, without what our own pages put into it.
    pub async fn post_bare(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Reply, ActorError> {
        let posted = self.http.send(Method::POST, path, |request| {
            request
                .header("accept", "text/html")
                .header("cookie", &self.cookie)
                .form(fields)
        });
        posted.await
    }

    /// Sends a form of the page `from`, with the hidden fields that it has there and these.
    pub async fn post(
        &self,
        from: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Reply, ActorError> {
        let page = self.get(from).await?;
        let hidden: Vec<_> = ["proof", "seen", "epoch", "shown"]
            .into_iter()
            .filter_map(|name| Some((name, hidden_field(&page.text, name)?)))
            .filter(|(name, _)| !fields.iter().any(|(given, _)| given == name))
            .collect();
        let all: Vec<_> = hidden.into_iter().chain(fields.iter().copied()).collect();
        self.post_bare(path, &all).await
    }
}

/// The value of a page's hidden field.
pub fn hidden_field<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
