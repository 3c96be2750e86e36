//! The addresses at Microsoft to which a browser is sent.

use std::fmt;

use url::Url;

use crate::client::Entra;
use crate::endpoints::tenant_endpoint;
use crate::login_hint::LoginHint;
use crate::pkce::PkceChallenge;
use crate::tenant::TenantRef;

/// What an authorization request asks for.
#[derive(Clone, Copy)]
pub struct AuthorizeRequest<'a> {
    /// Where Microsoft sends the browser back to; exactly as registered.
    pub redirect_uri: &'a Url,
    /// The scopes, fully qualified or short, with `openid` and whatever else is wanted.
    pub scopes: &'a [String],
    /// Our one-time value, returned unchanged.
    pub state: &'a str,
    /// Our one-time value, returned inside the ID token.
    pub nonce: &'a str,
    /// The PKCE challenge whose verifier will redeem the code.
    pub pkce_challenge: &'a PkceChallenge,
    /// With which account the person is to sign in.
    pub account: AccountChoice<'a>,
}

/// With which account a person is to sign in. Microsoft signs in silently whoever has a session in the browser, so where
/// that could be somebody else than meant, it has to be told.
///
/// Microsoft refuses `login_hint` together with `prompt=select_account`, so the two are one choice. `prompt=consent` can't be
/// expressed: it would re-open the consent screen for people whose administrator has consented already.
#[derive(Clone, Copy, Debug)]
pub enum AccountChoice<'a> {
    /// Whoever has a session goes on with it, without a page.
    Silent,
    /// The person goes on as this account: by its session where there is one, and else its sign-in page.
    Hinted(&'a LoginHint),
    /// The person picks one, whatever sessions there are (`prompt=select_account`).
    SelectAccount,
    /// Nobody sees a page (`prompt=none`): Microsoft goes on by the session there is, of this account where it is named, or
    /// says that it can't.
    WithoutPage(Option<&'a LoginHint>),
}

impl fmt::Debug for AuthorizeRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeRequest")
            .field("redirect_uri", &self.redirect_uri.as_str())
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl Entra {
    /// Where an administrator consents for the whole tenant. Ask for the union of what is wanted and what was granted
    /// before: a new tenant-wide consent can drop older ones.
    pub fn admin_consent_url(
        &self,
        tenant: &TenantRef,
        redirect_uri: &Url,
        scopes: &[String],
        state: &str,
    ) -> Url {
        let mut address =
            tenant_endpoint(&self.shared.authority, tenant, &["v2.0", "adminconsent"]);
        address
            .query_pairs_mut()
            .append_pair("client_id", &self.shared.client_id)
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", state);
        address
    }

    /// Where a person signs in and consents for themselves.
    pub fn authorize_url(&self, tenant: &TenantRef, request: AuthorizeRequest<'_>) -> Url {
        let mut address = tenant_endpoint(
            &self.shared.authority,
            tenant,
            &["oauth2", "v2.0", "authorize"],
        );
        let mut query = address.query_pairs_mut();
        query
            .append_pair("client_id", &self.shared.client_id)
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("scope", &request.scopes.join(" "))
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", request.pkce_challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        match request.account {
            AccountChoice::Silent => {}
            AccountChoice::Hinted(hint) => {
                query.append_pair("login_hint", hint.expose());
            }
            AccountChoice::SelectAccount => {
                query.append_pair("prompt", "select_account");
            }
            AccountChoice::WithoutPage(hint) => {
                query.append_pair("prompt", "none");
                if let Some(hint) = hint {
                    query.append_pair("login_hint", hint.expose());
                }
            }
        }
        drop(query);
        address
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::*;
    use crate::{Credentials, Settings};

    fn entra() -> Entra {
        Entra::new(Settings {
            authority: "https://login.microsoftonline.com/".parse().unwrap(),
            national_authorities: Vec::new(),
            graph_url: "https://graph.microsoft.com".parse().unwrap(),
            autodiscover_url: crate::AUTODISCOVER.parse().unwrap(),
            client_id: "app".to_owned(),
            credentials: Credentials::None,
            timeout: Duration::from_secs(5),
        })
        .unwrap()
    }

    fn query(address: &Url) -> HashMap<String, String> {
        address.query_pairs().into_owned().collect()
    }

    #[test]
    fn consent_for_a_tenant() {
        let redirect_uri: Url = "https://assent.example/callbacks/microsoft/admin-consent"
            .parse()
            .unwrap();
        let scopes = [
            "openid".to_owned(),
            "https://graph.microsoft.com/Mail.Read".to_owned(),
        ];
        let address =
            entra().admin_consent_url(&TenantRef::Organizations, &redirect_uri, &scopes, "s&1");
        assert!(
            address
                .as_str()
                .starts_with("https://login.microsoftonline.com/organizations/v2.0/adminconsent?")
        );
        let query = query(&address);
        assert_eq!(query["client_id"], "app");
        assert_eq!(query["redirect_uri"], redirect_uri.as_str());
        assert_eq!(
            query["scope"],
            "openid https://graph.microsoft.com/Mail.Read"
        );
        assert_eq!(query["state"], "s&1");
        assert_eq!(query.len(), 4);
    }

    #[test]
    fn authorization_uses_s256_and_never_asks_for_consent_again() {
        let redirect_uri: Url = "https://assent.example/callbacks/microsoft/authorize"
            .parse()
            .unwrap();
        let challenge = PkceChallenge::from_verifier("verifier");
        let hint = LoginHint::parse("ana+1@contoso.example").unwrap();
        let tenant = TenantRef::parse("contoso.example").unwrap();
        let of = |account| {
            let request = AuthorizeRequest {
                redirect_uri: &redirect_uri,
                scopes: &["openid".to_owned()],
                state: "s",
                nonce: "n",
                pkce_challenge: &challenge,
                account,
            };
            assert!(!format!("{request:?}").contains("ana"));
            let address = entra().authorize_url(&tenant, request);
            assert_eq!(address.path(), "/contoso.example/oauth2/v2.0/authorize");
            query(&address)
        };
        for (account, prompt, login_hint) in [
            (AccountChoice::Silent, None, None),
            (
                AccountChoice::Hinted(&hint),
                None,
                Some("ana+1@contoso.example"),
            ),
            (AccountChoice::SelectAccount, Some("select_account"), None),
            (AccountChoice::WithoutPage(None), Some("none"), None),
            (
                AccountChoice::WithoutPage(Some(&hint)),
                Some("none"),
                Some("ana+1@contoso.example"),
            ),
        ] {
            let query = of(account);
            assert_eq!(query["code_challenge_method"], "S256");
            assert_eq!(query["code_challenge"], challenge.as_str());
            assert_eq!(
                (query["state"].as_str(), query["nonce"].as_str()),
                ("s", "n")
            );
            assert_eq!(query.get("prompt").map(String::as_str), prompt);
            assert_eq!(query.get("login_hint").map(String::as_str), login_hint);
        }
    }
}
