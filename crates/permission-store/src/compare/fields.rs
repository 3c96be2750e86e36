//! The values of a state by name, as text that people compare.

use assent_domain::account::{AccountState, Authorization, Consent};
use assent_domain::event::Aggregate;
use assent_domain::ids::{Cloud, Sequence, Tenant};
use assent_domain::mode::{AuthorizationMethod, EmailSync};
use assent_domain::permissions::{EmailLevel, Kinds, PermissionSet};
use assent_domain::user::{LastEvents, UserState};

use super::FieldDifference;
use crate::projected::Projected;
use crate::row::Stored;

type Values = Vec<(&'static str, Option<String>)>;

/// What differs between two rows of one account or user.
pub(crate) fn differences(
    aggregate: &Aggregate,
    served: Option<&[u8]>,
    rebuilt: Option<&[u8]>,
) -> Vec<FieldDifference> {
    let values = match aggregate {
        Aggregate::Account(_) => values_of::<AccountState>,
        Aggregate::User(..) => values_of::<UserState>,
    };
    let pairs = values(served).into_iter().zip(values(rebuilt));
    let found: Vec<_> = pairs
        .filter(|((_, served), (_, rebuilt))| served != rebuilt)
        .map(|((field, served), (_, rebuilt))| FieldDifference {
            field,
            served,
            rebuilt,
        })
        .collect();
    if found.is_empty() && served != rebuilt {
        let field = "row";
        let (served, rebuilt) = (Some("other bytes".to_owned()), None);
        return vec![FieldDifference {
            field,
            served,
            rebuilt,
        }];
    }
    found
}

/// A state whose values have names: the same ones in the same order, whatever they are.
trait Named: Stored + Default {
    fn values(state: Option<&Self>) -> Values;
}

fn values_of<S: Named>(row: Option<&[u8]>) -> Values {
    let read = row.map(S::read);
    let exists = match &read {
        None => None,
        Some(Ok(_)) => Some("there".to_owned()),
        Some(Err(_)) => Some("unreadable".to_owned()),
    };
    let (state, blocked_at) = match &read {
        Some(Ok(Projected::Known(state))) => (Some(state), None),
        Some(Ok(Projected::Blocked { at })) => (None, Some(at.to_string())),
        None | Some(Err(_)) => (None, None),
    };
    let mut values = vec![("row", exists), ("blocked_at", blocked_at)];
    values.extend(S::values(state));
    values
}

impl Named for AccountState {
    fn values(state: Option<&Self>) -> Values {
        let consent = |text: fn(&Consent) -> String| state.and_then(Self::consent).map(text);
        let awaiting = state.and_then(|state| match &state.authorization {
            Authorization::UserIndividual { awaiting_switch } => awaiting_switch.as_ref(),
            Authorization::AdminConfigured { .. } => None,
        });
        vec![
            ("method", state.map(|state| method(state.method()))),
            (
                "email_sync",
                state.map(|state| email_sync(state.email_sync)),
            ),
            ("epoch", state.map(|state| state.epoch.0.to_string())),
            (
                "awaiting_switch",
                awaiting.map(|consent| consent.id.to_string()),
            ),
            ("consent", consent(|consent| consent.id.to_string())),
            (
                "consent_permissions",
                consent(|consent| permissions(consent.permissions)),
            ),
            ("consent_tenant", consent(|consent| tenant(consent.tenant))),
            (
                "consent_recorded_at",
                consent(|consent| consent.recorded_at.to_string()),
            ),
            (
                "last_sequence",
                state.map(|state| state.last_sequence.to_string()),
            ),
        ]
    }
}

impl Named for UserState {
    fn values(state: Option<&Self>) -> Values {
        let identity = state.and_then(|state| state.identity);
        vec![
            ("epoch", state.map(|state| state.epoch.0.to_string())),
            ("own", state.map(|state| permissions(state.own))),
            ("automatic", state.map(|state| permissions(state.automatic))),
            ("answered", state.map(|state| kinds(state.answered))),
            ("last_no", state.map(|state| last_events(state.last_no))),
            ("declined", state.map(|state| kinds(state.declined))),
            ("left_behind", state.map(|state| kinds(state.left_behind))),
            (
                "last_withdrawal",
                state.map(|state| last_events(state.last_withdrawal)),
            ),
            (
                "identity_tenant",
                identity.map(|identity| tenant(identity.tenant)),
            ),
            (
                "identity_object_id",
                identity.map(|identity| identity.object_id.to_string()),
            ),
            (
                "last_sequence",
                state.map(|state| state.last_sequence.to_string()),
            ),
        ]
    }
}

fn method(method: AuthorizationMethod) -> String {
    match method {
        AuthorizationMethod::UserIndividual => "user_individual".to_owned(),
        AuthorizationMethod::AdminConfigured => "admin_configured".to_owned(),
    }
}

fn email_sync(email_sync: EmailSync) -> String {
    match email_sync {
        EmailSync::Limited => "limited".to_owned(),
        EmailSync::Full => "full".to_owned(),
    }
}

fn tenant(tenant: Tenant) -> String {
    let cloud = match tenant.cloud {
        Cloud::Worldwide => "worldwide",
        Cloud::GccHigh => "gcc_high",
        Cloud::Dod => "dod",
        Cloud::China => "china",
    };
    format!("{} ({cloud})", tenant.id)
}

fn permissions(set: PermissionSet) -> String {
    let email = match set.email {
        EmailLevel::None => None,
        EmailLevel::Limited => Some("email (limited)"),
        EmailLevel::Full => Some("email (full)"),
    };
    listed([
        set.calendar.then_some("calendar"),
        set.contacts.then_some("contacts"),
        email,
    ])
}

fn kinds(kinds: Kinds) -> String {
    listed([
        kinds.calendar.then_some("calendar"),
        kinds.contacts.then_some("contacts"),
        kinds.email.then_some("email"),
    ])
}

fn last_events(last: LastEvents) -> String {
    let said = |name: &str, at: Sequence| (at != Sequence(0)).then(|| format!("{name} at {at}"));
    let said = [
        said("calendar", last.calendar),
        said("contacts", last.contacts),
        said("email", last.email),
    ];
    listed(said.each_ref().map(Option::as_deref))
}

fn listed(words: [Option<&str>; 3]) -> String {
    let words: Vec<_> = words.into_iter().flatten().collect();
    if words.is_empty() {
        return "nothing".to_owned();
    }
    words.join(", ")
}
