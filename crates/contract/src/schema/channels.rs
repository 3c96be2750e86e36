//! The subjects that other people's programs meet, and what is said on each.

use assent_domain::refusal::Refusal;
use serde_json::{Value, json};

use super::components::Components;
use super::document::{Document, channel};
use super::headers;
use crate::body::{AdminConsentGranted, ModeChanged, UserScopeGranted, UserScopeRevoked};
use crate::change::ChangeMessage;
use crate::custody::{TokenAnswer, TokenRequest};
use crate::names;
use crate::problem::ErrorCode;
use crate::query::{
    AccountAnswer, AccountQuery, BlockedPage, BlockedQuery, ChangesPage, ChangesQuery,
    PermissionsAnswer, UserQuery, UsersPage, UsersQuery,
};

/// What any query can be refused with.
pub(super) const OF_QUERIES: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::TooManyRequests,
    ErrorCode::InternalError,
    ErrorCode::ViewNotReady,
    ErrorCode::NotYetApplied,
];

/// What a query for how everybody stands can be refused with: a page of it may be over (`gone`).
const OF_CHANGES: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::Gone,
    ErrorCode::TooManyRequests,
    ErrorCode::InternalError,
    ErrorCode::ViewNotReady,
];

/// What a request for a token can be refused with.
const OF_TOKENS: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::NotPermitted,
    ErrorCode::NoRefreshToken,
    ErrorCode::ReauthenticationRequired,
    ErrorCode::Refused(Refusal::ConsentWithdrawn),
    ErrorCode::TooManyRequests,
    ErrorCode::InternalError,
    ErrorCode::MicrosoftUnavailable,
    ErrorCode::ViewNotReady,
    ErrorCode::NotYetApplied,
];

/// Queries, tokens, changes and the log.
pub(super) fn describe(document: &mut Document, parts: &mut Components) {
    document.request::<UserQuery, PermissionsAnswer>(
        parts,
        ("permissions", names::QUERY_PERMISSIONS, OF_QUERIES),
        "What may be done for one user now. With at_least the answer reflects that write, or is not_yet_applied.",
    );
    document.request::<AccountQuery, AccountAnswer>(
        parts,
        ("account", names::QUERY_ACCOUNT, OF_QUERIES),
        "A company: its authorization method, e-mail level, epoch and consent in force.",
    );
    document.request::<UsersQuery, UsersPage>(
        parts,
        ("users", names::QUERY_USERS, OF_QUERIES),
        "The users of a company that the log knows, by page.",
    );
    document.request::<ChangesQuery, ChangesPage>(
        parts,
        ("currentChanges", names::QUERY_CHANGES, OF_CHANGES),
        "How everybody stands, by page, in the shape of changes: what a sync worker begins with.",
    );
    document.request::<BlockedQuery, BlockedPage>(
        parts,
        ("blocked", names::QUERY_BLOCKED, OF_QUERIES),
        "The companies and users of whom an event can't be believed, by page: nothing is effective for them.",
    );
    document.request::<TokenRequest, TokenAnswer>(
        parts,
        ("token", names::TOKEN_GET, OF_TOKENS),
        "An access token for Microsoft Graph, while the permission is effective. What Microsoft refuses ends as a code.",
    );
    changes(document, parts);
    events(document, parts);
}

fn changes(document: &mut Document, parts: &mut Components) {
    let payload = parts.add::<ChangeMessage>();
    for (name, address, summary) in [
        (
            "companyChanged",
            "consent.changes.v1.{account}.company",
            "The company is different from now on. It ends what was known of its users: ask for them again.",
        ),
        (
            "userChanged",
            "consent.changes.v1.{account}.user.{user}",
            "What may be done for the user from now on.",
        ),
    ] {
        document
            .channels
            .insert(name.to_owned(), channel(address, summary));
        let message = json!({
            "name": name, "summary": summary, "headers": headers::of_change(), "payload": payload,
        });
        document.told(name, summary, &[(name, message)]);
    }
}

fn events(document: &mut Document, parts: &mut Components) {
    let of = |name: &str, payload: Value| {
        let message = json!({
            "name": format!("assent.consent.{name}.v1"),
            "summary": "An event of the log, as CloudEvents 1.0 in binary mode.",
            "headers": headers::of_event(name),
            "payload": payload,
        });
        message
    };
    let company = [
        ("ModeChanged", of("ModeChanged", parts.add::<ModeChanged>())),
        (
            "AdminConsentGranted",
            of("AdminConsentGranted", parts.add::<AdminConsentGranted>()),
        ),
    ];
    let user = [
        (
            "UserScopeGranted",
            of("UserScopeGranted", parts.add::<UserScopeGranted>()),
        ),
        (
            "UserScopeRevoked",
            of("UserScopeRevoked", parts.add::<UserScopeRevoked>()),
        ),
    ];
    for (name, address, messages) in [
        (
            "companyEvents",
            "consent.events.v1.{account}.company",
            company.as_slice(),
        ),
        (
            "userEvents",
            "consent.events.v1.{account}.user.{user}",
            user.as_slice(),
        ),
    ] {
        let summary = "The event log (stream CONSENT_EVENTS). Only the gateway writes it, and operators read it.";
        document
            .channels
            .insert(name.to_owned(), channel(address, summary));
        document.told(name, summary, messages);
    }
}
