//! Everything around one gateway, and those who use it.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context, ensure};
use assent_consent_core::clock::Clock;
use assent_dev_stack::actors::{
    HostUser, Http, Landing, Microsoft, Person, PlainBrowser, Reaction, Reply, SettingsClient,
    open_session,
};
use assent_dev_stack::{
    HostApplication, NatsServer, NatsUser, ReservedPort, SIMULATOR_CLIENT_ID,
    SIMULATOR_CLIENT_SECRET, TokenBuilder,
};
use assent_event_log::EventLog;
use assent_messaging::{Connection, ConnectionSettings, RequestError};
use assent_service_kit::{GivenFlags, Runtime, config};
use consent_gateway::app;
use consent_gateway::config::{Config, PROGRAM};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::description;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Fixture {
    pub(crate) host: HostApplication,
    pub(crate) clock: Clock,
    pub(crate) base: String,
    /// Requires that whatever the gateway answers is described. No address of Microsoft's is one of ours.
    http: Http,
    simulator: assent_entra_simulator::Running,
    nats: NatsServer,
    _port: ReservedPort,
}

/// A gateway with its usual settings.
pub(crate) async fn start() -> anyhow::Result<Fixture> {
    Ok(Fixture::start().await)
}

/// A gateway with these settings as well.
pub(crate) async fn start_with(
    settings: impl IntoIterator<Item = (&'static str, String)>,
) -> anyhow::Result<Fixture> {
    Ok(Fixture::start_with(settings).await)
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::start_with([]).await
    }

    async fn start_with(settings: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let nats = NatsServer::start().await.unwrap();
        let host = HostApplication::start().await.unwrap();
        let port = ReservedPort::pick().unwrap();
        let base = format!("http://{}", port.address());
        let callbacks = ["admin-consent", "authorize"]
            .map(|callback| format!("{base}/callbacks/microsoft/{callback}"));
        let simulator =
            assent_entra_simulator::start(assent_entra_simulator::Settings::story(callbacks))
                .await
                .unwrap();
        let mut environment = nats.environment(NatsUser::Gateway);
        environment.extend(host.environment());
        let ours = [
            ("ASSENT_LISTEN", port.address().to_string()),
            ("ASSENT_PUBLIC_URL", base.clone()),
            ("ASSENT_ENTRA_AUTHORITY", simulator.base_url.clone()),
            ("ASSENT_GRAPH_URL", simulator.base_url.clone()),
            ("ASSENT_ENTRA_CLIENT_ID", SIMULATOR_CLIENT_ID.to_owned()),
            (
                "ASSENT_ENTRA_CLIENT_SECRET",
                SIMULATOR_CLIENT_SECRET.to_owned(),
            ),
            ("ASSENT_RETURN_ORIGINS", host.origin()),
        ];
        for (name, value) in ours.into_iter().chain(settings) {
            environment.retain(|(known, _)| known != name);
            environment.push((name.to_owned(), value));
        }
        let environment = environment
            .into_iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let config: Config =
            config::load(PROGRAM.variables, PROGRAM.known_names, environment, None).unwrap();
        let clock = Clock::default();
        let running =
            app::run_with_clock(config, Runtime::new(), GivenFlags::default(), clock.clone());
        drop(tokio::spawn(running));
        let fixture = Self {
            host,
            clock,
            base,
            http: Http::observed_by(description::require_described),
            simulator,
            nats,
            _port: port,
        };
        let deadline = Instant::now() + PATIENCE;
        let nobody = fixture.user("acme", "nobody");
        while nobody.account().await.is_err() {
            assert!(Instant::now() < deadline, "the gateway never listened");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        fixture
    }

    /// An ordinary user of the host application.
    pub(crate) fn user(&self, account: &str, user: &str) -> HostUser {
        self.with_token(account, user, |token| token)
    }

    /// A Super Admin who may manage company settings.
    pub(crate) fn super_admin(&self, account: &str, user: &str) -> HostUser {
        self.with_token(account, user, |token| {
            token.super_admin().permission("company_settings:manage")
        })
    }

    /// Somebody with a token that `shape` makes of an ordinary user's.
    pub(crate) fn with_token(
        &self,
        account: &str,
        user: &str,
        shape: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>,
    ) -> HostUser {
        let token = shape(self.host.token_for(user, account)).sign();
        let backend = self.host.token_for(user, account);
        let backend = backend.claim("scope", "identities:vouch").sign();
        let tokens = (token, backend);
        HostUser::new(&self.http, &self.base, (account, user), tokens)
    }

    /// The simulated Microsoft, and the people in front of it.
    pub(crate) fn microsoft(&self) -> Microsoft {
        Microsoft::new(&self.http, &self.simulator.base_url)
    }

    /// Where the simulated Microsoft is.
    pub(crate) fn simulator_url(&self) -> &str {
        &self.simulator.base_url
    }

    /// The answer to the host application's form that opens a session.
    pub(crate) async fn open(&self, token: &str, return_to: &str) -> anyhow::Result<Reply> {
        self.open_saying(token, return_to, |request| request).await
    }

    /// As [`Self::open`], where the browser says more of where the form comes from.
    pub(crate) async fn open_saying(
        &self,
        token: &str,
        return_to: &str,
        say: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Reply> {
        Ok(open_session(&self.nobody(), token, return_to, say).await?)
    }

    /// A session of the settings pages, of an ordinary user.
    pub(crate) async fn session_user(
        &self,
        account: &str,
        user: &str,
    ) -> anyhow::Result<SettingsClient> {
        let token = self.host.token_for(user, account).sign();
        Ok(SettingsClient::open(self.nobody(), &token, |request| request).await?)
    }

    /// A session of the settings pages, of a Super Admin.
    pub(crate) async fn session_super_admin(
        &self,
        account: &str,
        user: &str,
    ) -> anyhow::Result<SettingsClient> {
        let token = self.host.token_for(user, account).super_admin();
        let token = token.permission("company_settings:manage").sign();
        Ok(SettingsClient::open(self.nobody(), &token, |request| request).await?)
    }

    fn nobody(&self) -> HostUser {
        self.user("acme", "nobody").bearing("none")
    }

    /// How many messages the log has.
    pub(crate) async fn last_sequence(&self) -> anyhow::Result<u64> {
        let operator = self.connect(NatsUser::Operator).await;
        let log = EventLog::open(&operator).await?;
        Ok(log.status().await?.last_sequence.0)
    }

    /// A browser in which the host application has opened the settings for a user of `acme`.
    pub(crate) async fn settings_of(
        &self,
        user: &str,
        shape: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>,
    ) -> PlainBrowser {
        let mut browser = self.microsoft().new_browser();
        let token = shape(self.host.token_for(user, "acme")).sign();
        let fields = [
            ("token", token.as_str()),
            ("return_to", "/settings/account"),
        ];
        let address = self.at("/session");
        let opened = browser.send(Method::POST, &address, &fields, &[]).await;
        let opened = opened.unwrap();
        assert_eq!(opened.status, 303, "{}", opened.text);
        browser
    }

    /// Stores a message in the log that is no event, as nobody but the gateway's own user at NATS could.
    pub(crate) async fn store_unreadable(&self, subject: &str) {
        let operator = self.connect(NatsUser::Operator).await;
        let log = EventLog::open(&operator).await.unwrap();
        let before = log.status().await.unwrap().last_sequence;
        let gateway = self.connect(NatsUser::Gateway).await;
        gateway.publish(subject, &[], "no event").await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        while log.status().await.unwrap().last_sequence == before {
            assert!(Instant::now() < deadline, "it was never stored");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What a service's command over NATS is answered: by JSON, or with a status and a code.
    pub(crate) async fn command(
        &self,
        by: NatsUser,
        subject: &str,
        command: &Value,
    ) -> Result<Value, (u16, String)> {
        let connection = self.connect(by).await;
        let payload = command.to_string().into_bytes();
        match connection.request(subject, payload, None, PATIENCE).await {
            Ok(answer) => Ok(serde_json::from_slice(&answer).unwrap()),
            Err(RequestError::Service {
                status,
                description,
                ..
            }) => Err((status, description)),
            // No status of ours: whatever a test expects, it is not this.
            Err(error) => Err((0, error.to_string())),
        }
    }

    pub(crate) async fn connect(&self, user: NatsUser) -> Connection {
        let (name, password) = self.nats.credentials(user);
        let settings = ConnectionSettings::new(self.nats.url(), "test").with_user(name, password);
        Connection::connect(settings).await.unwrap()
    }

    /// The whole address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// Where a started flow sends the browser.
pub(crate) fn authorize_url(reply: &Reply) -> &str {
    reply.word("/authorize_url").unwrap()
}

/// How a flow stands, as its user asks.
pub(crate) async fn state_of(user: &HostUser, flow: &str) -> (String, Option<String>) {
    let reply = user.flow(flow).await.unwrap().ok().unwrap();
    let state = reply.word("/state").unwrap().to_owned();
    (state, reply.word("/code").map(str::to_owned))
}

/// What a browser came back with to confirm.
pub(crate) fn confirm_of(landing: &Landing) -> &str {
    landing.confirm.as_deref().unwrap()
}

/// What an administrator is asked for.
pub(crate) fn selection(tenant: Option<&str>) -> Value {
    let mut body = json!({
        "administrator_confirmed": true,
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
    });
    if let (Some(tenant), Some(fields)) = (tenant, body.as_object_mut()) {
        fields.insert("tenant".to_owned(), json!(tenant));
    }
    body
}

/// A Super Admin starts an administrator consent, and `person` reacts to it at Microsoft.
pub(crate) async fn admin_consent(
    fixture: &Fixture,
    sam: &HostUser,
    tenant: Option<&str>,
    person: Person,
    reaction: Reaction<'_>,
) -> anyhow::Result<Landing> {
    let started = sam.start_admin_consent(&selection(tenant)).await?.ok()?;
    let url = authorize_url(&started);
    Ok(fixture.microsoft().walk(url, person, reaction).await?)
}

/// The browser is back with this outcome, and whoever began the flow is told the same.
pub(crate) async fn ended(
    by: &HostUser,
    landing: &Landing,
    state: &str,
    code: Option<&str>,
) -> anyhow::Result<()> {
    ensure!(landing.outcome == state, "{landing:?}, expected {state}");
    let told = state_of(by, &landing.flow).await;
    ensure!(
        (told.0.as_str(), told.1.as_deref()) == (state, code),
        "{told:?}, expected {state} {code:?}"
    );
    Ok(())
}

/// A value of an address's query, decoded.
pub(crate) fn query_value(address: &str, name: &str) -> anyhow::Result<String> {
    let url = Url::parse(address)?;
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .with_context(|| format!("{} has no {name}", url.path()))
}
