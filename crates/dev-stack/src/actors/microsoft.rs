//! People in front of Microsoft's pages, through the simulator's control API, and the browser that brings them back.

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::client::{Client, Http};
use super::people::Person;
use super::plain_browser::{PlainBrowser, forms};
use super::reply::{ActorError, Reply};
use crate::stack::{SIMULATOR_HOST_CLIENT_ID, SIMULATOR_HOST_CLIENT_SECRET};

/// How often a browser is sent on before it must have arrived: an administrator consent sends it to Microsoft twice, twice
/// more while the consent is not effective yet, and to us each time.
const HOPS: usize = 10;

/// What the page of ours begins with on which an administrator confirms.
const ADMINISTRATORS_PAGE: &str = "/administrator-confirmation/";

/// The simulated Microsoft.
#[derive(Debug, Clone)]
pub struct Microsoft {
    base: String,
    http: Http,
    client: Client,
}

/// The answer of a person on Microsoft's consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction<'a> {
    /// Accepts everything.
    Accept,
    /// Accepts only these scopes, as some pages let them.
    AcceptOnly(&'a [&'a str]),
    /// Declines.
    Decline,
    /// Leaves without an answer.
    Cancel,
    /// Follows the link back on "Need admin approval".
    Return,
}

/// The end of a visit to Microsoft's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visit {
    /// The browser was sent back, to this address.
    Redirect(String),
    /// A page does not let this person on; its code.
    Page(String),
}

/// What the host application gets when somebody signs in to it.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The ID token.
    pub id_token: String,
    /// The access token for Microsoft Graph.
    pub access_token: String,
}

/// The pair of RFC 7636's own example: the host application is played, and protects nothing.
const PKCE_VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const PKCE_CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Where the browser came to rest in the host application or on our pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The whole address that the browser came to.
    pub address: String,
    /// The id of the flow, by the address.
    pub flow: String,
    /// The outcome of the flow, by the address.
    pub outcome: String,
    /// The value that the host application has to confirm with, where it has to.
    pub confirm: Option<String>,
}

impl Microsoft {
    /// Microsoft, as the simulator at this address plays it.
    pub fn new(http: &Http, simulator: &str) -> Self {
        Self {
            base: simulator.to_owned(),
            http: http.clone(),
            client: Client::new(http, simulator),
        }
    }

    /// Walks the pages at `address` as `person`, in a browser of their own.
    pub async fn visit(
        &self,
        address: &str,
        person: Person,
        reaction: Reaction<'_>,
    ) -> Result<Visit, ActorError> {
        let mut body = json!({
            "url": address,
            "as": person.object_id,
            // One browser for each person, so that an administrator signs in once.
            "browser": person.object_id,
            "answer": match reaction {
                Reaction::Accept | Reaction::AcceptOnly(_) => "accept",
                Reaction::Decline => "decline",
                Reaction::Cancel => "cancel",
                Reaction::Return => "return",
            },
        });
        if let (Reaction::AcceptOnly(scopes), Some(fields)) = (reaction, body.as_object_mut()) {
            fields.insert("grant_scopes".to_owned(), json!(scopes));
        }
        let reply = self.control(Method::POST, "browse", Some(&body)).await?;
        if let Some(address) = reply.word("/redirect") {
            return Ok(Visit::Redirect(address.to_owned()));
        }
        match reply.word("/page/code") {
            Some(code) => Ok(Visit::Page(code.to_owned())),
            None => Err(reply.unexpected("a redirect or a page")),
        }
    }

    /// Opens an address in a browser that follows no redirect.
    pub async fn open(&self, address: &str) -> Result<Reply, ActorError> {
        self.client
            .send(Method::GET, address, |request| request)
            .await
    }

    /// A browser that was nowhere yet.
    pub fn new_browser(&self) -> PlainBrowser {
        PlainBrowser::new(&self.http, &self.base)
    }

    /// Ticks the administrator's box on the page behind a link, and goes on. Where the page has no box, the page.
    pub async fn follow_hand_off(&self, link: &str) -> Result<Reply, ActorError> {
        let mut browser = self.new_browser();
        let page = browser.get(link).await?;
        match forms(&page.text).first() {
            Some(form) => {
                let ticked = [("administrator_confirmed", "true")];
                browser.submit(link, form, &ticked).await
            }
            None => Ok(page),
        }
    }

    /// Walks from `authorize_url` through Microsoft and our callbacks to where the browser comes to rest. An administrator
    /// who is shown our page confirms it.
    pub async fn walk(
        &self,
        authorize_url: &str,
        person: Person,
        reaction: Reaction<'_>,
    ) -> Result<Landing, ActorError> {
        let mut browser = self.new_browser();
        self.walk_in(&mut browser, authorize_url, person, reaction)
            .await
    }

    /// Walks as [`Self::walk`] does, in a browser that was somewhere before.
    async fn walk_in(
        &self,
        browser: &mut PlainBrowser,
        authorize_url: &str,
        person: Person,
        reaction: Reaction<'_>,
    ) -> Result<Landing, ActorError> {
        let rest = self.walk_up_to_us(browser, authorize_url, person, reaction);
        let rest = rest.await?;
        if !rest.contains(ADMINISTRATORS_PAGE) {
            return Landing::read(&rest);
        }
        let sent = self.confirm(browser, &rest).await?;
        match (sent.status, sent.header("location")) {
            (303, Some(location)) => Landing::read(location),
            _ => Err(sent.unexpected("303 and a location")),
        }
    }

    /// The administrator opens our page at `address`, and confirms. Where the page has no form, the page.
    pub async fn confirm(
        &self,
        browser: &mut PlainBrowser,
        address: &str,
    ) -> Result<Reply, ActorError> {
        let page = browser.get(address).await?;
        match forms(&page.text).first() {
            Some(form) => browser.submit(address, form, &[]).await,
            None => Ok(page),
        }
    }

    /// Walks as far as others lead: to the first page that is neither Microsoft's nor a callback, unopened.
    pub async fn walk_up_to_us(
        &self,
        browser: &mut PlainBrowser,
        authorize_url: &str,
        person: Person,
        reaction: Reaction<'_>,
    ) -> Result<String, ActorError> {
        let mut address = authorize_url.to_owned();
        for _ in 0..HOPS {
            address = if address.starts_with(&self.base) {
                match self.visit(&address, person, reaction).await? {
                    Visit::Redirect(address) => address,
                    Visit::Page(code) => {
                        return Err(ActorError::Unexpected {
                            call: format!("{} at Microsoft", person.name),
                            expected: "a way back".to_owned(),
                            got: format!("the page {code}"),
                        });
                    }
                }
            } else if address.contains("/callbacks/microsoft/") {
                let reply = browser.get(&address).await?;
                match (reply.status, reply.header("location")) {
                    (303, Some(location)) => location.to_owned(),
                    _ => return Err(reply.unexpected("303 and a location")),
                }
            } else {
                return Ok(address);
            };
        }
        Err(ActorError::Address(address))
    }

    /// An ID token as the host application's own sign-in gets it; `forge` names what is wrong with it.
    pub async fn id_token(
        &self,
        person: Person,
        forge: Option<&str>,
    ) -> Result<String, ActorError> {
        let mut body = json!({
            "tenant": person.tenant,
            "user": person.object_id,
            "client_id": SIMULATOR_HOST_CLIENT_ID,
            "nonce": "of-the-host-application",
        });
        if let (Some(forge), Some(fields)) = (forge, body.as_object_mut()) {
            fields.insert("forge".to_owned(), json!(forge));
        }
        let reply = self.control(Method::POST, "id-token", Some(&body)).await?;
        match reply.word("/id_token") {
            Some(token) => Ok(token.to_owned()),
            None => Err(reply.unexpected("an ID token")),
        }
    }

    /// Somebody signs in to the host application through Microsoft, whole: what the host application gets for it.
    pub async fn sign_in(
        &self,
        person: Person,
        scopes: &str,
        redirect_uri: &str,
    ) -> Result<SignIn, ActorError> {
        let mut address = Url::parse(&format!(
            "{}/{}/oauth2/v2.0/authorize",
            self.base, person.tenant
        ))
        .map_err(|_| ActorError::Address(self.base.clone()))?;
        address.query_pairs_mut().extend_pairs([
            ("client_id", SIMULATOR_HOST_CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", redirect_uri),
            ("scope", scopes),
            ("state", "of-the-host-application"),
            ("nonce", "of-the-host-application"),
            ("code_challenge", PKCE_CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let back = match self
            .visit(address.as_str(), person, Reaction::Accept)
            .await?
        {
            Visit::Redirect(back) => back,
            Visit::Page(code) => return Err(ActorError::Address(code)),
        };
        let code = Url::parse(&back).ok().and_then(|back| {
            let mut pairs = back.query_pairs();
            pairs
                .find(|(name, _)| name == "code")
                .map(|(_, code)| code.into_owned())
        });
        let path = format!("/{}/oauth2/v2.0/token", person.tenant);
        let reply = self
            .client
            .send(Method::POST, &path, |request| {
                request.form(&[
                    ("grant_type", "authorization_code"),
                    ("client_id", SIMULATOR_HOST_CLIENT_ID),
                    ("client_secret", SIMULATOR_HOST_CLIENT_SECRET),
                    ("redirect_uri", redirect_uri),
                    ("code_verifier", PKCE_VERIFIER),
                    ("code", code.as_deref().unwrap_or_default()),
                ])
            })
            .await?
            .ok()?;
        match (reply.word("/id_token"), reply.word("/access_token")) {
            (Some(id_token), Some(access_token)) => Ok(SignIn {
                id_token: id_token.to_owned(),
                access_token: access_token.to_owned(),
            }),
            _ => Err(reply.unexpected("both tokens")),
        }
    }

    /// Calls the simulator's control API, which must succeed.
    pub async fn control(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, ActorError> {
        let path = format!("/_control/{path}");
        self.client.call(method, &path, body).await?.ok()
    }
}

impl Landing {
    fn read(address: &str) -> Result<Self, ActorError> {
        let parsed = Url::parse(address).map_err(|_| ActorError::Address(address.to_owned()))?;
        let value = |name: &str| {
            let mut pairs = parsed.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        match (value("flow"), value("outcome")) {
            (Some(flow), Some(outcome)) => Ok(Self {
                confirm: value("confirm"),
                address: address.to_owned(),
                flow,
                outcome,
            }),
            _ => Err(ActorError::Address(address.to_owned())),
        }
    }
}
