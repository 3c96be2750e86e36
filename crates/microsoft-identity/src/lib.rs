//! The client side of Microsoft Entra ID for consent and sign-in flows.
//!
//! It builds the addresses to which a browser is sent, reads what comes back, redeems codes and verifies ID tokens.
//! Its one principle shows in the type names: what a browser brings is `Unverified…`, and only a check against
//! Microsoft itself turns it into a [`VerifiedIdentity`] or a [`TenantMetadata`].
//!
//! Read it in the order of the modules: who we are ([`Settings`], [`Entra`]), where a tenant lives
//! ([`Entra::tenant`], [`Entra::find_tenant`]), the addresses ([`Entra::admin_consent_url`],
//! [`Entra::authorize_url`]), the callbacks ([`UnverifiedAdminConsentCallback`], [`UnverifiedAuthorizeCallback`]), what
//! a refusal means ([`classify`]), redemption ([`Entra::redeem_code`], [`Entra::refresh`]), ID tokens ([`Entra::verify_id_token`]), scopes
//! ([`ScopeSet`], [`ScopeMap`], [`is_open_to_users_by_default`]), the proof that an administrator consented
//! ([`roles_able_to_consent`], [`Entra::tenant_wide_grant`]), and where a mailbox is ([`Entra::locate_mailbox`]).
//!
//! Every call has a deadline, follows no redirect and reads a bounded body. Microsoft's services fail independently of
//! one another: each has a circuit breaker, and is left alone when it asks for that
//! ([`Entra::health`]). Nothing here logs a token, a code, a state, an e-mail address or an error description.

mod settings;

mod client;
mod endpoints;
mod tenant;

mod cloud;
mod discovery;
mod tenant_metadata;

mod pkce;
mod urls;

mod callbacks;
mod errors;

mod credential;
mod redemption;

mod id_token;
mod login_hint;
mod signing_keys;

mod scope_map;
mod scopes;
mod user_consent;

mod graph;
mod mailbox;
mod proof;

mod health;
mod metrics;
mod transport;

pub use callbacks::{
    AuthorizationCode, CallbackError, UnverifiedAdminConsentCallback, UnverifiedAuthorizeCallback,
    UnverifiedTenant, state_of,
};
pub use client::Entra;
pub use cloud::{CloudInstance, NATIONAL_AUTHORITIES};
pub use errors::{AuthorizationError, ConsentEnd, ErrorClass, classify, consent_end};
pub use graph::GraphError;
pub use health::{
    CertificateStatus, CertificateValidity, CircuitState, CredentialPlace, CredentialStatus,
    MicrosoftHealth,
};
pub use id_token::{ExpectedNonce, IdTokenError, IdTokenExpectation, Membership, VerifiedIdentity};
pub use login_hint::{LoginHint, LoginHintError};
pub use mailbox::{AUTODISCOVER, MailboxLocation, UnknownReason};
pub use pkce::{Pkce, PkceChallenge, new_pkce, random_token};
pub use proof::{GrantProof, role_name, roles_able_to_consent};
pub use redemption::{AccessToken, RedeemError, Redeemed, Refreshed};
pub use scope_map::ScopeMap;
pub use scopes::ScopeSet;
pub use settings::{CertificateProblem, ClientCredential, Credentials, Settings, SettingsError};
pub use tenant::{DomainName, TenantRef, TenantRefError};
pub use tenant_metadata::{DiscoveryError, TenantMetadata};
pub use urls::{AccountChoice, AuthorizeRequest};
pub use user_consent::is_open_to_users_by_default;
