//! The HTML of the pages, from the templates.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};

use crate::aadsts::{Aadsts, Code};
use crate::authority::Authority;
use crate::directory::{Directory, Tenant, User};
use crate::identifiers::{ObjectId, TenantId};
use crate::scopes;
use crate::screen::{ConsentPrompt, PageRequest};

/// A page as a response.
fn respond(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome<'a> {
    title: &'static str,
    tenants: &'a BTreeMap<TenantId, Tenant>,
}

pub(crate) fn welcome(directory: &Directory) -> Response {
    let page = Welcome {
        title: "Entra simulator",
        tenants: &directory.tenants,
    };
    respond(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    title: &'static str,
}

pub(crate) fn signed_out() -> Response {
    let title = "You signed out";
    respond(StatusCode::OK, &SignedOut { title })
}

#[derive(Template)]
#[template(path = "pick_account.html")]
struct PickAccount<'a> {
    title: String,
    interaction: &'a str,
    /// The tenants whose people may sign in here, and all others.
    inside: Vec<&'a Tenant>,
    outside: Vec<&'a Tenant>,
    hint: Option<&'a str>,
}

impl PickAccount<'_> {
    fn note_on(&self, user: &User) -> &'static str {
        let is_hinted = self
            .hint
            .is_some_and(|hint| hint.eq_ignore_ascii_case(&user.upn));
        match (is_hinted, user.roles.is_empty()) {
            (true, true) => " - expected by the application",
            (true, false) => " - administrator, expected by the application",
            (false, false) => " - administrator",
            (false, true) => "",
        }
    }
}

pub(crate) fn pick_account(
    directory: &Directory,
    interaction: &str,
    request: &PageRequest,
) -> Response {
    let authority = request.authority();
    let tenants = directory.tenants.values();
    let (inside, outside) = tenants.partition(|tenant| authority.admits(tenant.id));
    let title = match authority {
        Authority::Tenant(id) => directory
            .tenants
            .get(&id)
            .map(|tenant| format!("Sign in to {}", tenant.name)),
        Authority::Organizations | Authority::Common => None,
    };
    let page = PickAccount {
        title: title.unwrap_or_else(|| "Pick an account".to_owned()),
        interaction,
        inside,
        outside,
        hint: request.login_hint(),
    };
    respond(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    title: &'static str,
    interaction: &'a str,
    person: &'a str,
    organization: &'a str,
    application: &'a str,
    prompt: &'a ConsentPrompt,
}

pub(crate) fn consent(
    directory: &Directory,
    interaction: &str,
    request: &PageRequest,
    user: ObjectId,
    prompt: &ConsentPrompt,
) -> Response {
    let application = directory.applications.get(&request.client());
    let member = directory.member(user);
    let page = Consent {
        title: if prompt.for_organization {
            "Permissions requested: review for your organization"
        } else {
            "Permissions requested"
        },
        interaction,
        person: member.map_or("", |(_, user)| &user.upn),
        organization: member.map_or("", |(tenant, _)| &tenant.name),
        application: application.map_or("", |application| &application.name),
        prompt,
    };
    respond(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    title: &'static str,
    action: &'a str,
    fields: &'a [(String, String)],
}

/// The way back of `response_mode=form_post`. Microsoft's page posts the form by a script; this one has none.
pub(crate) fn form_post(action: &str, fields: &[(String, String)]) -> Response {
    let page = FormPost {
        title: "Back to the application",
        action,
        fields,
    };
    respond(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'a> {
    title: &'static str,
    error: &'a Aadsts,
    /// Where there is one, somebody else may sign in.
    interaction: Option<&'a str>,
    may_return: bool,
}

impl<'a> RefusalPage<'a> {
    fn new(error: &'a Aadsts, interaction: Option<&'a str>) -> Self {
        Self {
            title: title(error),
            error,
            interaction,
            may_return: false,
        }
    }
}

pub(crate) fn needs_approval(interaction: &str, error: &Aadsts) -> Response {
    let page = RefusalPage {
        may_return: true,
        ..RefusalPage::new(error, Some(interaction))
    };
    respond(StatusCode::OK, &page)
}

pub(crate) fn wrong_account(interaction: &str, error: &Aadsts) -> Response {
    respond(StatusCode::OK, &RefusalPage::new(error, Some(interaction)))
}

pub(crate) fn dead_end(error: &Aadsts) -> Response {
    respond(StatusCode::BAD_REQUEST, &RefusalPage::new(error, None))
}

/// The heading of a page that says no.
pub(crate) fn title(error: &Aadsts) -> &'static str {
    if error.code.refusal().ends_on_page {
        return "Need admin approval";
    }
    let wrong_account = [
        Code::UserUnauthorized,
        Code::UserAccountNotFound,
        Code::UserDisabled,
    ];
    if wrong_account.contains(&error.code) {
        "Selected user account does not work here"
    } else {
        "Sorry, but we're having trouble signing you in"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aadsts::Surface;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let error = Code::InvalidRequest
            .error_on(Surface::Authorize)
            .with_message("<script>alert('x')</script>");
        let html = RefusalPage::new(&error, None).render().unwrap();
        assert!(!html.contains("<script") && html.contains("alert"));
        assert!(html.contains("This is a simulator, not Microsoft"));
    }
}
