//! The HTML. Whatever comes from outside goes through [`escaped`].

use std::fmt::Write as _;

use crate::aadsts::Aadsts;
use crate::authority::Authority;
use crate::directory::{Directory, Tenant, User};
use crate::identifiers::ObjectId;
use crate::interaction::{Question, Request};
use crate::scopes;

const STYLE: &str = "\
body{margin:0;background:#eef1f5;color:#1b1b1b;font:16px/1.5 'Segoe UI',system-ui,sans-serif}\
.banner{background:#7a4b00;color:#fff;padding:.5rem 1rem;text-align:center}\
main{max-width:27rem;margin:2.5rem auto;background:#fff;padding:2rem;box-shadow:0 2px 8px #0003;overflow-wrap:anywhere}\
h1{font-size:1.4rem;margin:0 0 1rem}h2{font-size:1rem;margin:1.2rem 0 .3rem}\
button{font:inherit;padding:.5rem 1.2rem;border:1px solid #8a8a8a;background:#fff;cursor:pointer}\
button.main{background:#0b5cad;border-color:#0b5cad;color:#fff}\
button.account{display:block;width:100%;text-align:left;margin:.3rem 0}\
button:focus-visible,a:focus-visible,input:focus-visible{outline:3px solid #ffb900;outline-offset:2px}\
.small{color:#555;font-size:.875rem}.row{display:flex;gap:.5rem;justify-content:flex-end;flex-wrap:wrap;margin-top:1.5rem}";

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} - Entra simulator</title><style>{STYLE}</style></head><body>\
         <header class=\"banner\" id=\"simulator-notice\">This is a simulator, not Microsoft. \
         Nothing here is real.</header><main><h1>{title}</h1>{body}</main></body></html>",
        title = escaped(title)
    )
}

pub(super) fn welcome(directory: &Directory) -> String {
    let mut body = "<p>A stand-in for Microsoft Entra, for development, tests and demonstrations. An application \
                    sends you here to sign in or to consent; there is nothing to do otherwise.</p>"
        .to_owned();
    for tenant in directory.tenants.values() {
        push_heading(&mut body, tenant);
        for user in tenant.users.values() {
            push(
                &mut body,
                format_args!(
                    "<div>{} <span class=\"small\">{}</span></div>",
                    escaped(&user.name),
                    escaped(&user.upn)
                ),
            );
        }
    }
    page("Entra simulator", &body)
}

pub(super) fn signed_out() -> String {
    page(
        "You signed out",
        "<p>Nobody is signed in in this browser any more.</p>",
    )
}

pub(super) fn pick_account(directory: &Directory, interaction: &str, request: &Request) -> String {
    let mut body = format!(
        "<p>No password is asked for: choose who you are.</p>\
         <form method=\"post\" action=\"/interaction/{}/account\">",
        escaped(interaction)
    );
    let hint = request.login_hint();
    let admitted = |tenant: &&Tenant| request.authority().admits(tenant.id);
    let (inside, outside): (Vec<&Tenant>, Vec<&Tenant>) =
        directory.tenants.values().partition(admitted);
    for tenant in inside {
        push_accounts(&mut body, tenant, hint);
    }
    if !outside.is_empty() {
        body.push_str("<details><summary>Accounts of other organisations</summary>");
        for tenant in outside {
            push_accounts(&mut body, tenant, hint);
        }
        body.push_str("</details>");
    }
    body.push_str("</form>");
    push_leave(&mut body, interaction);
    let title = match request.authority() {
        Authority::Tenant(id) => directory
            .tenants
            .get(&id)
            .map(|tenant| format!("Sign in to {}", tenant.name)),
        Authority::Organizations | Authority::Common => None,
    };
    page(
        &title.unwrap_or_else(|| "Pick an account".to_owned()),
        &body,
    )
}

fn push_accounts(body: &mut String, tenant: &Tenant, hint: Option<&str>) {
    push_heading(body, tenant);
    for user in tenant.users.values().filter(|user| user.enabled) {
        push_account(
            body,
            user,
            hint.is_some_and(|hint| hint.eq_ignore_ascii_case(&user.upn)),
        );
    }
}

fn push_heading(body: &mut String, tenant: &Tenant) {
    push(body, format_args!("<h2>{}</h2>", escaped(&tenant.name)));
}

fn push_account(body: &mut String, user: &User, hinted: bool) {
    let note = match (hinted, user.roles.is_empty()) {
        (true, true) => " - expected by the application",
        (true, false) => " - administrator, expected by the application",
        (false, false) => " - administrator",
        (false, true) => "",
    };
    push(
        body,
        format_args!(
            "<button class=\"account\" id=\"account-{id}\" name=\"object_id\" value=\"{id}\">{name}<br>\
             <span class=\"small\">{upn}{note}</span></button>",
            id = user.id,
            name = escaped(&user.name),
            upn = escaped(&user.upn)
        ),
    );
}

pub(super) fn consent(
    directory: &Directory,
    interaction: &str,
    request: &Request,
    user: ObjectId,
    question: &Question,
) -> String {
    let client = match request {
        Request::AdminConsent(request) => request.client,
        Request::Authorize(request) => request.client,
    };
    let application = directory
        .applications
        .get(&client)
        .map_or("", |application| application.name.as_str());
    let (organization, person) = directory.member(user).map_or(("", ""), |(tenant, user)| {
        (tenant.name.as_str(), user.upn.as_str())
    });
    let mut body = format!(
        "<p class=\"small\" id=\"signed-in-as\">{}</p><p><strong>{}</strong> would like to:</p><ul id=\"permissions\">",
        escaped(person),
        escaped(application)
    );
    for scope in &question.scopes {
        push(
            &mut body,
            format_args!(
                "<li>{} <span class=\"small\">({})</span></li>",
                escaped(scopes::described(scope)),
                escaped(scope)
            ),
        );
    }
    for role in &question.app_roles {
        push(
            &mut body,
            format_args!(
                "<li>{0} <span class=\"small\">(application permission, without a signed-in user)</span></li>",
                escaped(role)
            ),
        );
    }
    body.push_str("</ul>");
    if question.for_organization {
        push(
            &mut body,
            format_args!(
                "<p>If you accept, this app will get access to the specified resources for all users in {}. No one \
                 else will be prompted to review these permissions.</p>",
                escaped(organization)
            ),
        );
    }
    push(
        &mut body,
        format_args!(
            "<form method=\"post\" action=\"/interaction/{}/answer\">",
            escaped(interaction)
        ),
    );
    if question.offers_organization && !question.for_organization {
        body.push_str(
            "<label><input type=\"checkbox\" id=\"for-organization\" name=\"for_organization\" value=\"on\"> \
             Consent on behalf of your organization</label>",
        );
    }
    body.push_str(
        "<div class=\"row\"><button id=\"decline\" name=\"answer\" value=\"decline\">Decline</button>\
         <button class=\"main\" id=\"accept\" name=\"answer\" value=\"accept\">Accept</button></div></form>",
    );
    push_leave(&mut body, interaction);
    let title = if question.for_organization {
        "Permissions requested: review for your organization"
    } else {
        "Permissions requested"
    };
    page(title, &body)
}

/// The way back of `response_mode=form_post`. Microsoft's page posts the form by a script; this one has none.
pub(super) fn form_post(action: &str, fields: &[(String, String)]) -> String {
    let mut body = format!(
        "<p>This page hands its answer to the application.</p><form method=\"post\" action=\"{}\">",
        escaped(action)
    );
    for (name, value) in fields {
        push(
            &mut body,
            format_args!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escaped(name),
                escaped(value)
            ),
        );
    }
    body.push_str(
        "<div class=\"row\"><button class=\"main\" id=\"continue\">Continue</button></div></form>",
    );
    page("Back to the application", &body)
}

pub(super) fn needs_approval(interaction: &str, error: &Aadsts) -> String {
    let mut body = explained(error);
    push(
        &mut body,
        format_args!(
            "<p><a id=\"return-without-consent\" href=\"/interaction/{}/return\">Return to the application without \
             granting consent</a></p>",
            escaped(interaction)
        ),
    );
    push_other_account(&mut body, interaction);
    page(super::title(error), &body)
}

pub(super) fn wrong_account(interaction: &str, error: &Aadsts) -> String {
    let mut body = explained(error);
    push_other_account(&mut body, interaction);
    page(super::title(error), &body)
}

pub(super) fn dead_end(error: &Aadsts) -> String {
    page(super::title(error), &explained(error))
}

fn explained(error: &Aadsts) -> String {
    format!(
        "<p>{}</p><p class=\"small\" id=\"error-code\">AADSTS{}</p>",
        escaped(&error.message),
        error.number()
    )
}

fn push_leave(body: &mut String, interaction: &str) {
    push(
        body,
        format_args!(
            "<form method=\"post\" action=\"/interaction/{}/answer\"><div class=\"row\">\
             <button id=\"cancel\" name=\"answer\" value=\"cancel\">Back, without an answer</button></div></form>",
            escaped(interaction)
        ),
    );
}

fn push_other_account(body: &mut String, interaction: &str) {
    push(
        body,
        format_args!(
            "<form method=\"post\" action=\"/interaction/{}/other-account\">\
             <button id=\"other-account\">Sign in with another account</button></form>",
            escaped(interaction)
        ),
    );
}

fn push(body: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _infallible = body.write_fmt(piece);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aadsts::{Code, Surface};

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let error = Code::InvalidRequest
            .at(Surface::Authorize)
            .saying("<script>alert('x')</script>");
        let html = dead_end(&error);
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
        assert!(html.contains("This is a simulator, not Microsoft"));
    }
}
