//! How each program of a stack is run.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{StackOptions, signing_key_file};
use crate::host_application::HostApplication;
use crate::nats_server::{NatsServer, NatsUser};
use crate::program::ProgramPlan;
use crate::vault_keys::VaultKeys;

/// Our application's id in the simulator's seed `story`.
pub const SIMULATOR_CLIENT_ID: &str = "a55e0000-0000-4000-8000-00000000c1d1";
/// The host application's own id there, which its users sign in to.
pub const SIMULATOR_HOST_CLIENT_ID: &str = "a55e0000-0000-4000-8000-00000000c1d2";
/// Our application's secret there. It opens nothing but the simulator.
pub const SIMULATOR_CLIENT_SECRET: &str = "simulator-only-assent-client-secret";

/// The host application's secret there. It opens nothing but the simulator, either.
pub(crate) const SIMULATOR_HOST_CLIENT_SECRET: &str = "simulator-only-host-client-secret";

/// What the programs need to know of one another.
pub(super) struct Plans<'a> {
    pub(super) gateway: SocketAddr,
    pub(super) simulator: SocketAddr,
    pub(super) login_hook: SocketAddr,
    /// Where each further gateway and login hook listens.
    pub(super) more: Vec<(SocketAddr, SocketAddr)>,
    pub(super) projections: Vec<SocketAddr>,
    pub(super) token_brokers: Vec<SocketAddr>,
    pub(super) vault_keys: VaultKeys,
    pub(super) example_host: Option<SocketAddr>,
    pub(super) data: &'a Path,
    pub(super) nats: &'a NatsServer,
    pub(super) host: &'a HostApplication,
    pub(super) options: &'a StackOptions,
    /// Where the services of the previous release are.
    pub(super) previous: Option<PathBuf>,
}

pub(super) fn projection_data(stack: &Path, number: usize) -> PathBuf {
    stack.join(format!("projection-{number}"))
}

impl Plans<'_> {
    pub(super) fn simulator(&self) -> ProgramPlan {
        let mut plan = ProgramPlan::new("entra-simulator")
            .variable("ASSENT_SIMULATOR_LISTEN", self.simulator.to_string())
            .argument("--seed")
            .argument("story");
        for callback in ["admin-consent", "authorize"] {
            plan = plan.argument("--redirect-uri").argument(format!(
                "http://{}/callbacks/microsoft/{callback}",
                self.gateway
            ));
        }
        if self.example_host.is_some() {
            plan = plan
                .argument("--redirect-uri")
                .argument(format!("{}/sign-in/microsoft/callback", self.host.origin()));
        }
        for argument in &self.options.simulator_arguments {
            plan = plan.argument(argument);
        }
        plan
    }

    pub(super) fn gateway(&self) -> ProgramPlan {
        self.gateway_at("consent-gateway", self.gateway)
    }

    /// The further gateways, which are the first one's replicas behind its public address, and login hooks.
    pub(super) fn more(&self) -> impl Iterator<Item = ProgramPlan> {
        self.more
            .iter()
            .enumerate()
            .flat_map(|(number, (gateway, login_hook))| {
                let number = number.saturating_add(1);
                [
                    self.gateway_at(&format!("consent-gateway-{number}"), *gateway),
                    self.login_hook_at(&format!("login-hook-{number}"), *login_hook),
                ]
            })
    }

    fn gateway_at(&self, label: &str, listen: SocketAddr) -> ProgramPlan {
        self.service("consent-gateway", label, listen, NatsUser::Gateway)
            .variable(
                "ASSENT_NATS_REPLICAS",
                self.options.nats_servers.to_string(),
            )
            .variable("ASSENT_PUBLIC_URL", format!("http://{}", self.gateway))
            .variable("ASSENT_GRAPH_URL", self.microsoft())
            .variables(self.example_host.into_iter().flat_map(|_| {
                [
                    ("ASSENT_PRODUCT_NAME".to_owned(), "Hirely".to_owned()),
                    ("ASSENT_PRODUCT_URL".to_owned(), self.host.origin()),
                    (
                        "ASSENT_PRODUCT_ACCENT_COLOR".to_owned(),
                        "#0f6b5c".to_owned(),
                    ),
                ]
            }))
            .variables(self.seals_tokens())
            .variables(self.options.credential.clone())
            .variables(self.options.variables.clone())
    }

    /// Where there is nobody who could open them, none are sealed.
    fn seals_tokens(&self) -> Option<(String, String)> {
        let file = self.vault_keys.public_key.to_string_lossy();
        let variable = "ASSENT_VAULT_PUBLIC_KEY_FILE".to_owned();
        (self.options.token_brokers > 0).then(|| (variable, file.into_owned()))
    }

    pub(super) fn token_brokers(&self) -> impl Iterator<Item = ProgramPlan> {
        self.token_brokers
            .iter()
            .enumerate()
            .map(|(number, address)| {
                let label = format!("token-broker-{number}");
                self.service("token-broker", &label, *address, NatsUser::TokenBroker)
                    .variable(
                        "ASSENT_NATS_REPLICAS",
                        self.options.nats_servers.to_string(),
                    )
                    .variable("ASSENT_GRAPH_URL", self.microsoft())
                    .variable(
                        "ASSENT_VAULT_KEYS_DIR",
                        self.vault_keys.directory.to_string_lossy(),
                    )
                    .variables(self.options.credential.clone())
                    .variables(self.options.variables.clone())
            })
    }

    pub(super) fn projections(&self) -> impl Iterator<Item = ProgramPlan> {
        self.projections
            .iter()
            .enumerate()
            .map(|(number, address)| {
                let label = format!("projection-{number}");
                self.service("projection", &label, *address, NatsUser::Projection)
                    .variable(
                        "ASSENT_DATA_DIR",
                        projection_data(self.data, number).to_string_lossy(),
                    )
                    .variables(self.options.variables.clone())
            })
    }

    pub(super) fn login_hook(&self) -> ProgramPlan {
        self.login_hook_at("login-hook", self.login_hook)
    }

    fn login_hook_at(&self, label: &str, listen: SocketAddr) -> ProgramPlan {
        self.service("login-hook", label, listen, NatsUser::LoginHook)
            .variable("ASSENT_HOST_ENTRA_CLIENT_ID", SIMULATOR_HOST_CLIENT_ID)
            .variables(self.options.variables.clone())
    }

    /// The example application, as the host application of all of them.
    pub(super) fn example_host(&self, listen: SocketAddr) -> ProgramPlan {
        let (nats_user, nats_password) = self.nats.credentials(NatsUser::SyncWorker);
        ProgramPlan::new("example-host")
            .variable("HOST_LISTEN", listen.to_string())
            .variable("HOST_PUBLIC_URL", self.host.origin())
            .variable(
                "HOST_SIGNING_KEY_FILE",
                signing_key_file(self.data).to_string_lossy(),
            )
            .variable("HOST_GATEWAY_URL", format!("http://{}", self.gateway))
            .variable("HOST_LOGIN_HOOK_URL", format!("http://{}", self.login_hook))
            .variables(self.token_brokers.first().map(|address| {
                (
                    "HOST_TOKEN_BROKER_URL".to_owned(),
                    format!("http://{address}"),
                )
            }))
            // A debug build on a busy machine takes its time.
            .variable("HOST_LOGIN_DEADLINE_MS", "5000")
            .variable("HOST_MICROSOFT_AUTHORITY", self.microsoft())
            .variable("HOST_GRAPH_URL", self.microsoft())
            .variable("HOST_MICROSOFT_CLIENT_ID", SIMULATOR_HOST_CLIENT_ID)
            .variable("HOST_MICROSOFT_CLIENT_SECRET", SIMULATOR_HOST_CLIENT_SECRET)
            .variable("HOST_NATS_URL", self.nats.urls())
            .variable("HOST_NATS_INBOX_PREFIX", format!("_INBOX_{nats_user}"))
            .variable("HOST_NATS_USER", nats_user)
            .variable("HOST_NATS_PASSWORD", nats_password)
            .variables(self.options.example_host_variables.clone())
    }

    fn service(
        &self,
        name: &'static str,
        label: &str,
        listen: SocketAddr,
        user: NatsUser,
    ) -> ProgramPlan {
        let is_previous = self.options.previous.contains(&label);
        ProgramPlan::new(name)
            .label(label)
            .directory(self.previous.clone().filter(|_| is_previous))
            .variable("ASSENT_LISTEN", listen.to_string())
            .variable("ASSENT_ENTRA_AUTHORITY", self.microsoft())
            .variable("ASSENT_ENTRA_CLIENT_ID", SIMULATOR_CLIENT_ID)
            .variables(self.nats.environment(user))
            .variables(self.host.environment())
    }

    fn microsoft(&self) -> String {
        format!("http://{}", self.simulator)
    }
}
