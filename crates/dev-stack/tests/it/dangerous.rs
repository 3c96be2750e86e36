//! Subjects that no answer may ever arrive on.

use assent_dev_stack::NatsUser;

/// Every stream and bucket that there is; [`owner`] says whose.
pub(crate) const STREAMS: [&str; 9] = [
    "CONSENT_EVENTS",
    "CONSENT_CHANGES",
    "CONSENT_OPERATIONS",
    "KV_CONSENT_FLOWS",
    "KV_CONSENT_HAND_OFFS",
    "KV_CONSENT_SESSIONS",
    "KV_CONSENT_OBSERVATIONS",
    "KV_CONSENT_TOKENS",
    "KV_CONSENT_TOKEN_RECEIPTS",
];

/// Who has made a stream, in whose account it is.
pub(crate) fn owner(stream: &str) -> NatsUser {
    if stream.starts_with("KV_CONSENT_TOKEN") {
        NatsUser::TokenBroker
    } else {
        NatsUser::Gateway
    }
}

/// Where an empty message is an order, and where any message is stored, told or taken for an answer.
pub(crate) fn subjects() -> Vec<String> {
    let mut all = Vec::new();
    for stream in STREAMS {
        for call in [
            "STREAM.DELETE",
            "STREAM.PURGE",
            "STREAM.MSG.DELETE",
            "STREAM.UPDATE",
            "STREAM.SNAPSHOT",
            "STREAM.RESTORE",
            "STREAM.LEADER.STEPDOWN",
            "CONSUMER.CREATE",
        ] {
            for api in ["$JS.API", "JS.ASSENT.API", "JS.TOKENS.API"] {
                all.push(format!("{api}.{call}.{stream}"));
            }
        }
        all.push(format!("$JS.API.CONSUMER.DELETE.{stream}.steered"));
        all.push(format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.steered"));
        all.push(format!("$JS.ACK.{stream}.steered.1.1.1.1.0"));
        all.push(format!("$JS.FC.{stream}.steered.1"));
        if let Some(bucket) = stream.strip_prefix("KV_") {
            all.push(format!("$KV.{bucket}.steered"));
            all.push(format!("$KV.{bucket}.steered.steered"));
        }
    }
    for subject in [
        "$JS.API.ACCOUNT.PURGE.ASSENT",
        "$JS.API.ACCOUNT.PURGE.TOKENS",
        "$JS.API.SERVER.REMOVE",
        "$SYS.REQ.SERVER.PING.KICK",
        "$SYS.REQ.CLAIMS.UPDATE",
        "$SYS.REQ.ACCOUNT.ASSENT.CONNZ",
        "consent.events.v1.steered.company",
        "consent.events.v1.steered.user.ana",
        "consent.operations.v1.steered",
        "consent.announce.v1.steered.company",
        "consent.announce.v1.steered.user.ana",
        "consent.changes.v1.steered.company",
        "consent.changes.v1.steered.user.ana",
        "consent.appended.v1",
        "consent.command.v1.record-automatic-grant",
        "consent.command.v1.steered",
        "consent.command.v1.begin-connection",
        "consent.command.v1.record-withdrawal",
        "consent.token.v1.get",
        "consent.custody.v1.status",
        "consent.custody.v1.deposit",
        "consent.query.v1.steered",
        "consent.projection.v1.status",
        "consent.projection.v1.digest.instance",
        "consent.command.v1.rebuild-view.instance",
        "$SRV.PING.steered",
        "_R_.steered.steered",
        "_INBOX.steered",
    ] {
        all.push(subject.to_owned());
    }
    for user in NatsUser::ALL {
        all.push(format!("_INBOX_{}.steered", user.name()));
    }
    all
}
