//! What the host application sends about a login.

use assent_contract::command::Sensitive;
use assent_contract::query::UserQuery;
use assent_contract::values::{PermissionSet, text};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet as DomainPermissionSet;
use assent_service_kit::Problem;
use assent_service_kit::config::Origin;
use assent_service_kit::return_to;
use serde::Deserialize;

use crate::decide_login::Login;

/// `POST /v1/login-decisions`. It holds an ID token, so it has no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    #[serde(with = "text")]
    pub(super) account_id: AccountId,
    #[serde(with = "text")]
    user_id: UserId,
    sign_in: SignInBody,
    /// Everything, unless the host application says otherwise.
    wants: Option<PermissionSet>,
    return_to: Option<String>,
    at_least: Option<u64>,
}

/// One flat shape for both providers: serde would buffer a tagged enum, and its errors would
/// not tell where they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    provider: Provider,
    id_token: Option<String>,
    access_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Provider {
    Microsoft,
    Other,
}

impl LoginBody {
    /// Checks what can be said of it without asking anybody.
    pub(super) fn check(self, return_origins: &[Origin]) -> Result<Login, Problem> {
        let id_token = match (self.sign_in.provider, self.sign_in.id_token) {
            (Provider::Microsoft, Some(id_token)) => Some(id_token),
            (Provider::Other, None) => None,
            (Provider::Microsoft, None) => {
                return Err(Problem::invalid_request(
                    "`sign_in.id_token`: a sign-in through microsoft needs the ID token",
                ));
            }
            // Dropping it would turn a mistaken provider into a silent one.
            (Provider::Other, Some(_)) => {
                return Err(Problem::invalid_request(
                    "`sign_in.id_token`: only a sign-in through microsoft has an ID token",
                ));
            }
        };
        if id_token.is_none() && self.sign_in.access_token.is_some() {
            return Err(Problem::invalid_request(
                "`sign_in.access_token`: only a sign-in through microsoft has an access token",
            ));
        }
        if let Some(return_to) = &self.return_to {
            // The gateway checks it again. It is checked here too, because a wrong one is the host application's mistake
            // and must show at every login, not only at those that prompt.
            return_to::check(return_to, return_origins)
                .map_err(|error| Problem::invalid_request(error.to_string()))?;
        }
        Ok(Login {
            query: UserQuery {
                account_id: self.account_id,
                user_id: self.user_id,
                at_least: self.at_least,
            },
            id_token,
            access_token: self.sign_in.access_token.map(Sensitive),
            hint: None,
            wanted: self
                .wants
                .map_or(DomainPermissionSet::EVERYTHING, DomainPermissionSet::from),
            return_to: self.return_to,
        })
    }
}
