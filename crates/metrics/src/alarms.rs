//! The kinds of operators' alarms and of security events.

use crate::definition::Service::{self, ConsentGateway, LoginHook, Projection, TokenBroker};

/// One kind of log line that somebody has to be told of.
#[derive(Debug)]
pub struct Alarm {
    /// What the field of the log line says, and the label `kind`.
    pub kind: &'static str,
    /// What happened.
    pub meaning: &'static str,
    /// Who may say it.
    pub services: &'static [Service],
}

const fn alarm(kind: &'static str, services: &'static [Service], meaning: &'static str) -> Alarm {
    Alarm {
        kind,
        meaning,
        services,
    }
}

const GATEWAY: &[Service] = &[ConsentGateway];
const TOKENS: &[Service] = &[TokenBroker];
/// Who has a credential at Microsoft.
const WITH_CREDENTIALS: &[Service] = &[ConsentGateway, TokenBroker];
/// Who makes streams and buckets.
const KEEPERS: &[Service] = &[ConsentGateway, TokenBroker];
const VIEW: &[Service] = &[Projection];
const BOTH: &[Service] = &[ConsentGateway, Projection];

/// What of a kind that is not listed is counted as.
pub const OTHER: &str = "other";

/// Every `operator_alarm`.
pub const ALARMS: &[Alarm] = &[
    alarm(
        "changes_told_anew",
        VIEW,
        "the change stream did not agree with the log: all that stands is told anew",
    ),
    alarm(
        "event_log_begun_anew",
        GATEWAY,
        "the gateway began a new log, as it was told to by `--begin-new-event-log`",
    ),
    alarm(
        "event_log_cut_short",
        BOTH,
        "the log lost its end, or is another one than was written",
    ),
    alarm(
        "event_log_damaged",
        GATEWAY,
        "the log has lost events of one account or user",
    ),
    alarm(
        "event_log_end_accepted",
        GATEWAY,
        "the gateway accepted a shorter log, as it was told to by `--accept-event-log-end`",
    ),
    alarm(
        "event_log_lost_a_grant",
        GATEWAY,
        "somebody revoked what the view knows of and the log does not",
    ),
    alarm(
        "event_log_replaced",
        VIEW,
        "another log has taken the place of the one that was followed",
    ),
    alarm(
        "foreign_change",
        VIEW,
        "somebody who is no projection wrote into the change stream",
    ),
    alarm(
        "gap",
        VIEW,
        "an event is missing from the log; nothing after it is applied",
    ),
    alarm(
        "illegal_event",
        VIEW,
        "an event can't follow what is known of its account or user, which is blocked",
    ),
    alarm(
        "log_differs_from_view",
        VIEW,
        "the log is not what the view was built from: messages are missing in it, or others",
    ),
    alarm(
        "microsoft_certificate",
        WITH_CREDENTIALS,
        "a certificate of ours at Microsoft ends within a month, has ended, or is not valid yet",
    ),
    alarm(
        "microsoft_credential_refused",
        WITH_CREDENTIALS,
        "Microsoft does not believe one of our credentials, or none",
    ),
    alarm(
        "microsoft_refused_us",
        WITH_CREDENTIALS,
        "Microsoft refused our registration or request itself",
    ),
    alarm(
        "orphan_event",
        VIEW,
        "a message of the log names neither an account nor a user",
    ),
    alarm(
        "permissions_held",
        VIEW,
        "a log that lost events would permit some users more: they are held back until an operator decides",
    ),
    alarm(
        "store_made_anew",
        KEEPERS,
        "a stream or bucket was lost, and made again empty",
    ),
    alarm(
        "store_unusable",
        GATEWAY,
        "a stream or bucket is full, gone, configured otherwise, or takes nothing",
    ),
    alarm(
        "token_does_not_open",
        TOKENS,
        "a sealed refresh token can't be opened: its key is not there, or it was changed, moved or cut",
    ),
    alarm(
        "unreadable_aggregate",
        GATEWAY,
        "the history of an account or user can't be read",
    ),
    alarm(
        "unreadable_event",
        VIEW,
        "a message of the log is no event that this release reads: its account or user is blocked",
    ),
    alarm(
        "unreadable_operation",
        BOTH,
        "a record of what operators did can't be read",
    ),
    alarm(
        "view_damaged",
        VIEW,
        "rows of the view are not what was written",
    ),
    alarm(
        "view_not_rebuilt",
        VIEW,
        "a view was not rebuilt as an operator asked for; what is served is as it was",
    ),
    alarm(
        "view_rebuilt",
        VIEW,
        "the view did not agree with the log, or was damaged, and is built anew",
    ),
    alarm(
        "void_record_gone",
        VIEW,
        "the record that a message is void is gone: whoever it blocked is blocked again",
    ),
    alarm(
        OTHER,
        &[ConsentGateway, Projection, TokenBroker],
        "an alarm of another kind; its log line says which",
    ),
];

/// Every `security_event`.
pub const SECURITY_EVENTS: &[Alarm] = &[
    alarm(
        "administrator_flow_changed_browser",
        GATEWAY,
        "an administrator's flow went on in another browser than it was in",
    ),
    alarm(
        "administrator_flow_disowned",
        GATEWAY,
        "an administrator said that they did not begin the flow",
    ),
    alarm(
        "another_mailbox",
        &[ConsentGateway, LoginHook],
        "a user came as another Microsoft identity than the grants are of",
    ),
    alarm(
        "form_without_proof",
        GATEWAY,
        "a form came without the proof that our own page puts into it",
    ),
    alarm(
        "identity_mismatch",
        GATEWAY,
        "another Microsoft account finished a flow than was expected",
    ),
    alarm("invalid_id_token", GATEWAY, "an ID token proved nothing"),
    alarm(
        "reserved_reply_subject",
        &[ConsentGateway, Projection, TokenBroker],
        "a request on NATS asked for its answer where answers do not go",
    ),
    alarm(
        "session_opened_elsewhere",
        GATEWAY,
        "a session of the settings pages was opened by another site",
    ),
    alarm(
        "session_token_replayed",
        GATEWAY,
        "a token that opens the settings pages came twice",
    ),
    alarm(
        "tenant_mismatch",
        GATEWAY,
        "another tenant answered than was expected",
    ),
    alarm(
        "unknown_state",
        GATEWAY,
        "a callback brought a `state` that nobody gave out",
    ),
    alarm(
        OTHER,
        Service::ALL,
        "a security event of another kind; its log line says which",
    ),
];

pub(crate) fn alarms_of(service: Service) -> Vec<&'static str> {
    kinds(ALARMS, service)
}

pub(crate) fn security_events_of(service: Service) -> Vec<&'static str> {
    kinds(SECURITY_EVENTS, service)
}

fn kinds(alarms: &'static [Alarm], service: Service) -> Vec<&'static str> {
    alarms
        .iter()
        .filter(|alarm| alarm.services.contains(&service))
        .map(|alarm| alarm.kind)
        .collect()
}

/// The kind as it is counted.
pub fn counted_as(alarms: &'static [Alarm], said: &str) -> &'static str {
    let found = alarms.iter().find(|alarm| alarm.kind == said);
    found.map_or(OTHER, |alarm| alarm.kind)
}
