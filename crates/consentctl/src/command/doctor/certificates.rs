//! How long certificates are good for: those that the NATS servers show, and those in files.

use std::path::Path;

use assent_messaging::ConnectionSettings;
use assent_messaging::{CertificateError, ServerCertificate, server_certificates};
use assent_service_kit::error_chain::with_sources;
use jiff::{SignedDuration, Timestamp};
use x509_parser::parse_x509_certificate;
use x509_parser::pem::Pem;

use super::DEADLINE;
use super::check::{Check, CheckKind, Quantity};

const KIND: CheckKind = CheckKind::Certificate;
const RENEW: &str = "renew it; nats-server takes the new one with nats-server --signal reload";
/// A certificate that is good for less is to be renewed.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// From when to when a certificate is good.
#[derive(Debug, Clone, Copy)]
struct Validity {
    not_before: Timestamp,
    not_after: Timestamp,
}

/// The certificates that the servers of these settings show; nothing where they speak no TLS.
pub(super) async fn of_servers(settings: &ConnectionSettings) -> Vec<Check> {
    let now = Timestamp::now();
    let seen = server_certificates(settings, DEADLINE).await;
    seen.into_iter()
        .filter_map(|seen| of_server(seen, now))
        .collect()
}

fn of_server(seen: Result<ServerCertificate, CertificateError>, now: Timestamp) -> Option<Check> {
    match seen {
        Ok(ServerCertificate { address, der }) => {
            let check = match validity(&der?) {
                Some(validity) => judge(validity, now),
                None => Check::problem(KIND, "the server's certificate can't be read", RENEW),
            };
            Some(check.of(format!("certificate of {address}")))
        }
        // Whether the server is there at all is told already, of those that are needed.
        Err(CertificateError::Unreachable { .. } | CertificateError::TimedOut(_)) => None,
    }
}

/// The certificates in a file of PEM; each is checked, the one that ends first is told.
pub(super) fn of_file(file: &Path) -> Check {
    let check = match soonest(file) {
        Ok(validity) => judge(validity, Timestamp::now()),
        Err(why) => Check::problem(KIND, why, "name a file that holds a certificate in PEM"),
    };
    check.of(format!("certificate {}", file.display()))
}

fn soonest(file: &Path) -> Result<Validity, String> {
    let text = std::fs::read(file).map_err(|error| with_sources(&error).to_string())?;
    let mut found = Vec::new();
    for pem in Pem::iter_from_buffer(&text) {
        let pem = pem.map_err(|error| format!("the file can't be read: {error}"))?;
        if pem.label == "CERTIFICATE" {
            let read = validity(&pem.contents).ok_or("a certificate in it can't be read")?;
            found.push(read);
        }
    }
    let soonest = found.into_iter().min_by_key(|validity| validity.not_after);
    soonest.ok_or_else(|| "no certificate is in the file".to_owned())
}

fn validity(der: &[u8]) -> Option<Validity> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let validity = certificate.validity();
    let at = |time: i64| Timestamp::from_second(time).ok();
    Some(Validity {
        not_before: at(validity.not_before.timestamp())?,
        not_after: at(validity.not_after.timestamp())?,
    })
}

fn judge(validity: Validity, now: Timestamp) -> Check {
    let Validity {
        not_before,
        not_after,
    } = validity;
    let left = not_after.duration_since(now);
    let check = if now < not_before {
        let says = format!("not valid before {not_before}");
        Check::problem(KIND, says, "see that the clocks are right, or wait")
    } else if left.is_negative() {
        Check::problem(KIND, format!("expired at {not_after}"), RENEW)
    } else if left < SOON {
        let days = left.as_hours() / 24;
        let says = format!("expires in {days} days, at {not_after}");
        Check::warning(KIND, says, RENEW)
    } else {
        Check::ok(KIND, format!("good until {not_after}"))
    };
    check.measuring(Quantity::CertificateSeconds, left.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{Validity, judge};
    use crate::command::doctor::check::Severity;

    #[test]
    fn a_certificate_ages() {
        let at = |time: &str| format!("{time}T00:00:00Z").parse().unwrap();
        let validity = Validity {
            not_before: at("2026-01-01"),
            not_after: at("2026-12-31"),
        };
        for (now, severity) in [
            ("2025-12-31", Severity::Critical),
            ("2026-01-01", Severity::Ok),
            ("2026-11-30", Severity::Ok),
            ("2026-12-02", Severity::Warning),
            ("2026-12-31", Severity::Warning),
            ("2027-01-01", Severity::Critical),
        ] {
            assert_eq!(judge(validity, at(now)).severity, severity, "{now}");
        }
    }
}
