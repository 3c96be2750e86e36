//! How we stand with Microsoft, for whoever reports on the health of a service.

mod credential;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

pub use credential::{
    CertificateStanding, CertificateValidity, CredentialPlace, CredentialStanding,
};

use crate::client::Entra;
use crate::transport::{CircuitState, Part};

/// How we stand with Microsoft, as far as the calls so far have shown. Nothing is asked to find out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Whether Microsoft believes that we are the registered application.
    pub credential: CredentialStanding,
    /// Our certificates, none to two.
    pub certificates: Vec<CertificateStanding>,
    /// The sign-in service: metadata, keys and tokens.
    pub sign_in: CircuitState,
    /// The same service, asked about tenants that somebody names.
    pub lookups: CircuitState,
    /// Microsoft Graph.
    pub graph: CircuitState,
    /// Autodiscover of Exchange Online.
    pub autodiscover: CircuitState,
}

impl Standing {
    /// What an operator has to look at, in whole sentences; nothing if all is well.
    pub fn complaints(&self, now: SystemTime) -> Vec<String> {
        let mut complaints = Vec::new();
        match &self.credential {
            CredentialStanding::NotConfigured
            | CredentialStanding::NotTriedYet
            | CredentialStanding::Accepted => {}
            CredentialStanding::SecondUsed | CredentialStanding::Refused { .. } => {
                complaints.push(self.credential.to_string());
            }
        }
        for certificate in &self.certificates {
            let validity = certificate.validity(now);
            if validity != CertificateValidity::Valid {
                complaints.push(format!("{} credential: {validity}", certificate.credential));
            }
        }
        let circuits = [
            ("Microsoft's sign-in service", self.sign_in),
            (
                "Microsoft's sign-in service, asked about tenants that somebody names,",
                self.lookups,
            ),
            ("Microsoft Graph", self.graph),
            ("Microsoft's Autodiscover", self.autodiscover),
        ];
        for (name, circuit) in circuits {
            if circuit != CircuitState::Closed {
                complaints.push(format!("{name} fails again and again"));
            }
        }
        complaints
    }
}

impl Entra {
    /// The current standing, and every change of it.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.shared.board.0.subscribe()
    }
}

/// Where the standing is written down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<watch::Sender<Standing>>);

impl Board {
    pub(crate) fn circuit(&self, part: &Part, state: CircuitState) {
        self.0.send_if_modified(|standing| {
            let known = match part {
                Part::SignIn => &mut standing.sign_in,
                Part::Lookups => &mut standing.lookups,
                Part::Graph => &mut standing.graph,
                Part::Autodiscover => &mut standing.autodiscover,
                // What browsers claim is little to go by, and other clouds are not served: nobody has to act on that.
                Part::Claims | Part::National(_) => return false,
            };
            replace(known, state)
        });
    }

    /// Whether that is news.
    pub(crate) fn credential(&self, now: CredentialStanding) -> bool {
        self.0
            .send_if_modified(|standing| replace(&mut standing.credential, now))
    }

    /// What is known before the first call.
    pub(crate) fn credentials(
        &self,
        credential: CredentialStanding,
        certificates: Vec<CertificateStanding>,
    ) {
        self.0.send_modify(|standing| {
            standing.credential = credential;
            standing.certificates = certificates;
        });
    }
}

fn replace<T: PartialEq>(known: &mut T, now: T) -> bool {
    let is_news = *known != now;
    *known = now;
    is_news
}
