//! How a tenant is named before anything about it is known.

mod lenient;

use std::fmt;

use uuid::Uuid;

/// The tenant part of Microsoft's addresses. `common` and `consumers` do not exist here: personal accounts have no
/// administrator and no tenant of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TenantRef {
    /// The tenant's own id: the only name that is an identity.
    Id(Uuid),
    /// A domain name that somebody typed: a hint where to look.
    Domain(DomainName),
    /// Whatever work or school tenant the person belongs to.
    Organizations,
}

/// A domain name in lower case, syntactically valid, of at least two labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

/// The text names no tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tenant id, a domain name or `organizations`")]
pub struct TenantRefError;

impl TenantRef {
    /// Reads a GUID, a domain name or `organizations`.
    pub fn parse(text: &str) -> Result<Self, TenantRefError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("organizations") {
            return Ok(Self::Organizations);
        }
        // Only the usual hyphenated form: `uuid` would also accept braces and a URN.
        if text.len() == 36
            && let Ok(id) = Uuid::try_parse(text)
        {
            return Ok(Self::Id(id));
        }
        DomainName::parse(text).map(Self::Domain)
    }
}

impl fmt::Display for TenantRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Domain(name) => name.fmt(f),
            Self::Organizations => f.write_str("organizations"),
        }
    }
}

impl From<Uuid> for TenantRef {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl DomainName {
    /// Reads a domain name; letters are lowered, a trailing dot is not accepted.
    pub fn parse(text: &str) -> Result<Self, TenantRefError> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if text.len() <= 253 && text.contains('.') && text.split('.').all(is_label) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(TenantRefError)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_ways_to_name_a_tenant() {
        let id = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        assert_eq!(TenantRef::parse(id), Ok(TenantRef::Id(id.parse().unwrap())));
        assert_eq!(
            TenantRef::parse("Contoso.OnMicrosoft.com")
                .unwrap()
                .to_string(),
            "contoso.onmicrosoft.com"
        );
        assert_eq!(
            TenantRef::parse("organizations"),
            Ok(TenantRef::Organizations)
        );
    }

    #[test]
    fn nothing_else_reaches_a_path() {
        for bad in [
            "",
            "common",
            "consumers",
            "a/b.com",
            "..",
            "contoso.com/..",
            "a b.com",
            "-a.com",
            "contoso.com.",
        ] {
            assert_eq!(TenantRef::parse(bad), Err(TenantRefError), "{bad:?}");
        }
    }
}
