//! Which service may say which operators' alarms and security events. What they mean is in `assent_contract::words`.

use assent_contract::words::{OperatorAlarm, SecurityEvent};

use crate::definition::Service::{self, ConsentGateway, LoginHook, Projection, TokenBroker};

const GATEWAY: &[Service] = &[ConsentGateway];
const VIEW: &[Service] = &[Projection];
const BOTH: &[Service] = &[ConsentGateway, Projection];
const TOKENS: &[Service] = &[TokenBroker];
/// Who makes streams and buckets.
const KEEPERS: &[Service] = &[ConsentGateway, TokenBroker];
/// Who has a credential at Microsoft.
const WITH_CREDENTIALS: &[Service] = &[ConsentGateway, TokenBroker];

/// What of a kind that is not listed is counted as.
pub const OTHER: &str = "other";

/// The services that may raise the alarm.
pub const fn raised_by(alarm: OperatorAlarm) -> &'static [Service] {
    match alarm {
        OperatorAlarm::UnreadableEvent
        | OperatorAlarm::IllegalEvent
        | OperatorAlarm::OrphanEvent
        | OperatorAlarm::Gap
        | OperatorAlarm::EventLogReplaced
        | OperatorAlarm::VoidRecordGone
        | OperatorAlarm::ViewRebuilt
        | OperatorAlarm::ViewNotRebuilt
        | OperatorAlarm::PermissionsHeld
        | OperatorAlarm::LogDiffersFromView
        | OperatorAlarm::ViewDamaged
        | OperatorAlarm::ChangesToldAnew
        | OperatorAlarm::ForeignChange => VIEW,
        OperatorAlarm::UnreadableAggregate
        | OperatorAlarm::EventLogDamaged
        | OperatorAlarm::EventLogLostAGrant
        | OperatorAlarm::EventLogBegunAnew
        | OperatorAlarm::EventLogEndAccepted
        | OperatorAlarm::StoreUnusable => GATEWAY,
        OperatorAlarm::StoreMadeAnew => KEEPERS,
        OperatorAlarm::MicrosoftRefusedUs
        | OperatorAlarm::MicrosoftCredentialRefused
        | OperatorAlarm::MicrosoftCertificate => WITH_CREDENTIALS,
        OperatorAlarm::TokenDoesNotOpen => TOKENS,
        OperatorAlarm::EventLogCutShort | OperatorAlarm::UnreadableOperation => BOTH,
    }
}

/// The services that may tell of the event.
pub const fn told_by(event: SecurityEvent) -> &'static [Service] {
    match event {
        SecurityEvent::FormWithoutProof
        | SecurityEvent::UnknownState
        | SecurityEvent::TenantMismatch
        | SecurityEvent::InvalidIdToken
        | SecurityEvent::IdentityMismatch
        | SecurityEvent::AdministratorFlowChangedBrowser
        | SecurityEvent::AdministratorFlowDisowned
        | SecurityEvent::SessionTokenReplayed
        | SecurityEvent::SessionOpenedElsewhere => GATEWAY,
        SecurityEvent::AnotherMailbox => &[ConsentGateway, LoginHook],
        SecurityEvent::ReservedReplySubject => &[ConsentGateway, Projection, TokenBroker],
    }
}

/// The word of an alarm as it is counted: [`OTHER`] where it is none of ours.
pub fn alarm_kind(said: &str) -> &'static str {
    let words = OperatorAlarm::ALL.iter().map(|alarm| alarm.as_str());
    kind(words, said)
}

/// The word of a security event as it is counted: [`OTHER`] where it is none of ours.
pub fn security_event_kind(said: &str) -> &'static str {
    let words = SecurityEvent::ALL.iter().map(|event| event.as_str());
    kind(words, said)
}

fn kind(mut words: impl Iterator<Item = &'static str>, said: &str) -> &'static str {
    words.find(|word| *word == said).unwrap_or(OTHER)
}

pub(crate) fn alarms_of(service: Service) -> Vec<&'static str> {
    let said = OperatorAlarm::ALL.iter();
    let said = said.filter(|alarm| raised_by(**alarm).contains(&service));
    said.map(|alarm| alarm.as_str()).chain([OTHER]).collect()
}

pub(crate) fn security_events_of(service: Service) -> Vec<&'static str> {
    let said = SecurityEvent::ALL.iter();
    let said = said.filter(|event| told_by(**event).contains(&service));
    said.map(|event| event.as_str()).chain([OTHER]).collect()
}
