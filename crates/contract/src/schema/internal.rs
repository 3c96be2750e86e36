//! The subjects on which our own programs and operators speak with one another. They are described for whoever reads what
//! goes over NATS; who may use them, the server's permissions say.

use assent_domain::refusal::Refusal;
use serde_json::json;

use super::channels::OF_QUERIES;
use super::components::Components;
use super::document::{Document, channel};
use crate::command::{
    AutomaticGrantRecorded, BeginConnection, BeginUserConsent, FlowStarted, MessageVoided,
    RecordAutomaticGrant, RecordWithdrawal, UserConsentBegun, VoidMessage, WithdrawalRecorded,
};
use crate::custody::{CustodyOverview, CustodyQuery, CustodyStatus, Deposit, Deposited};
use crate::names;
use crate::operation::VoidRecord;
use crate::problem::ErrorCode;
use crate::query::{LoginState, LoginStateQuery};
use crate::rebuild::{RebuildReport, RebuildView};
use crate::replica::{
    DigestQuery, LogCheckStatus, NothingAsked, ReplicaDigest, ReplicaStatus, RowsPage, RowsQuery,
};

/// What any command can be refused with: it is decided on the log.
const OF_COMMANDS: [ErrorCode; 7] = [
    ErrorCode::InvalidRequest,
    ErrorCode::TooManyRequests,
    ErrorCode::ConcurrentChange,
    ErrorCode::InternalError,
    ErrorCode::EventUnreadable,
    ErrorCode::EventLogUnavailable,
    ErrorCode::EventLogDamaged,
];

/// What a command can be refused with that begins a flow, besides.
const OF_FLOWS: [ErrorCode; 7] = [
    ErrorCode::Refused(Refusal::NothingSelected),
    ErrorCode::Refused(Refusal::UnsupportedCloud),
    ErrorCode::Refused(Refusal::IdentityMismatch),
    ErrorCode::StoreFull,
    ErrorCode::StoreUnavailable,
    ErrorCode::MicrosoftUnavailable,
    ErrorCode::MicrosoftNonsense,
];

/// What one projection can refuse an operator.
const OF_REPLICAS: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::Gone,
    ErrorCode::TooManyRequests,
    ErrorCode::InternalError,
    ErrorCode::ViewNotReady,
    ErrorCode::NotYetApplied,
];

/// What the token broker can refuse our own services.
const OF_CUSTODY: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::ReauthenticationRequired,
    ErrorCode::Refused(Refusal::ConsentWithdrawn),
    ErrorCode::InternalError,
    ErrorCode::EventLogUnavailable,
    ErrorCode::MicrosoftUnavailable,
    ErrorCode::MicrosoftNonsense,
    ErrorCode::StoreUnavailable,
    ErrorCode::ViewNotReady,
    ErrorCode::NotYetApplied,
];

/// Logins, commands, custody, operators, and what our programs tell one another.
pub(super) fn describe(document: &mut Document, parts: &mut Components) {
    document.request::<LoginStateQuery, LoginState>(
        parts,
        ("loginState", names::QUERY_LOGIN_STATE, OF_QUERIES),
        "All that the decision at a login needs: asked by the login hook.",
    );
    commands(document, parts);
    document.request::<CustodyQuery, CustodyStatus>(
        parts,
        ("custodyStatus", names::CUSTODY_STATUS, OF_CUSTODY),
        "What the token broker holds of a user: asked by our own services and by operators.",
    );
    document.request::<NothingAsked, CustodyOverview>(
        parts,
        ("custodyOverview", names::CUSTODY_OVERVIEW, OF_CUSTODY),
        "What the token broker holds in all, and with which keys: asked by the gateway and by operators.",
    );
    document.request::<Deposit, Deposited>(
        parts,
        ("custodyDeposit", names::CUSTODY_DEPOSIT, OF_CUSTODY),
        "Keep a refresh token that came with a sign-in: asked by the login hook.",
    );
    replicas(document, parts);
    let summary = "Something was appended to the log: a hint to those who follow it, without content. Nothing is lost with it.";
    document
        .channels
        .insert("appended".to_owned(), channel(names::APPENDED, summary));
    let hint = json!({"name": "appended", "summary": summary, "payload": {"type": "null"}});
    document.told("appended", summary, &[("appended", hint)]);
    let summary = "A user's passage through Microsoft is over, however it ended: a hint to login hooks, without content.";
    let address = "consent.connections.v1.ended.{account}.{user}";
    document
        .channels
        .insert("connectionsEnded".to_owned(), channel(address, summary));
    let hint = json!({"name": "connectionEnded", "summary": summary, "payload": {"type": "null"}});
    document.told("connectionsEnded", summary, &[("connectionEnded", hint)]);
    let summary = "An operator declared a message of the log void (stream CONSENT_OPERATIONS). Only the gateway writes it.";
    let address = "consent.operations.v1.void.{log}.{sequence}";
    document
        .channels
        .insert("voidRecords".to_owned(), channel(address, summary));
    let record =
        json!({"name": "VoidRecord", "summary": summary, "payload": parts.add::<VoidRecord>()});
    document.told("voidRecords", summary, &[("VoidRecord", record)]);
}

fn commands(document: &mut Document, parts: &mut Components) {
    let refusals = |refusals: &[Refusal]| {
        let refusals = refusals.iter().copied().map(ErrorCode::Refused);
        refusals.chain(OF_COMMANDS).collect::<Vec<_>>()
    };
    let codes = refusals(&[
        Refusal::NotAdministratorConfigured,
        Refusal::ConsentSuperseded,
        Refusal::TenantMismatch,
        Refusal::GuestAccount,
        Refusal::UnsupportedCloud,
        Refusal::ConsentWithdrawn,
    ]);
    document.request::<RecordAutomaticGrant, AutomaticGrantRecorded>(
        parts,
        (
            "recordAutomaticGrant",
            names::COMMAND_RECORD_AUTOMATIC_GRANT,
            &codes,
        ),
        "Record what an administrator's consent gives a user at login: asked by the login hook.",
    );
    let mut codes = refusals(&[
        Refusal::ManagedByAdministrator,
        Refusal::AdministratorApprovalRequired,
    ]);
    codes.push(ErrorCode::AlreadyAnswered);
    codes.extend(OF_FLOWS);
    document.request::<BeginUserConsent, UserConsentBegun>(
        parts,
        (
            "beginUserConsent",
            names::COMMAND_BEGIN_USER_CONSENT,
            &codes,
        ),
        "Begin a user's own consent: asked by the login hook.",
    );
    let mut codes = refusals(&[
        Refusal::NotAdministratorConfigured,
        Refusal::ConsentSuperseded,
        Refusal::TenantMismatch,
    ]);
    codes.push(ErrorCode::NotFound);
    codes.extend(OF_FLOWS);
    document.request::<BeginConnection, FlowStarted>(
        parts,
        ("beginConnection", names::COMMAND_BEGIN_CONNECTION, &codes),
        "Begin a passage through Microsoft without a page: asked by the login hook.",
    );
    document.request::<RecordWithdrawal, WithdrawalRecorded>(
        parts,
        (
            "recordWithdrawal",
            names::COMMAND_RECORD_WITHDRAWAL,
            &OF_COMMANDS,
        ),
        "Record that a consent is gone at Microsoft: asked by the token broker.",
    );
    let mut codes = refusals(&[]);
    codes.extend([ErrorCode::NotFound, ErrorCode::MessageIsAnEvent]);
    document.request::<VoidMessage, MessageVoided>(
        parts,
        ("voidMessage", names::COMMAND_VOID_MESSAGE, &codes),
        "Declare a message of the log void that is no event: asked by operators.",
    );
}

fn replicas(document: &mut Document, parts: &mut Components) {
    let of = |what| names::of_replica(what, "{instance}");
    document.request::<NothingAsked, ReplicaStatus>(
        parts,
        ("replicaStatus", names::REPLICA_STATUS, OF_REPLICAS),
        "How each projection is: every one answers.",
    );
    document.request::<DigestQuery, ReplicaDigest>(
        parts,
        ("replicaDigest", &of(names::REPLICA_DIGEST), OF_REPLICAS),
        "What all rows of one projection add up to.",
    );
    document.request::<RowsQuery, RowsPage>(
        parts,
        ("replicaRows", &of(names::REPLICA_ROWS), OF_REPLICAS),
        "The rows of one projection, by page.",
    );
    for (name, what, summary) in [
        (
            "replicaCheckLog",
            names::REPLICA_CHECK_LOG,
            "Compare the log with the view of one projection again.",
        ),
        (
            "replicaAcceptLog",
            names::REPLICA_ACCEPT_LOG,
            "Take the log as it is, although one projection's view was built from another.",
        ),
    ] {
        document.request::<NothingAsked, LogCheckStatus>(
            parts,
            (name, &of(what), OF_REPLICAS),
            summary,
        );
    }
    document.request::<RebuildView, RebuildReport>(
        parts,
        (
            "rebuildView",
            &names::rebuild_view("{instance}"),
            OF_REPLICAS,
        ),
        "Build the view of one projection anew, or say how far that is.",
    );
}
