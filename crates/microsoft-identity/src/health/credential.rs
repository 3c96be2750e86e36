//! Whether Microsoft accepts our credentials, in words that an operator can act on.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::errors::credential_advice;

/// For how long before its end a certificate is said to end soon.
const SOON: Duration = Duration::from_hours(30 * 24);

/// Which of our one or two credentials is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialPlace {
    /// The only credential, or the first of two.
    First,
    /// The second of two credentials.
    Second,
}

impl CredentialPlace {
    /// A stable name for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

impl fmt::Display for CredentialPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether Microsoft believes that we are the registered application. Its text says what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CredentialStatus {
    /// No credential is configured, so nothing can be redeemed.
    #[default]
    NotConfigured,
    /// No token was asked for since the start.
    NotTriedYet,
    /// Microsoft accepts the first credential.
    Accepted,
    /// Microsoft refuses the first credential and accepts the second.
    SecondUsed,
    /// Microsoft accepts none of them.
    Refused {
        /// The AADSTS numbers of the refusals.
        codes: Vec<u32>,
    },
}

impl CredentialStatus {
    /// A stable name for logs and readiness.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::NotTriedYet => "not_tried_yet",
            Self::Accepted => "accepted",
            Self::SecondUsed => "second_used",
            Self::Refused { .. } => "refused",
        }
    }
}

impl fmt::Display for CredentialStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConfigured => f.write_str("no credential is configured"),
            Self::NotTriedYet => f.write_str("no token was asked for yet"),
            Self::Accepted => f.write_str("Microsoft accepts our credential"),
            Self::SecondUsed => f.write_str(
                "Microsoft refuses our first credential and accepts the second: finish the rotation by configuring \
                 the second alone",
            ),
            Self::Refused { codes } => {
                f.write_str("Microsoft refuses our credential")?;
                for code in codes {
                    write!(f, "; AADSTS{code}: {}", credential_advice(*code))?;
                }
                Ok(())
            }
        }
    }
}

/// From when to when one of our certificates is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateStatus {
    /// Which credential the certificate is of.
    pub credential: CredentialPlace,
    /// When the certificate becomes valid.
    pub not_before: SystemTime,
    /// When the certificate expires.
    pub not_after: SystemTime,
}

/// What a certificate's dates mean now. Its text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateValidity {
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is valid for more than a month.
    Valid,
    /// The certificate expires within a month.
    ExpiresSoon,
    /// The certificate has expired.
    Expired,
}

impl CertificateStatus {
    /// What the certificate's dates mean at a moment.
    pub fn validity(&self, now: SystemTime) -> CertificateValidity {
        if now < self.not_before {
            CertificateValidity::NotYetValid
        } else if now > self.not_after {
            CertificateValidity::Expired
        } else if now + SOON > self.not_after {
            CertificateValidity::ExpiresSoon
        } else {
            CertificateValidity::Valid
        }
    }
}

impl fmt::Display for CertificateValidity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotYetValid => {
                "the certificate is not valid yet: check it, and the clock of this machine"
            }
            Self::Valid => "the certificate is valid",
            Self::ExpiresSoon => {
                "the certificate ends within a month: upload a new one in the app registration and configure it as the \
                 second credential"
            }
            Self::Expired => {
                "the certificate has expired: upload a new one in the app registration and configure it"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_ages() {
        let day = Duration::from_hours(24);
        let born = SystemTime::UNIX_EPOCH + 20_000 * day;
        let certificate = CertificateStatus {
            credential: CredentialPlace::First,
            not_before: born,
            not_after: born + 365 * day,
        };
        for (now, validity) in [
            (born - day, CertificateValidity::NotYetValid),
            (born, CertificateValidity::Valid),
            (born + 335 * day, CertificateValidity::Valid),
            (born + 336 * day, CertificateValidity::ExpiresSoon),
            (born + 365 * day, CertificateValidity::ExpiresSoon),
            (born + 366 * day, CertificateValidity::Expired),
        ] {
            assert_eq!(certificate.validity(now), validity);
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        let refused = CredentialStatus::Refused {
            codes: vec![700_027, 7_000_222],
        };
        let text = refused.to_string();
        assert!(
            text.contains("AADSTS700027: the certificate is not registered"),
            "{text}"
        );
        assert!(
            text.contains("AADSTS7000222: the client secret has expired"),
            "{text}"
        );
        let unknown = CredentialStatus::Refused { codes: vec![1] };
        assert!(unknown.to_string().contains("compare"));
    }
}
