//! What the calls so far have shown of Microsoft's services and of our credentials, for readiness and logs.

mod credential;

mod service;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

pub use credential::{CertificateStatus, CertificateValidity, CredentialPlace, CredentialStatus};
pub use service::CircuitState;
pub(crate) use service::ServiceName;

/// The health of Microsoft's services and of our credentials, as far as the calls so far have shown. Nothing is asked to
/// find out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MicrosoftHealth {
    /// Whether Microsoft believes that we are the registered application.
    pub credential: CredentialStatus,
    /// Our certificates, none to two.
    pub certificates: Vec<CertificateStatus>,
    /// The sign-in service: metadata, keys and tokens.
    pub sign_in: CircuitState,
    /// The sign-in service, asked about tenants that somebody names.
    pub lookups: CircuitState,
    /// Microsoft Graph.
    pub graph: CircuitState,
    /// Autodiscover of Exchange Online.
    pub autodiscover: CircuitState,
}

impl MicrosoftHealth {
    /// What an operator has to look at, in whole sentences; nothing if all is well.
    pub fn complaints(&self, now: SystemTime) -> Vec<String> {
        let mut complaints = Vec::new();
        match &self.credential {
            CredentialStatus::NotConfigured
            | CredentialStatus::NotTriedYet
            | CredentialStatus::Accepted => {}
            CredentialStatus::SecondUsed | CredentialStatus::Refused { .. } => {
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

/// Where changes of [`MicrosoftHealth`] are reported; clones report to the same place.
#[derive(Clone, Debug, Default)]
pub(crate) struct HealthReporter(Arc<watch::Sender<MicrosoftHealth>>);

impl HealthReporter {
    pub(crate) fn subscribe(&self) -> watch::Receiver<MicrosoftHealth> {
        self.0.subscribe()
    }

    pub(crate) fn report_circuit(&self, service: &ServiceName, state: CircuitState) {
        self.0.send_if_modified(|health| {
            let known = match service {
                ServiceName::SignIn => &mut health.sign_in,
                ServiceName::Lookups => &mut health.lookups,
                ServiceName::Graph => &mut health.graph,
                ServiceName::Autodiscover => &mut health.autodiscover,
                // What browsers claim is little to go by, and other clouds are not served: nobody has to act on that.
                ServiceName::Claims | ServiceName::National(_) => return false,
            };
            replace(known, state)
        });
    }

    /// Reports whether Microsoft believes our credential; says whether that is news.
    pub(crate) fn report_credential(&self, now: CredentialStatus) -> bool {
        self.0
            .send_if_modified(|health| replace(&mut health.credential, now))
    }

    /// Reports what is known before the first call.
    pub(crate) fn report_configured(
        &self,
        credential: CredentialStatus,
        certificates: Vec<CertificateStatus>,
    ) {
        self.0.send_modify(|health| {
            health.credential = credential;
            health.certificates = certificates;
        });
    }
}

fn replace<T: PartialEq>(known: &mut T, now: T) -> bool {
    let is_news = *known != now;
    *known = now;
    is_news
}
