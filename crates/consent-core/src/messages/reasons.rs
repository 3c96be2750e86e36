//! What is told of a request that was turned down before any rule was asked.

use std::borrow::Cow;

use crate::reasons::{
    Forbidden, InvalidRequest, MessageIsAnEvent, NotFound, Unauthenticated, VoidField,
};

pub(super) fn invalid_request(reason: &InvalidRequest) -> Cow<'static, str> {
    let fixed = match reason {
        InvalidRequest::AccountId(error) => return format!("account must be {error}").into(),
        InvalidRequest::UserId(error) => return format!("user must be {error}").into(),
        InvalidRequest::LoginHint(error) => return format!("login_hint: {error}").into(),
        InvalidRequest::ReturnTo(error) => return error.to_string().into(),
        InvalidRequest::ReturnToFromSession(error) => {
            return format!("{error}, or lead to /settings/account or /settings/company").into();
        }
        InvalidRequest::Callback(error) => return error.to_string().into(),
        InvalidRequest::Command { name, line, column } => {
            return format!("the request is not a {name} command: line {line}, column {column}")
                .into();
        }
        InvalidRequest::Length { field, most } => {
            return format!("{} must be 1 to {most} characters", void_field(*field)).into();
        }
        InvalidRequest::ControlCharacters(field) => {
            let field = void_field(*field);
            return format!("{field} must be one line without control characters").into();
        }
        InvalidRequest::Permission => "a permission is one of calendar, contacts and email",
        InvalidRequest::TenantName => {
            "tenant is the GUID or a domain of a Microsoft Entra tenant, such as contoso.com; an e-mail address or a \
             web address that has one of them will do"
        }
        InvalidRequest::UnknownTenant => "Microsoft knows no tenant by this name",
        InvalidRequest::UnknownTenantInCloud => {
            "Microsoft knows no tenant by this name in that cloud"
        }
        InvalidRequest::WrongConfirmValue => "this is not the flow's confirm value",
        InvalidRequest::NothingToConfirm => "the flow awaits no confirmation yet",
        InvalidRequest::UnknownState => "this link belongs to no request of ours; start again",
        InvalidRequest::Form => "the form can't be read; open the page again",
    };
    fixed.into()
}

const fn void_field(field: VoidField) -> &'static str {
    match field {
        VoidField::Reason => "reason",
        VoidField::Operator => "operator",
    }
}

pub(super) fn message_is_an_event(MessageIsAnEvent(error): &MessageIsAnEvent) -> Cow<'static, str> {
    error.to_string().into()
}

pub(super) const fn unauthenticated(reason: Unauthenticated) -> &'static str {
    match reason {
        Unauthenticated::NoTokenId => "a token that opens a session needs a jti",
        Unauthenticated::TokenTooLongLived => {
            "a token that opens a session runs out within 24 hours"
        }
        Unauthenticated::UseOfTokenLost => {
            "what was known of tokens of that time was lost, so it can't be told whether this one was used; make a new one, \
             with an iat"
        }
        Unauthenticated::BeforeCutoff => {
            "everything of the user was ended after the token was made; make a new one"
        }
    }
}

pub(super) const fn forbidden(reason: Forbidden) -> &'static str {
    match reason {
        Forbidden::OutOfReach => {
            "the token is of another account or user, or lacks the scope for this"
        }
        Forbidden::AdministratorOnly => {
            "only the administrator can confirm this, on the page that they were shown"
        }
    }
}

pub(super) const fn not_found(what: NotFound) -> &'static str {
    match what {
        NotFound::Message => "the log has no message at this place",
        NotFound::HandOff => "there is no such link, or not any more",
        NotFound::Flow => "there is no such flow of yours, or not any more",
        NotFound::Logo => "the application has no logo here",
        NotFound::VaultKey => {
            "this gateway keeps no refresh tokens: ASSENT_VAULT_PUBLIC_KEY_FILE names no key"
        }
    }
}
