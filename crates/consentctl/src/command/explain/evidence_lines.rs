//! What is recorded beside an event: its id and its trace, who asked for it, who did it, as whom at Microsoft, and what proved
//! it.

use std::collections::BTreeSet;

use assent_domain::event::{Authority, Event};
use assent_domain::ids::{MicrosoftIdentity, Scope, Sequence};
use assent_domain::permissions::Permission;
use assent_event_log::RecordedEvent;
use serde::Serialize;

use super::Evidence;
use crate::event_text;

/// What is recorded beside one event.
#[derive(Debug, Serialize)]
pub(super) struct EvidenceLines {
    sequence: u64,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(flatten)]
    said: Said,
}

/// What the event itself says of where it comes from.
#[derive(Debug, Default, Serialize)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    microsoft: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proved_by: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
}

impl EvidenceLines {
    /// Of every event that the explanation names, in the order of the log.
    pub(super) fn of(evidence: &Evidence) -> Vec<Self> {
        let explanation = &evidence.explanation;
        let named = Permission::ALL
            .into_iter()
            .flat_map(|permission| &explanation.trail(permission).because)
            .chain(&explanation.late)
            .chain(&evidence.past_damage);
        let named: BTreeSet<Sequence> = named.copied().collect();
        let found = named.into_iter().filter_map(|named| evidence.find(named));
        found.map(Self::of_event).collect()
    }

    fn of_event(recorded: &RecordedEvent) -> Self {
        let metadata = &recorded.decoded.metadata;
        Self {
            sequence: recorded.sequence.0,
            id: metadata.id.to_string(),
            traceparent: metadata.traceparent.clone(),
            said: Said::of(&recorded.decoded.event),
        }
    }

    /// The lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let said = &self.said;
        let scopes = (!said.scopes.is_empty()).then(|| said.scopes.join(" "));
        let parts = [
            ("trace", self.traceparent.as_ref()),
            ("asked by", said.asked_by.as_ref()),
            ("done by", said.done_by.as_ref()),
            ("microsoft", said.microsoft.as_ref()),
            ("consent", said.consent_id.as_ref()),
            ("proved by", said.proved_by.as_ref()),
            ("scopes", scopes.as_ref()),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(name, said)| Some(format!("          {name:<10}{}", said?)));
        let (sequence, id) = (self.sequence, &self.id);
        std::iter::once(format!("{sequence:>8}  event     {id}"))
            .chain(parts)
            .collect()
    }
}

impl Said {
    fn of(event: &Event) -> Self {
        match event {
            Event::ModeChanged(changed) => Self {
                done_by: Some(changed.changed_by.to_string()),
                consent_id: changed.consent.map(|consent| consent.to_string()),
                ..Self::default()
            },
            Event::AdminConsentGranted(granted) => Self {
                asked_by: Some(format!(
                    "{}, who confirmed to be an administrator",
                    granted.requested_by
                )),
                done_by: Some("an administrator at Microsoft".to_owned()),
                microsoft: Some(format!(
                    "{} in tenant {}",
                    granted.granted_by,
                    event_text::tenant(granted.tenant)
                )),
                proved_by: Some(event_text::proof(&granted.verification)),
                scopes: names(&granted.scopes),
                ..Self::default()
            },
            Event::UserScopeGranted(granted) => Self {
                done_by: Some(match granted.authority {
                    Authority::User => format!("the user {}", granted.user),
                    Authority::AdministratorConsent(_) => {
                        format!("a login of the user {}", granted.user)
                    }
                }),
                consent_id: match granted.authority {
                    Authority::User => None,
                    Authority::AdministratorConsent(consent) => Some(consent.to_string()),
                },
                microsoft: Some(identity(granted.identity)),
                scopes: names(&granted.scopes),
                ..Self::default()
            },
            Event::UserScopeRevoked(revoked) => Self {
                done_by: revoked
                    .revoked_by
                    .as_ref()
                    .map(|user| format!("the user {user}")),
                ..Self::default()
            },
        }
    }
}

fn identity(identity: MicrosoftIdentity) -> String {
    format!(
        "{} in tenant {}",
        identity.object_id,
        event_text::tenant(identity.tenant)
    )
}

fn names(scopes: &[Scope]) -> Vec<String> {
    scopes.iter().map(|scope| scope.0.clone()).collect()
}
