//! What the host application sends about a login.

use assent_contract::command::Sensitive;
use assent_contract::query::UserQuery;
use assent_contract::values::{Id, PermissionSet, text};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet as DomainPermissionSet;
use assent_service_kit::config::Origin;
use assent_service_kit::return_to::{self, NotAllowed};
use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, Object, ObjectBuilder, OneOf, Schema, SchemaType, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::decide_login::Login;

/// `POST /v1/login-decisions`. It holds an ID token, so it has no `Debug`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Login, description = "A login to the host application.")]
pub(super) struct LoginBody {
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub(super) account_id: AccountId,
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    user_id: UserId,
    sign_in: SignInBody,
    /// What the host application wants for this user; everything, if absent.
    wants: Option<PermissionSet>,
    /// Where the browser goes after a prompt: a URL of an origin that ASSENT_RETURN_ORIGINS names.
    #[schema(format = Uri, max_length = 2048)]
    return_to: Option<String>,
    /// The Assent-Sequence of a write that the decision has to reflect.
    #[schema(maximum = 18_446_744_073_709_551_615_usize)]
    at_least: Option<u64>,
}

/// One flat shape for both providers: serde would buffer a tagged enum, and its errors would
/// not tell where they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    provider: Provider,
    id_token: Option<String>,
    access_token: Option<Sensitive>,
    refresh_token: Option<Sensitive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Provider {
    Microsoft,
    Other,
}

/// A body that breaks a rule which its shape can't tell.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidLogin {
    #[error("`sign_in.id_token`: a sign-in through microsoft needs the ID token")]
    NoIdToken,
    /// Dropping it would turn a mistaken provider into a silent one.
    #[error("`sign_in.id_token`: only a sign-in through microsoft has an ID token")]
    IdTokenOfAnother,
    #[error("`sign_in.access_token`: only a sign-in through microsoft has an access token")]
    AccessTokenOfAnother,
    #[error("`sign_in.refresh_token`: only a sign-in through microsoft has a refresh token")]
    RefreshTokenOfAnother,
    #[error(transparent)]
    ReturnTo(#[from] NotAllowed),
}

impl LoginBody {
    /// Checks what can be said of it without asking anybody.
    pub(super) fn check(self, return_origins: &[Origin]) -> Result<Login, InvalidLogin> {
        let id_token = match (self.sign_in.provider, self.sign_in.id_token) {
            (Provider::Microsoft, Some(id_token)) => Some(id_token),
            (Provider::Other, None) => None,
            (Provider::Microsoft, None) => return Err(InvalidLogin::NoIdToken),
            (Provider::Other, Some(_)) => return Err(InvalidLogin::IdTokenOfAnother),
        };
        if id_token.is_none() && self.sign_in.access_token.is_some() {
            return Err(InvalidLogin::AccessTokenOfAnother);
        }
        if id_token.is_none() && self.sign_in.refresh_token.is_some() {
            return Err(InvalidLogin::RefreshTokenOfAnother);
        }
        if let Some(return_to) = &self.return_to {
            // The gateway checks it again. It is checked here too, because a wrong one is the host application's mistake
            // and must show at every login, not only at those that prompt.
            return_to::check(return_to, return_origins)?;
        }
        Ok(Login {
            query: UserQuery {
                account_id: self.account_id,
                user_id: self.user_id,
                at_least: self.at_least,
            },
            id_token,
            access_token: self.sign_in.access_token,
            refresh_token: self.sign_in.refresh_token,
            hint: None,
            wanted: self
                .wants
                .map_or(DomainPermissionSet::EVERYTHING, DomainPermissionSet::from),
            return_to: self.return_to,
        })
    }
}

impl ToSchema for SignInBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "SignIn".into()
    }
}

impl PartialSchema for SignInBody {
    fn schema() -> RefOr<Schema> {
        let shape = |provider: &str| {
            ObjectBuilder::new()
                .additional_properties(Some(AdditionalProperties::FreeForm(false)))
                .property(
                    "provider",
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .enum_values(Some([provider])),
                )
                .required("provider")
        };
        let text = |schema_type: SchemaType, description: &str| {
            ObjectBuilder::new()
                .schema_type(schema_type)
                .description(Some(description))
        };
        let nothing = || Object::with_type(Type::Null);
        let id_token = text(
            Type::String.into(),
            "The ID token that Microsoft gave the host application, whose nonce it has checked; at most 32768 bytes.",
        );
        let access_token = text(
            SchemaType::from_iter([Type::String, Type::Null]),
            "An access token for Microsoft Graph that came with the ID token. After an automatic grant it is used once, to \
             look where the mailbox is, and is not kept.",
        );
        let refresh_token = text(
            SchemaType::from_iter([Type::String, Type::Null]),
            "A refresh token that came with the ID token, where the host application signs people in with the same application \
             at Microsoft. The token broker tries it and keeps it for syncing, if something is effective for that mailbox; a \
             login neither waits for that nor fails by it.",
        );
        let microsoft = shape("microsoft")
            .property("id_token", id_token)
            .required("id_token")
            .property("access_token", access_token)
            .property("refresh_token", refresh_token);
        let other = shape("other")
            .property("id_token", nothing())
            .property("access_token", nothing())
            .property("refresh_token", nothing());
        let mut either = OneOf::new();
        either.description = Some("How the user signed in to the host application.".to_owned());
        either.items = vec![
            Schema::from(microsoft.build()).into(),
            Schema::from(other.build()).into(),
        ];
        Schema::OneOf(either).into()
    }
}
