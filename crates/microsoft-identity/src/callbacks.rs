//! What a browser brings back from Microsoft, read without believing any of it.
//!
//! Anybody can send a browser to these addresses with any values. The `state` says which flow the claim is about;
//! everything else is checked against Microsoft before it counts.

use std::collections::HashSet;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use url::form_urlencoded;
use uuid::Uuid;

use crate::errors::AuthorizationError;

/// Longer than any genuine callback: codes are about two kilobytes.
const LONGEST_QUERY: usize = 8 * 1024;

/// The callback of the administrator-consent page.
pub struct UnverifiedAdminConsentCallback {
    /// The value that was sent along; to be compared with a flow that was begun here.
    pub state: String,
    /// The tenant that claims to have consented, or Microsoft's refusal.
    pub outcome: Result<UnverifiedTenant, AuthorizationError>,
}

/// The callback of the authorization endpoint.
pub struct UnverifiedAuthorizeCallback {
    /// The value that was sent along; to be compared with a flow that was begun here.
    pub state: String,
    /// The code to redeem, or Microsoft's refusal.
    pub outcome: Result<AuthorizationCode, AuthorizationError>,
}

/// A tenant id out of an address bar. It says only which tenant to verify against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnverifiedTenant(pub Uuid);

/// An authorization code: worth a token to whoever redeems it first.
#[derive(Debug)]
pub struct AuthorizationCode(SecretString);

impl AuthorizationCode {
    /// Wraps a code that arrived some other way.
    pub fn new(code: impl Into<SecretString>) -> Self {
        Self(code.into())
    }

    /// The code itself: to redeem it, or to tell by its digest whether it came before.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The query is not a callback of Microsoft's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Longer than any genuine callback.
    #[error("the callback is too long")]
    TooLong,
    /// A parameter occurs twice, so that two readers could see different values.
    #[error("a parameter of the callback occurs twice")]
    Duplicate,
    /// Without `state` it belongs to no flow.
    #[error("the callback has no state")]
    NoState,
    /// Neither a success nor an error.
    #[error("the callback has neither a result nor an error")]
    NoOutcome,
    /// `tenant` is not a tenant id.
    #[error("the tenant of the callback is not a tenant id")]
    Tenant,
}

/// The `state` of a query that may be no callback for other reasons.
pub fn state_of(query: &str) -> Option<String> {
    Parameters::read(query)
        .ok()?
        .get("state")
        .map(str::to_owned)
}

impl UnverifiedAdminConsentCallback {
    /// Reads the query string of a callback.
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        let parameters = Parameters::read(query)?;
        let state = parameters.state()?;
        // `error` decides before anything else: `admin_consent=True` is there on errors too.
        if let Some(refusal) = parameters.refusal() {
            refusal.log("admin_consent");
            return Ok(Self {
                state,
                outcome: Err(refusal),
            });
        }
        if !parameters
            .get("admin_consent")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return Err(CallbackError::NoOutcome);
        }
        let tenant = parameters.get("tenant").ok_or(CallbackError::NoOutcome)?;
        let tenant = Uuid::try_parse(tenant).map_err(|_malformed| CallbackError::Tenant)?;
        Ok(Self {
            state,
            outcome: Ok(UnverifiedTenant(tenant)),
        })
    }
}

impl UnverifiedAuthorizeCallback {
    /// Reads the query string of a callback.
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        let parameters = Parameters::read(query)?;
        let state = parameters.state()?;
        if let Some(refusal) = parameters.refusal() {
            refusal.log("authorize");
            return Ok(Self {
                state,
                outcome: Err(refusal),
            });
        }
        let code = parameters.get("code").ok_or(CallbackError::NoOutcome)?;
        Ok(Self {
            state,
            outcome: Ok(AuthorizationCode::new(code)),
        })
    }
}

/// The parameters of a query, each at most once; empty ones count as absent.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str) -> Result<Self, CallbackError> {
        if query.len() > LONGEST_QUERY {
            return Err(CallbackError::TooLong);
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let mut seen = HashSet::new();
        if pairs.iter().all(|(name, _)| seen.insert(name.as_str())) {
            Ok(Self(pairs))
        } else {
            Err(CallbackError::Duplicate)
        }
    }

    fn get(&self, wanted: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn state(&self) -> Result<String, CallbackError> {
        self.get("state")
            .map(str::to_owned)
            .ok_or(CallbackError::NoState)
    }

    fn refusal(&self) -> Option<AuthorizationError> {
        let error = self.get("error")?;
        Some(AuthorizationError::from_callback(
            error,
            self.get("suberror"),
            self.get("error_subcode"),
            self.get("error_description"),
            self.get("error_uri"),
        ))
    }
}

impl fmt::Debug for UnverifiedAdminConsentCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedAdminConsentCallback")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UnverifiedAuthorizeCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedAuthorizeCallback")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorClass;

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    #[test]
    fn a_consent_is_a_claim_about_a_tenant() {
        let query = format!("admin_consent=True&tenant={TENANT}&scope=Mail.Read&state=s1");
        let callback = UnverifiedAdminConsentCallback::parse(&query).unwrap();
        assert_eq!(callback.state, "s1");
        assert_eq!(callback.outcome.unwrap().0.to_string(), TENANT);
    }

    #[test]
    fn an_error_wins_over_admin_consent_true() {
        let query = format!(
            "admin_consent=True&tenant={TENANT}&error=access_denied&error_description=AADSTS65004%3A+Declined.%0D%0A\
             Trace+ID%3A+0b2d6e1e-1111-4222-8333-444455556666%0D%0ACorrelation+ID%3A+\
             aaaaaaaa-1111-4222-8333-444455556666%0D%0ATimestamp%3A+now&state=s1"
        );
        let refusal = UnverifiedAdminConsentCallback::parse(&query)
            .unwrap()
            .outcome
            .unwrap_err();
        assert_eq!(refusal.class, ErrorClass::Declined);
        assert_eq!(refusal.codes, [65004]);
        assert_eq!(
            refusal.trace_id.unwrap().to_string(),
            "0b2d6e1e-1111-4222-8333-444455556666"
        );
        assert_eq!(
            refusal.correlation_id.unwrap().to_string(),
            "aaaaaaaa-1111-4222-8333-444455556666"
        );
    }

    #[test]
    fn the_three_noes_differ() {
        let table = [
            (
                "error=access_denied&error_uri=https%3A%2F%2Flogin%2Ferror%3Fcode%3D65004",
                ErrorClass::Declined,
            ),
            (
                "error=access_denied&error_description=AADSTS90094%3A+x",
                ErrorClass::AdministratorApprovalRequired,
            ),
            (
                "error=access_denied&error_subcode=cancel",
                ErrorClass::Undetermined,
            ),
        ];
        for (query, class) in table {
            let callback = UnverifiedAuthorizeCallback::parse(&format!("{query}&state=s")).unwrap();
            assert_eq!(callback.outcome.unwrap_err().class, class, "{query}");
        }
    }

    #[test]
    fn what_is_not_a_callback() {
        let admin = |query: &str| UnverifiedAdminConsentCallback::parse(query).err();
        assert_eq!(
            admin("admin_consent=True&tenant=contoso.com&state=s"),
            Some(CallbackError::Tenant)
        );
        assert_eq!(
            admin("admin_consent=True&state=s"),
            Some(CallbackError::NoOutcome)
        );
        assert_eq!(
            admin(&format!("admin_consent=False&tenant={TENANT}&state=s")),
            Some(CallbackError::NoOutcome)
        );
        assert_eq!(
            admin(&format!("admin_consent=True&tenant={TENANT}")),
            Some(CallbackError::NoState)
        );
        let user = |query: &str| UnverifiedAuthorizeCallback::parse(query).err();
        assert_eq!(user("code=c&state="), Some(CallbackError::NoState));
        assert_eq!(user("state=s"), Some(CallbackError::NoOutcome));
        assert_eq!(
            user("code=c&state=s&code=d"),
            Some(CallbackError::Duplicate)
        );
        assert_eq!(
            user("code=c&state=s&co%64e=d"),
            Some(CallbackError::Duplicate)
        );
        assert_eq!(
            user(&format!("state=s&code={}", "x".repeat(9000))),
            Some(CallbackError::TooLong)
        );
    }

    #[test]
    fn debug_shows_neither_code_nor_state() {
        let shown = format!(
            "{:?}",
            UnverifiedAuthorizeCallback::parse("code=hush&state=still").unwrap()
        );
        assert!(
            !shown.contains("hush") && !shown.contains("still"),
            "{shown}"
        );
    }
}
