//! `account`: how a company gives consent, and how it came to that.

use std::sync::Arc;

use assent_contract::query::AccountFacts;
use assent_contract::values::PermissionSet;
use assent_domain::account::{AccountState, IllegalEvent};
use assent_domain::event::{AdminConsentGranted, Aggregate, Event};
use assent_domain::ids::{AccountId, Sequence};
use assent_event_log::RecordedEvent;
use assent_messaging::{Connection, ConnectionSettings};
use jiff::Timestamp;
use serde::Serialize;

use crate::event_line::{EventLine, with_sequences};
use crate::exit::{CommandError, Outcome};
use crate::history::{self, AggregateRead, LogSource};
use crate::output::{Output, clock};
use crate::{event_text, projection};

/// The account as it is shown.
#[derive(Debug, Serialize)]
struct AccountView {
    account_id: String,
    #[serde(flatten)]
    state: Option<AccountStateView>,
    history: Vec<EventLine>,
    projection: ProjectionView,
    findings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AccountStateView {
    method: &'static str,
    email_sync: &'static str,
    epoch: u64,
    last_sequence: u64,
    consent: Option<ConsentInForce>,
}

/// The consent in force, with what only its event tells.
#[derive(Debug, Serialize)]
struct ConsentInForce {
    consent_id: String,
    sequence: u64,
    granted_at: Timestamp,
    requested_by: String,
    granted_by: String,
    tenant: String,
    permissions: PermissionSet,
    scopes: Vec<String>,
    verification: String,
}

/// The projection's answer about the account.
#[derive(Debug, Default, Serialize)]
struct ProjectionView {
    users: Option<u64>,
    sequence: Option<u64>,
    blocked: Option<bool>,
    unanswered: Option<String>,
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    account: AccountId,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let source = LogSource::open(settings).await?;
    let mut findings = Vec::new();
    let past = history::read(&source.log, &Aggregate::Account(account.clone())).await?;
    let (recorded, voids) = match past {
        AggregateRead::Known(history) => (history.events().to_vec(), history.voids.clone()),
        AggregateRead::Untrusted(why) => {
            findings.push(why);
            (Vec::new(), Vec::new())
        }
    };
    let state = match fold(&recorded) {
        _ if !findings.is_empty() => None,
        Ok(state) => Some(state),
        Err((sequence, illegal)) => {
            findings.push(format!("event {sequence} can't follow: {illegal}"));
            None
        }
    };
    let view = compare(&source.connection, &account, state.as_ref(), &mut findings).await;
    let answer = AccountView {
        account_id: account.to_string(),
        state: state.map(|state| AccountStateView::new(&state, &recorded)),
        history: EventLine::from_history(&recorded, &voids),
        projection: view,
        findings,
    };
    if output.is_json() {
        output.document(&answer)?;
    } else {
        answer.render(output)?;
    }
    Ok(Outcome::finding_if(!answer.findings.is_empty()))
}

fn fold(recorded: &[Arc<RecordedEvent>]) -> Result<AccountState, (Sequence, IllegalEvent)> {
    with_sequences(recorded).try_fold(AccountState::default(), |state, (sequence, event)| {
        state
            .evolve(sequence, event)
            .map_err(|illegal| (sequence, illegal))
    })
}

/// Asks the projection, and compares what it says of the account.
async fn compare(
    connection: &Connection,
    account: &AccountId,
    state: Option<&AccountState>,
    findings: &mut Vec<String>,
) -> ProjectionView {
    let at_least = state.map(|state| state.last_sequence.0);
    let known = match projection::account(connection, account, at_least).await {
        Ok(known) => known,
        Err(unanswered) => {
            return ProjectionView {
                unanswered: Some(unanswered.to_line()),
                ..ProjectionView::default()
            };
        }
    };
    if known.blocked {
        findings.push("the projection has blocked the account: nothing is effective".to_owned());
    }
    if let Some(expected) = state.map(AccountFacts::from) {
        // A later event may have been recorded since the log was read.
        let is_same_age = known.facts.last_sequence == expected.last_sequence;
        if !known.blocked && is_same_age && known.facts != expected {
            findings.push("the projection knows another state than the log tells".to_owned());
        }
    }
    let (users, unanswered) = match projection::users(connection, account).await {
        Ok(users) => (Some(users), None),
        Err(unanswered) => (None, Some(unanswered.to_line())),
    };
    ProjectionView {
        users,
        sequence: Some(known.sequence),
        blocked: Some(known.blocked),
        unanswered,
    }
}

impl AccountStateView {
    fn new(state: &AccountState, recorded: &[Arc<RecordedEvent>]) -> Self {
        let consent = state.consent().and_then(|consent| {
            recorded
                .iter()
                .filter(|event| event.sequence == consent.recorded_at)
                .find_map(|event| match &event.decoded.event {
                    Event::AdminConsentGranted(granted) => {
                        Some(ConsentInForce::new(event, granted))
                    }
                    Event::ModeChanged(_)
                    | Event::UserScopeGranted(_)
                    | Event::UserScopeRevoked(_) => None,
                })
        });
        Self {
            method: event_text::method(state.method()),
            email_sync: event_text::email_sync(state.email_sync),
            epoch: state.epoch.0,
            last_sequence: state.last_sequence.0,
            consent,
        }
    }
}

impl ConsentInForce {
    fn new(recorded: &RecordedEvent, granted: &AdminConsentGranted) -> Self {
        Self {
            consent_id: granted.consent.to_string(),
            sequence: recorded.sequence.0,
            granted_at: recorded.decoded.metadata.time,
            requested_by: granted.requested_by.to_string(),
            granted_by: granted.granted_by.to_string(),
            tenant: event_text::tenant(granted.tenant),
            permissions: granted.permissions.into(),
            scopes: granted.scopes.iter().map(|scope| scope.0.clone()).collect(),
            verification: event_text::proof(&granted.verification),
        }
    }

    fn render(&self, output: &mut Output) -> std::io::Result<()> {
        output.line("")?;
        output.line("Consent in force")?;
        output.line(&format!("  id           {}", self.consent_id))?;
        output.line(&format!(
            "  given        {} (event {})",
            clock(self.granted_at),
            self.sequence
        ))?;
        output.line(&format!(
            "  asked by     {}, who confirmed to be an administrator",
            self.requested_by
        ))?;
        output.line(&format!("  granted by   {} at Microsoft", self.granted_by))?;
        output.line(&format!("  proved by    {}", self.verification))?;
        output.line(&format!("  tenant       {}", self.tenant))?;
        let permissions = event_text::permissions(self.permissions.into());
        output.line(&format!("  permissions  {permissions}"))?;
        output.line(&format!("  scopes       {}", self.scopes.join(" ")))
    }
}

impl AccountView {
    fn render(&self, output: &mut Output) -> std::io::Result<()> {
        output.line(&format!("Account {}", self.account_id))?;
        if let Some(state) = &self.state {
            output.line(&format!("  method       {}", state.method))?;
            output.line(&format!("  email sync   {}", state.email_sync))?;
            output.line(&format!("  epoch        {}", state.epoch))?;
        }
        output.line(&format!("  users        {}", self.projection.users()))?;
        match self.state.as_ref().map(|state| &state.consent) {
            Some(Some(consent)) => consent.render(output)?,
            Some(None) => output.line("  consent      none of an administrator is in force")?,
            None => {}
        }
        output.line("")?;
        output.line("History")?;
        if self.history.is_empty() && self.findings.is_empty() {
            output
                .line("  Nothing was ever recorded of the company: this is the default state.")?;
        }
        for line in &self.history {
            output.line(&line.brief())?;
        }
        output.findings(&self.findings)
    }
}

impl ProjectionView {
    fn users(&self) -> String {
        match (self.users, self.sequence, &self.unanswered) {
            (Some(users), Some(sequence), _) => {
                format!("{users} known to the projection, which is at event {sequence}")
            }
            (_, _, Some(why)) => format!("not known: {why}"),
            (_, _, None) => "not known".to_owned(),
        }
    }
}
