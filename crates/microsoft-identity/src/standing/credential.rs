//! How our own credentials stand, in words that an operator can act on.

use std::fmt;
use std::time::{Duration, SystemTime};

/// For how long before its end a certificate is said to end soon.
const SOON: Duration = Duration::from_hours(30 * 24);

/// Which of our credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialPlace {
    /// The only one, or the first of two.
    First,
    /// The second of two.
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
pub enum CredentialStanding {
    /// There is none, so nothing can be redeemed.
    #[default]
    NotConfigured,
    /// No token was asked for since the start.
    NotTriedYet,
    /// The first one is accepted.
    Accepted,
    /// The first one is refused, the second is accepted.
    SecondUsed,
    /// None is accepted.
    Refused {
        /// The AADSTS numbers of the refusals.
        codes: Vec<u32>,
    },
}

impl CredentialStanding {
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

impl fmt::Display for CredentialStanding {
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
                    write!(f, "; AADSTS{code}: {}", what_to_do(*code))?;
                }
                Ok(())
            }
        }
    }
}

fn what_to_do(code: u32) -> &'static str {
    match code {
        7_000_222 => {
            "the client secret has expired: create a new one in the app registration and configure it"
        }
        7_000_215 | 70002 => "the client secret is wrong: configure its value, not its id",
        700_027 | 700_030 | 50012 | 50013 => {
            "the certificate is not registered, or has expired: upload it in the app registration"
        }
        700_024 => "the clock of this machine is wrong",
        7_000_218 | 7_000_216 => "no credential arrived: configure one",
        700_021 | 700_023 | 50027 => {
            "the client id or the authority does not fit the app registration"
        }
        _ => "compare the configuration with the app registration",
    }
}

/// From when to when one of our certificates is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateStanding {
    /// Whose it is.
    pub credential: CredentialPlace,
    /// When it becomes valid.
    pub not_before: SystemTime,
    /// When it ends.
    pub not_after: SystemTime,
}

/// What a certificate's dates mean now. Its text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateValidity {
    /// Its time has not come.
    NotYetValid,
    /// It is valid for a while.
    Valid,
    /// It ends within a month.
    ExpiresSoon,
    /// It has ended.
    Expired,
}

impl CertificateStanding {
    /// What its dates mean at this moment.
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
        let certificate = CertificateStanding {
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
        let standing = CredentialStanding::Refused {
            codes: vec![700_027, 7_000_222],
        };
        let text = standing.to_string();
        assert!(
            text.contains("AADSTS700027: the certificate is not registered"),
            "{text}"
        );
        assert!(
            text.contains("AADSTS7000222: the client secret has expired"),
            "{text}"
        );
        let unknown = CredentialStanding::Refused { codes: vec![1] };
        assert!(unknown.to_string().contains("compare"));
    }
}
