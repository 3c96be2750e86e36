//! Errors, over NATS as over HTTP: RFC 9457 problem details.

mod of_refusals;

use std::fmt;

use assent_domain::refusal::Refusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::meaning::{Meaning, Mender};
use of_refusals::{remedy_of_refusal, status_of_refusal, title_of_refusal};

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $status:literal, $text:literal, $title:literal,
        $who:ident: $how:literal $(, retry after $seconds:literal)?;)+) => {
        /// A stable error code: what a program can rely on when it is told that something did not happen. Whatever is
        /// fixed about an error follows from its code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            /// The domain's rules are against it.
            Refused(Refusal),
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ErrorCode {
            /// The codes that are no refusal.
            const OTHERS: &[Self] = &[$(Self::$variant,)+];

            /// The code as programs know it, in snake case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Refused(refusal) => refusal.code(),
                    $(Self::$variant => $text,)+
                }
            }

            /// The HTTP status of an answer with this code.
            pub const fn status(self) -> u16 {
                match self {
                    Self::Refused(refusal) => status_of_refusal(refusal),
                    $(Self::$variant => $status,)+
                }
            }

            /// The code in words, the same at every occurrence.
            pub const fn title(self) -> &'static str {
                match self {
                    Self::Refused(refusal) => title_of_refusal(refusal),
                    $(Self::$variant => $title,)+
                }
            }

            /// What the code means, who can mend it, and how.
            pub(crate) const fn meaning(self) -> Meaning {
                let (kind, means, (who, how)) = match self {
                    Self::Refused(refusal) => ("refusal", refusal.meaning(), remedy_of_refusal(refusal)),
                    $(Self::$variant => ("error", concat!($($doc),+), (Mender::$who, $how)),)+
                };
                Meaning::new(kind, self.as_str(), means, who, how).with_status(self.status())
            }

            /// The seconds of `Retry-After`, where trying again helps and nobody knows better.
            pub fn retry_after(self) -> Option<u32> {
                match self {
                    Self::Refused(_) => None,
                    $(Self::$variant => [$($seconds)?].first().copied(),)+
                }
            }
        }
    };
}

error_codes! {
    /// The request can't be read, or breaks the call's rules.
    InvalidRequest = 400, "invalid_request", "The request is not valid",
        Host: "correct the request: the answer's detail says what is wrong with it";
    /// Nobody known is calling.
    Unauthenticated = 401, "unauthenticated", "A valid bearer token is needed",
        Host: "send a bearer token that the host application has just signed, for the issuer, the keys and the audience that ASSENT_HOST_ISSUER, _JWKS_URL and _AUDIENCE name";
    /// The caller is known and may not do this.
    Forbidden = 403, "forbidden", "The caller may not do this",
        Host: "call with a token of this account that has the role, permission or scope that the call needs";
    /// The permission is not effective for this user: no token is handed out.
    NotPermitted = 403, "not_permitted", "The permission is not effective",
        Person: "the user or the administrator grants the permission again; consentctl explain says why it is off";
    /// There is no such thing, or not for this caller.
    NotFound = 404, "not_found", "There is no such thing",
        Host: "check the ids, and whose token it is: what belongs to another account or user is never shown";
    /// The path is there, and does not take this method.
    MethodNotAllowed = 405, "method_not_allowed", "The path does not take this method",
        Host: "use a method that openapi.json lists for the path";
    /// A name stands for tenants in several of Microsoft's clouds.
    AmbiguousTenant = 409, "ambiguous_tenant", "The name stands for several tenants",
        Person: "name the tenant by its id, which stands in the Microsoft Entra admin center under Overview";
    /// Microsoft knows the tenant of the consent in force no more.
    TenantAbsent = 409, "tenant_absent", "The tenant is not there",
        Administrator: "allow the application in the tenant again; where the company has left that tenant, a Super Admin switches back to user_individual";
    /// The permission is effective, and no refresh token of the user's mailbox is held.
    NoRefreshToken = 409, "no_refresh_token", "No refresh token is held",
        Host: "send the user's browser to connect_url of the next login decision, or pass sign_in.refresh_token with it";
    /// The user's session at Microsoft has ended: the consent stands, the refresh token is of no use.
    ReauthenticationRequired = 409, "reauthentication_required", "The user has to sign in to Microsoft again",
        Person: "the user signs in through Microsoft again; what was granted stands";
    /// The user has answered about all that was to be asked, with this Microsoft account.
    AlreadyAnswered = 409, "already_answered", "The user has answered",
        Nobody: "nothing is missing; Settings > My account asks again whenever the user wants";
    /// The message is an event, or a newer program's: it can't be declared void.
    MessageIsAnEvent = 409, "message_is_an_event", "The message is an event",
        Operator: "leave it: an event can't be declared void; if it can't follow what is before it, restore the stream from a backup, and if a newer program wrote it, start that one";
    /// Others kept changing the same thing.
    ConcurrentChange = 409, "concurrent_change", "It was changed at the same time",
        Host: "read again how things stand, and send the request once more if it still makes sense";
    /// What was asked for was there and is over.
    Gone = 410, "gone", "It is over",
        Person: "start again: what was asked for is over";
    /// The body is too large.
    PayloadTooLarge = 413, "payload_too_large", "The body is too large",
        Host: "send less: no request of ours needs a large body";
    /// The body is in another format than the call takes.
    UnsupportedMediaType = 415, "unsupported_media_type", "The body's media type is not taken here",
        Host: "send the media type that openapi.json names for the call";
    /// An ID token is not Microsoft's, not for this application, or not valid now.
    InvalidIdToken = 422, "invalid_id_token", "The ID token proves nothing",
        Host: "pass on the ID token of this very sign-in, unchanged and while it is valid, made for the application that ASSENT_HOST_ENTRA_CLIENT_ID or ASSENT_ENTRA_CLIENT_ID names";
    /// There was too much of something within a short time.
    TooManyRequests = 429, "too_many_requests", "Too many requests",
        Host: "wait as long as Retry-After says; nothing is lost", retry after 60;
    /// A fault of ours.
    InternalError = 500, "internal_error", "Something went wrong here",
        Operator: "look in the service's log for the request id that the answer calls instance, and report it";
    /// The log holds an event of this account or user that can't be read.
    EventUnreadable = 500, "event_unreadable", "The event log can't be read",
        Operator: "consentctl blocked list says which message can't be read, why, and the way back";
    /// Microsoft can't be reached, does not answer in time, or wants to be left alone for some time.
    MicrosoftUnavailable = 503, "microsoft_unavailable", "Microsoft cannot be reached",
        Nobody: "try again in a moment; if it lasts, see Microsoft's service health and the gateway's way to the internet", retry after 2;
    /// Microsoft's answer makes no sense, or faults us.
    MicrosoftNonsense = 502, "microsoft_unavailable", "Microsoft gave no usable answer",
        Operator: "look at the gateway's log, which has what Microsoft answered; try again in a moment";
    /// The event log can't be reached; with it nothing else can, as all of it is in NATS.
    EventLogUnavailable = 503, "event_log_unavailable", "The event log cannot be reached",
        Operator: "see that nats-server runs and can be reached (consentctl doctor); the services connect again by themselves", retry after 2;
    /// Events are damaged in the log, or the log has lost its end. Somebody has to act before trying again makes sense.
    EventLogDamaged = 503, "event_log_damaged", "The event log is damaged",
        Operator: "consentctl doctor names what is damaged; restore the stream from a backup (deploy/README.md)";
    /// A store holds as much as it may, and is not emptied soon.
    StoreFull = 503, "store_full", "A store is full",
        Operator: "consentctl doctor says which store is full; find out who fills it, or raise ASSENT_STORE_MEGABYTES", retry after 60;
    /// A store other than the event log can't be used: it is not there, or takes nothing.
    StoreUnavailable = 503, "store_unavailable", "A store cannot be used",
        Operator: "consentctl doctor says which store and why; the gateway makes one that is gone again, empty", retry after 2;
    /// There is no view of the log that could be served: it is being built, or the log is gone.
    ViewNotReady = 503, "view_not_ready", "The view is being built",
        Operator: "wait until the projection has built its view (its /readyz says how far it is); if the log is gone, consentctl doctor says so", retry after 1;
    /// The keys that would prove a bearer token can't be fetched.
    HostKeysUnavailable = 503, "host_keys_unavailable", "The keys that prove a token cannot be fetched",
        Operator: "let the service reach ASSENT_HOST_JWKS_URL; the keys are fetched again by themselves", retry after 2;
    /// The answer took too long.
    Timeout = 503, "timeout", "The answer took too long",
        Operator: "try again; if it lasts, look at consentctl doctor and /metrics for what is slow", retry after 5;
    /// The program serves as much as it can.
    TooManyConnections = 503, "too_many_connections", "Too many connections are open",
        Operator: "find out who opens so many (/metrics), or run another replica", retry after 2;
    /// A browser fetched something ahead of time that does something when it is fetched.
    FetchedAhead = 503, "fetched_ahead", "Nobody has asked for this yet",
        Nobody: "open the address by hand: browsers that fetch ahead are refused, because a visit does something";
    /// The write that `at_least` names is not applied yet.
    NotYetApplied = 504, "not_yet_applied", "The position asked for is not applied yet",
        Operator: "ask again; if it lasts, consentctl doctor shows how far the projection lags", retry after 1;
}

impl ErrorCode {
    /// Every code.
    pub fn all() -> impl Iterator<Item = Self> {
        let refusals = Refusal::ALL.iter().copied().map(Self::Refused);
        Self::OTHERS.iter().copied().chain(refusals)
    }

    /// Status, code, title and `Retry-After`: what a problem type of HTTP is made of.
    pub fn definition(self) -> (u16, &'static str, &'static str, Option<u32>) {
        (
            self.status(),
            self.as_str(),
            self.title(),
            self.retry_after(),
        )
    }

    /// The code that a program was told, if this version knows it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().find(|code| code.as_str() == text)
    }
}

impl From<Refusal> for ErrorCode {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The body of an error over NATS; its code is in `Nats-Service-Error` too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A stable reference that ends in the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status that the same error has over HTTP.
    pub status: u16,
    /// What went wrong this time, and what to do.
    pub detail: String,
    /// The stable name: an [`ErrorCode`], unless a newer program has more of them.
    pub code: String,
    /// After how many seconds trying again makes sense, where that is known: `Retry-After`, as over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// Makes the problem that tells this error.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            retry_after: code.retry_after(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_read_back() {
        for code in ErrorCode::all() {
            assert_eq!(
                ErrorCode::parse(code.as_str()).unwrap().as_str(),
                code.as_str()
            );
        }
        assert_eq!(ErrorCode::parse("no_such_code"), None);
    }

    #[test]
    fn a_code_is_told_in_one_way_only() {
        let mut words = BTreeSet::new();
        let twice = ErrorCode::all().filter(|code| !words.insert(code.as_str()));
        assert_eq!(
            twice.collect::<Vec<_>>(),
            [
                ErrorCode::MicrosoftNonsense,
                ErrorCode::Refused(Refusal::Forbidden)
            ]
        );
    }
}
