//! Several servers as one cluster: what production runs on, on one machine.

use super::{CONFIGURATION, NatsServer, NatsServerError, START_PATIENCE};
use crate::port::ReservedPort;
use crate::wait::wait_for;

/// What makes a server a member of a cluster, on top of the deployed configuration.
const CLUSTER: &str = include_str!("../../../../deploy/nats/cluster.conf");

/// Of a server in a cluster: where the others are.
#[derive(Debug)]
pub(super) struct Membership {
    /// Where the other servers connect to this one.
    route: ReservedPort,
    /// All routes, this server's own among them, which it passes over.
    routes: String,
    /// All client URLs, separated by commas.
    pub(super) urls: String,
}

impl Membership {
    /// The variables that `deploy/nats/cluster.conf` reads.
    pub(super) fn environment(&self) -> [(&'static str, String); 2] {
        [
            (
                "ASSENT_NATS_CLUSTER_LISTEN",
                format!("\"{}\"", self.route.address()),
            ),
            ("ASSENT_NATS_ROUTES", format!("[{}]", self.routes)),
        ]
    }
}

impl NatsServer {
    /// Starts as many servers as there are ports, as one cluster, and waits until it has a leader. The users have the same
    /// passwords at each; some words of the deployed configuration may be replaced.
    pub async fn start_cluster(
        ports: Vec<ReservedPort>,
        changes: &[(String, String)],
    ) -> Result<Vec<Self>, NatsServerError> {
        let configuration = changes
            .iter()
            .fold(CONFIGURATION.to_owned(), |text, (from, to)| {
                text.replacen(from, to, 1)
            });
        let configuration = format!("{configuration}\n{CLUSTER}");
        let mut servers = Vec::new();
        let mut routes = Vec::new();
        for (number, port) in ports.into_iter().enumerate() {
            let mut server = Self::prepare(&configuration, port).await?;
            server.name = format!("nats-{number}");
            routes.push(ReservedPort::pick()?);
            servers.push(server);
        }
        let urls = servers.iter().map(Self::url).collect::<Vec<_>>().join(",");
        let all_routes = routes
            .iter()
            .map(|route| format!("\"nats-route://{}\"", route.address()))
            .collect::<Vec<_>>()
            .join(", ");
        let passwords = servers.first().map(|server| server.passwords.clone());
        for (server, route) in servers.iter_mut().zip(routes) {
            if let Some(passwords) = &passwords {
                server.passwords = passwords.clone();
            }
            server.membership = Some(Membership {
                route,
                routes: all_routes.clone(),
                urls: urls.clone(),
            });
            server.spawn()?;
        }
        for server in &mut servers {
            server.listening().await?;
            server.healthy().await?;
        }
        Ok(servers)
    }

    /// Waits until JetStream says that it is well: in a cluster, that there is a leader, and that this server is up to date.
    pub async fn healthy(&mut self) -> Result<(), NatsServerError> {
        let url = format!("http://{}/healthz", self.monitor.address());
        let http = reqwest::Client::new();
        let healthy = wait_for(START_PATIENCE, async || {
            let answer = http.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        });
        match healthy.await {
            Some(()) => Ok(()),
            None => Err(self.not_ready("its JetStream did not get well".to_owned())),
        }
    }

    /// Whether a program of this name is connected to this server.
    pub async fn has_client(&self, name: &str) -> bool {
        let url = format!("http://{}/connz", self.monitor.address());
        let Ok(answer) = reqwest::get(url).await else {
            return false;
        };
        let text = answer.text().await.unwrap_or_default();
        text.contains(&format!("\"name\": \"{name}\""))
    }
}
