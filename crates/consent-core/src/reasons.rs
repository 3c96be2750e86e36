//! Why a request is turned down before any rule is asked. Typed, so that each has its words in [`crate::messages`] and one
//! without them does not compile.

use assent_domain::ids::InvalidId;
use assent_event_log::VoidError;
use assent_microsoft_identity::{CallbackError, LoginHintError};
use assent_service_kit::return_to::NotAllowed;

/// Why a request can't be understood, or not by these means.
#[derive(Debug)]
pub enum InvalidRequest {
    /// The account of the path is none.
    AccountId(InvalidId),
    /// The user of the path is none.
    UserId(InvalidId),
    /// The permission of the path is none.
    Permission,
    /// The hint for Microsoft's sign-in page is none.
    LoginHint(LoginHintError),
    /// What names a tenant is no name of one.
    TenantName,
    /// Microsoft knows no tenant by this name.
    UnknownTenant,
    /// Microsoft knows no tenant by this name in the cloud that was named with it.
    UnknownTenantInCloud,
    /// A browser may not be sent to this address.
    ReturnTo(NotAllowed),
    /// A browser may not be sent to this address once its session is open.
    ReturnToFromSession(NotAllowed),
    /// The confirm value is not the flow's.
    WrongConfirmValue,
    /// The flow does not wait for a confirmation yet.
    NothingToConfirm,
    /// A callback brought no `state` of ours.
    UnknownState,
    /// A callback is none of Microsoft's.
    Callback(CallbackError),
    /// A form that no page of ours has sent.
    Form,
    /// A command over NATS that is none.
    Command {
        /// Which command its subject is of.
        name: &'static str,
        /// Where the JSON is not what it has to be.
        line: usize,
        /// The column in the line.
        column: usize,
    },
    /// What an operator wrote by hand is empty or too long.
    Length {
        /// What it is.
        field: VoidField,
        /// How many characters it may have.
        most: usize,
    },
    /// What an operator wrote by hand is not one line of text.
    ControlCharacters(VoidField),
}

/// What an operator writes by hand where a message is declared void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidField {
    /// Why it is void.
    Reason,
    /// Who says so.
    Operator,
}

/// Why what a caller proves itself with is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unauthenticated {
    /// A token that opens a session has no `jti`, so it could be used twice.
    NoTokenId,
    /// A token that opens a session is good for longer than it is remembered.
    TokenTooLongLived,
    /// Whether the token was used is not known any more.
    UseOfTokenLost,
    /// The token is older than the end of everything of its user.
    BeforeCutoff,
}

/// Why the caller may not do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// The token does not reach this.
    OutOfReach,
    /// Only the administrator can confirm it.
    AdministratorOnly,
}

/// What there is none of, or not for this caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFound {
    /// A message of the log.
    Message,
    /// A link for an administrator.
    HandOff,
    /// A flow.
    Flow,
    /// The application's logo.
    Logo,
    /// The public key by which refresh tokens are sealed.
    VaultKey,
}

/// How it is known that a message can't be declared void.
#[derive(Debug)]
pub struct MessageIsAnEvent(pub(crate) VoidError);
