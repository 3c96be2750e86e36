//! The words in log lines that somebody is to be woken by (`operator_alarm`), or to look into (`security_event`).

use crate::words;

words! {
    "operator alarm"
    /// What an operator has to see to: the value of `operator_alarm` in a log line.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum OperatorAlarm {
        /// The log holds a message that the projection can't read as an event.
        UnreadableEvent = "unreadable_event",
            Operator: "consentctl blocked list says whom it blocks, why, and the way back";
        /// The log holds an event that can't follow what is before it.
        IllegalEvent = "illegal_event",
            Operator: "find out who changed the log (consentctl blocked show SEQ), and restore the stream from a backup";
        /// The log holds a message that names neither an account nor a user. It blocks nobody.
        OrphanEvent = "orphan_event",
            Operator: "consentctl blocked show SEQ shows it; consentctl blocked void SEQ lets it be passed over";
        /// The gateway can't read the events of an account or user, and decides nothing for them.
        UnreadableAggregate = "unreadable_aggregate",
            Operator: "consentctl blocked list says since which message, why, and the way back";
        /// An event that others follow on is missing from the log, or damaged in it. Nothing after it is applied.
        Gap = "gap",
            Operator: "consentctl doctor names what is missing; restore the stream from a backup (deploy/README.md)";
        /// The server counts events that it can't give: records are damaged on its disk.
        EventLogDamaged = "event_log_damaged",
            Operator: "consentctl doctor names the events; restore the stream from a backup, or change the leader to a server \
                       that still has them (deploy/README.md)";
        /// The log lost its end, or goes on with other events than were recorded. Nothing is decided until an operator has
        /// seen to it.
        EventLogCutShort = "event_log_cut_short",
            Operator: "stop the services and restore the stream from a backup; consent-gateway --help says what else can be done";
        /// The log was replaced by another one, or holds another event where the view knows one.
        EventLogReplaced = "event_log_replaced",
            Operator: "find out who replaced the stream; if it was no restore of a backup, restore one";
        /// A user's permission is effective, and the log holds no grant of it: the server lost one.
        EventLogLostAGrant = "event_log_lost_a_grant",
            Operator: "consentctl doctor and consentctl explain show what is missing; restore the stream from a backup";
        /// An operator decided, by a flag, to begin a new event log. All consents before it are lost.
        EventLogBegunAnew = "event_log_begun_anew",
            Nobody: "it was asked for with --begin-new-event-log; if nobody did, find out who started the gateway so";
        /// An operator accepted, by a flag, that the event log ends where it does.
        EventLogEndAccepted = "event_log_end_accepted",
            Nobody: "it was asked for with --accept-event-log-end; consents after that event are lost";
        /// A store beside the log was gone, and was made anew, empty.
        StoreMadeAnew = "store_made_anew",
            Operator: "find out who deleted it; the log line says what was lost with it, and nothing of the consents was";
        /// A store can't be used: it is full, is not there, or takes nothing.
        StoreUnusable = "store_unusable",
            Operator: "the log line says which store and why; consentctl doctor looks at all of them";
        /// A sealed refresh token can't be opened: its key is not there, or it was changed, moved or cut. It counts as none.
        TokenDoesNotOpen = "token_does_not_open",
            Operator: "put the key back that it names into ASSENT_VAULT_KEYS_DIR (consentctl vault status); else nothing: the user connects again at the next login";
        /// A record of what an operator did can't be read, and has no effect.
        UnreadableOperation = "unreadable_operation",
            Operator: "a newer release may have written it: update this program; else restore CONSENT_OPERATIONS from a backup";
        /// The record that a message is void is gone. Whoever the message blocked is blocked again.
        VoidRecordGone = "void_record_gone",
            Operator: "restore CONSENT_OPERATIONS from a backup, or declare the message void again";
        /// The view did not agree with the log, or was damaged. It is built anew.
        ViewRebuilt = "view_rebuilt",
            Nobody: "the projection builds it from the log; if it happens again, look at the disk under ASSENT_DATA_DIR";
        /// A view was not rebuilt as an operator asked for. What is served is as it was.
        ViewNotRebuilt = "view_not_rebuilt",
            Operator: "the log line says why, and consentctl projection rebuild, which asked for it";
        /// A log that lost events would permit more than before: whoever it would is held back until an operator decides.
        PermissionsHeld = "permissions_held",
            Operator: "consentctl blocked list says who is held back, and what permits it again (deploy/README.md)";
        /// The log does not hold any more what a view was built from: a message is missing, or another one.
        LogDiffersFromView = "log_differs_from_view",
            Operator: "consentctl doctor and verify name what differs; restore the stream from a backup (deploy/README.md)";
        /// The rows of a view do not add up to what was written. It is built anew.
        ViewDamaged = "view_damaged",
            Nobody: "the projection builds it from the log; if it happens again, look at the disk under ASSENT_DATA_DIR";
        /// The stream of changes did not agree with the log. All that stands is told anew.
        ChangesToldAnew = "changes_told_anew",
            Operator: "the projection mends it; find out who changed CONSENT_CHANGES or the log";
        /// Somebody else's message was among the changes. What it spoke of was told over.
        ForeignChange = "foreign_change",
            Operator: "find out who can publish on consent.announce.v1.>: only projections may (deploy/nats)";
        /// Microsoft refuses our own registration, credential or request.
        MicrosoftRefusedUs = "microsoft_refused_us",
            Operator: "look up the number in the log line, and correct the app registration at Microsoft";
        /// Microsoft refuses a credential of ours.
        MicrosoftCredentialRefused = "microsoft_credential_refused",
            Operator: "renew the credential at Microsoft and give the gateway the new one: it takes a second one beside the first";
        /// The client certificate expires soon, has expired, or is not valid yet.
        MicrosoftCertificate = "microsoft_certificate",
            Operator: "register a new certificate at Microsoft, and give it to the gateway beside the old one";
    }
}

words! {
    "security event"
    /// What somebody has to look into: the value of `security_event` in a log line. Nothing was let through.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum SecurityEvent {
        /// A form came from elsewhere than our page, or from a page that another browser was shown.
        FormWithoutProof = "form_without_proof",
            Nobody: "nothing was done; many of them from one place are an attempt to have people send forms that they never saw";
        /// A callback brought no state of ours.
        UnknownState = "unknown_state",
            Nobody: "nothing was recorded; an old link does this, and so does whoever forges callbacks";
        /// A flow came back from another tenant than the one expected.
        TenantMismatch = "tenant_mismatch",
            Nobody: "nothing was recorded; the person starts again with an account of the expected tenant";
        /// A flow came back with an ID token that proves nothing.
        InvalidIdToken = "invalid_id_token",
            Operator: "nothing was recorded; if it happens often, compare the authority and the client id with the app registration";
        /// Somebody brought another person's Microsoft identity than the one expected.
        IdentityMismatch = "identity_mismatch",
            Nobody: "nothing was recorded; the person starts again as the expected account";
        /// A user's sign-in or grant is of another Microsoft identity than the grants before.
        AnotherMailbox = "another_mailbox",
            Nobody: "what was granted for the other mailbox counts no more; ask the user, if a change of account is not expected";
        /// An administrator's flow was continued in another browser or session than it was begun in.
        AdministratorFlowChangedBrowser = "administrator_flow_changed_browser",
            Nobody: "it has to be confirmed on a page of ours before anything is recorded; a forwarded link does this, too";
        /// An administrator said that a consent asked in their name is not theirs.
        AdministratorFlowDisowned = "administrator_flow_disowned",
            Operator: "nothing was recorded; ask the company who led its administrator there";
        /// A token that had opened a session was sent again.
        SessionTokenReplayed = "session_token_replayed",
            Host: "send a token made for this very request: each opens one session; a person who reloads does this, too";
        /// A session was opened from a site that is none of the host application's. Nothing is bound in it.
        SessionOpenedElsewhere = "session_opened_elsewhere",
            Host: "post the form from an origin that ASSENT_RETURN_ORIGINS names; else find out who else has tokens";
        /// A request wanted its answer somewhere else than in an inbox, and was ignored.
        ReservedReplySubject = "reserved_reply_subject",
            Operator: "find out which program asks so: answers steered into a stream would forge messages there";
    }
}
