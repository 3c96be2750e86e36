//! Several servers as one cluster: what production runs on, on one machine.

use tokio::sync::watch;

use super::links::Links;
use super::{CONFIGURATION, NatsServer, NatsServerError, START_PATIENCE};
use crate::port::ReservedPort;
use crate::wait::wait_for;

/// What makes a server a member of a cluster, on top of the deployed configuration.
const CLUSTER: &str = include_str!("../../../../deploy/nats/cluster.conf");

/// Where servers would find one another by hearsay, past the links that can be cut: nobody is there.
const NOWHERE: (&str, &str) = (
    "listen: $ASSENT_NATS_CLUSTER_LISTEN",
    "listen: $ASSENT_NATS_CLUSTER_LISTEN\n  advertise: \"127.0.0.1:1\"",
);

/// Of a server in a cluster: where the others are.
#[derive(Debug)]
pub(super) struct Membership {
    /// Where the other servers connect to this one.
    route: ReservedPort,
    /// The routes to the others. Its own may be among them, which it passes over.
    routes: String,
    cut_off: watch::Sender<bool>,
    /// What the routes lead over, where they can be cut.
    _links: Links,
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
        Self::start_members(ports, changes, false).await
    }

    /// As [`NatsServer::start_cluster`], and each server can be [cut off](NatsServer::cut_off) from the others.
    pub(crate) async fn start_severable_cluster(
        ports: Vec<ReservedPort>,
        changes: &[(String, String)],
    ) -> Result<Vec<Self>, NatsServerError> {
        Self::start_members(ports, changes, true).await
    }

    async fn start_members(
        ports: Vec<ReservedPort>,
        changes: &[(String, String)],
        severable: bool,
    ) -> Result<Vec<Self>, NatsServerError> {
        let configuration = changes
            .iter()
            .fold(CONFIGURATION.to_owned(), |text, (from, to)| {
                text.replacen(from, to, 1)
            });
        let cluster = if severable {
            CLUSTER.replacen(NOWHERE.0, NOWHERE.1, 1)
        } else {
            CLUSTER.to_owned()
        };
        let configuration = format!("{configuration}\n{cluster}");
        let mut servers = Vec::new();
        let mut members = Vec::new();
        for (number, port) in ports.into_iter().enumerate() {
            let mut server = Self::prepare(&configuration, port).await?;
            server.name = format!("nats-{number}");
            members.push((ReservedPort::pick()?, watch::Sender::new(false)));
            servers.push(server);
        }
        let urls = servers.iter().map(Self::url).collect::<Vec<_>>().join(",");
        let mut ways = Vec::new();
        for (own, own_end) in &members {
            let mut links = Links::default();
            let mut routes = Vec::new();
            for (route, end) in &members {
                let address = if severable && route.number() != own.number() {
                    let ends = [own_end.subscribe(), end.subscribe()];
                    let link = links.lead_to(route.address(), ends).await;
                    link.map_err(NatsServerError::Files)?
                } else {
                    route.address()
                };
                routes.push(format!("\"nats-route://{address}\""));
            }
            ways.push((routes.join(", "), links));
        }
        let passwords = servers.first().map(|server| server.passwords.clone());
        let members = members.into_iter().zip(ways);
        for (server, ((route, cut_off), (routes, links))) in servers.iter_mut().zip(members) {
            if let Some(passwords) = &passwords {
                server.passwords = passwords.clone();
            }
            server.membership = Some(Membership {
                route,
                routes,
                cut_off,
                _links: links,
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

    /// The others hear nothing of it any more, nor it of them; its clients stay. Only in a cluster that is severable.
    pub fn cut_off(&self) {
        self.set_cut_off(true);
    }

    /// The others hear of it again.
    pub fn join_again(&self) {
        self.set_cut_off(false);
    }

    fn set_cut_off(&self, is_cut_off: bool) {
        if let Some(membership) = &self.membership {
            membership.cut_off.send_replace(is_cut_off);
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
