//! Everything around one gateway, and those who use it.

use std::ffi::OsString;
use std::time::Duration;

use assent_consent_core::clock::Clock;
use assent_dev_stack::actors::{HostUser, Http, Landing, Microsoft, PlainBrowser, Reply};
use assent_dev_stack::{
    HostApplication, NatsServer, NatsUser, ReservedPort, SIMULATOR_CLIENT_ID,
    SIMULATOR_CLIENT_SECRET, TokenBuilder,
};
use assent_event_log::EventLog;
use assent_messaging::{Connection, ConnectionSettings};
use assent_service_kit::{GivenFlags, Runtime, config};
use consent_gateway::app;
use consent_gateway::config::{Config, PROGRAM};
use reqwest::Method;
use tokio::time::Instant;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Fixture {
    pub(crate) host: HostApplication,
    pub(crate) clock: Clock,
    pub(crate) base: String,
    http: Http,
    simulator: assent_entra_simulator::Running,
    nats: NatsServer,
    _port: ReservedPort,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
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
        environment.extend(ours.map(|(name, value)| (name.to_owned(), value)));
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
            http: Http::default(),
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

    async fn connect(&self, user: NatsUser) -> Connection {
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
