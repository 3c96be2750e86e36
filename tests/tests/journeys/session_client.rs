//! Sessions of the settings pages, at the stack's gateway.

use assent_dev_stack::Stack;
use assent_dev_stack::actors::{HostUser, Reply, SettingsClient, open_session};
use reqwest::RequestBuilder;

pub(crate) use assent_dev_stack::actors::{hidden_field as hidden, session_cookie as cookie};

fn nobody(stack: &Stack) -> HostUser {
    stack.user("acme", "nobody").bearing("none")
}

/// The answer to the host application's form.
pub(crate) async fn open(stack: &Stack, token: &str, return_to: &str) -> anyhow::Result<Reply> {
    Ok(open_session(&nobody(stack), token, return_to, |request| request).await?)
}

/// Somebody for whom the host application opened a session with this token.
pub(crate) async fn with(stack: &Stack, token: &str) -> anyhow::Result<SettingsClient> {
    with_headers(stack, token, |request| request).await
}

/// As [`with`], where the browser says more of where the host application's form comes from.
pub(crate) async fn with_headers(
    stack: &Stack,
    token: &str,
    say: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> anyhow::Result<SettingsClient> {
    Ok(SettingsClient::open(nobody(stack), token, say).await?)
}

/// An ordinary user.
pub(crate) async fn user(
    stack: &Stack,
    account: &str,
    user: &str,
) -> anyhow::Result<SettingsClient> {
    with(stack, &stack.host.token_for(user, account).sign()).await
}

/// A Super Admin.
pub(crate) async fn super_admin(
    stack: &Stack,
    account: &str,
    user: &str,
) -> anyhow::Result<SettingsClient> {
    let token = stack.host.token_for(user, account).super_admin();
    with(stack, &token.permission("company_settings:manage").sign()).await
}
