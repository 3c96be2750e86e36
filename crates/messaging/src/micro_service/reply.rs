//! Where a service answers to.
//!
//! Whoever asks names the subject of the answer, and the server checks only that the service may
//! publish there. So a service answers into inboxes and nowhere else: neither a stream, nor
//! JetStream, nor whatever anybody listens to can be the addressee of an answer. A message that
//! JetStream delivered carries the subject of its acknowledgement as its reply, so it is no request
//! either.

/// What the server makes of the reply subject of a request from another account.
const FROM_ANOTHER_ACCOUNT: &str = "_R_.";

/// What the inboxes of this account begin with: plain, or followed by an underscore and the user.
const INBOX: &str = "_INBOX";

/// Whether an answer may go there.
pub(super) fn is_inbox(reply: &str) -> bool {
    let Some((first, rest)) = reply.split_once('.') else {
        return false;
    };
    let is_of_a_user = || {
        first
            .strip_prefix(INBOX)
            .is_some_and(|user| user.starts_with('_'))
    };
    let named = reply.starts_with(FROM_ANOTHER_ACCOUNT) || first == INBOX || is_of_a_user();
    named && !rest.is_empty()
}

/// Says that somebody tried.
pub(super) fn refuse(subject: &str) {
    tracing::warn!(
        security_event = "reserved_reply_subject",
        subject,
        "a request that wants its answer somewhere else than in an inbox is ignored"
    );
}

#[cfg(test)]
mod tests {
    use super::is_inbox;

    #[test]
    fn answers_go_into_inboxes() {
        for inbox in [
            "_R_.oJF5Zf.NHb8jR",
            "_INBOX.abc",
            "_INBOX.abc.17",
            "_INBOX_login-hook.abc.17",
        ] {
            assert!(is_inbox(inbox), "{inbox}");
        }
    }

    #[test]
    fn answers_go_nowhere_else() {
        for other in [
            "",
            "_R_",
            "_R_.",
            "_R_x.y",
            "_INBOX",
            "_INBOX.",
            "_INBOXES.abc",
            "_INBOX_gateway",
            "inbox.abc",
            "consent.events.v1.acme.company",
            "consent.announce.v1.acme.company",
            "consent.changes.v1.acme.company",
            "consent.operations.v1.x",
            "consent.command.v1.record-automatic-grant",
            "consent.query.v1.permissions",
            "$KV.CONSENT_FLOWS.x",
            "$JS.API.STREAM.DELETE.CONSENT_EVENTS",
            "$JS.ACK.CONSENT_EVENTS.c.1.1.1.1.0",
            "$JS.FC.CONSENT_EVENTS.c.x",
            "$SRV.PING",
            "$SYS.REQ.SERVER.PING",
            "x._INBOX.y",
            " _INBOX.y",
        ] {
            assert!(!is_inbox(other), "{other}");
        }
    }
}
