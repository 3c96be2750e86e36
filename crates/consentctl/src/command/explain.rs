//! `explain`: why each permission of a user is on or off.

mod custody;
mod evidence_lines;
mod render;

use std::sync::Arc;

use assent_contract::operation::VoidRecord;
use assent_contract::query::UserQuery;
use assent_contract::values::{self, PersonId};
use assent_domain::event::{Aggregate, Event};
use assent_domain::explanation::{Explanation, explain};
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::permissions::Permission;
use assent_event_log::{EventLog, ReadError, RecordedEvent};
use assent_messaging::{Connection, ConnectionSettings};
use jiff::Timestamp;
use serde::Serialize;

use crate::arguments::Moment;
use crate::event_line::with_sequences;
use crate::event_text;
use crate::exit::{CommandError, Outcome};
use crate::history::{self, AggregateRead, LogSource};
use crate::output::{Output, clock};
use crate::projection::{self, QueryError};
use custody::Custody;
use render::ExplanationView;

/// How often the log is read anew because the projection may have seen a later event than we.
const ATTEMPTS: usize = 3;

/// How the projection's answer compares with what follows from the log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    /// The past was asked for, which the projection does not answer about.
    NotAsked,
    /// The projection answers the same, having applied the log up to this event.
    Agrees(u64),
    /// The projection answers something else: this.
    Differs(String),
    /// The projection does not answer, for this reason.
    Unanswered(String),
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    account: AccountId,
    user: UserId,
    at: Option<Moment>,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let source = LogSource::open(settings).await?;
    let end = source.log.status().await?.last_sequence;
    let asked = Asked::of(at, end, Timestamp::now());
    let at = asked.past();
    let query = UserQuery {
        account_id: account,
        user_id: user,
        at_least: None,
    };
    let mut evidence = Evidence::read(&source.log, &query, at).await?;
    let mut comparison = compare(&source.connection, &query, &evidence, at).await;
    for _ in 1..ATTEMPTS {
        if !matches!(comparison, Comparison::Differs(_)) {
            break;
        }
        let again = Evidence::read(&source.log, &query, at).await?;
        if again.last() == evidence.last() {
            break;
        }
        evidence = again;
        comparison = compare(&source.connection, &query, &evidence, at).await;
    }
    let custody = match at {
        None => Custody::ask(&source.connection, &query).await,
        Some(_) => Custody::None,
    };
    let answer = ExplanationView::new(&query, &asked, &evidence, comparison, &custody);
    if output.is_json() {
        output.document(&answer)?;
    } else {
        answer.render(output)?;
    }
    Ok(Outcome::finding_if(!answer.findings().is_empty()))
}

/// The moment that was asked about, as far as it has come to pass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// As things stand now; where another moment was asked for, why it is answered as of now.
    Now(Option<String>),
    /// As things stood then.
    Past(Moment),
}

impl Asked {
    fn of(at: Option<Moment>, end: Sequence, now: Timestamp) -> Self {
        match at {
            None => Self::Now(None),
            Some(Moment::After(sequence)) if end < sequence => Self::Now(Some(format!(
                "The log ends with event {end}, so this is as of now."
            ))),
            Some(Moment::Time(time)) if now < time => Self::Now(Some(format!(
                "{} has not come yet, so this is as of now.",
                clock(time)
            ))),
            Some(past) => Self::Past(past),
        }
    }

    const fn past(&self) -> Option<Moment> {
        match self {
            Self::Now(_) => None,
            Self::Past(moment) => Some(*moment),
        }
    }
}

/// The evidence of an explanation: the company's events and the user's, in the log's order, and what follows from them.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    company: Vec<Arc<RecordedEvent>>,
    user: Vec<Arc<RecordedEvent>>,
    /// The user's events that were recorded while the log was damaged.
    past_damage: Vec<Sequence>,
    /// The messages between the events that are void.
    voids: Vec<VoidRecord>,
    /// The last position that counts; `None` is no limit.
    cut: Option<Sequence>,
    /// What follows from the events.
    explanation: Explanation,
    /// Why nothing follows from the events, where it does not.
    findings: Vec<String>,
}

/// The events of the company or of the user.
#[derive(Debug, Default)]
struct Line {
    events: Vec<Arc<RecordedEvent>>,
    past_damage: Vec<Sequence>,
    voids: Vec<VoidRecord>,
    /// Why none of it may be believed.
    finding: Option<String>,
}

impl Line {
    async fn read(
        log: &EventLog,
        aggregate: &Aggregate,
        at: Option<Moment>,
    ) -> Result<Self, ReadError> {
        let why = match history::read(log, aggregate).await? {
            AggregateRead::Known(history) => {
                return Ok(Self {
                    events: history.events().to_vec(),
                    past_damage: history.past_damage.clone(),
                    voids: history.voids.clone(),
                    finding: None,
                });
            }
            AggregateRead::Untrusted(why) => why,
        };
        // What was recorded before it can be believed as it was then.
        let before = match at {
            Some(at) => history::read_until(log, aggregate, at).await?,
            None => None,
        };
        Ok(match before {
            Some((events, voids)) => Self {
                events,
                voids,
                ..Self::default()
            },
            None => Self {
                finding: Some(match aggregate {
                    Aggregate::Account(_) => format!("the company: {why}"),
                    Aggregate::User(..) => format!("the user: {why}"),
                }),
                ..Self::default()
            },
        })
    }
}

impl Evidence {
    async fn read(
        log: &EventLog,
        query: &UserQuery,
        at: Option<Moment>,
    ) -> Result<Self, ReadError> {
        let (account, user) = (&query.account_id, &query.user_id);
        let company = Aggregate::Account(account.clone());
        let user = Aggregate::User(account.clone(), user.clone());
        let (company, user) =
            tokio::try_join!(Line::read(log, &company, at), Line::read(log, &user, at))?;
        let mut evidence = Self {
            findings: company.finding.into_iter().chain(user.finding).collect(),
            voids: company.voids.into_iter().chain(user.voids).collect(),
            company: company.events,
            user: user.events,
            past_damage: user.past_damage,
            ..Self::default()
        };
        evidence.cut = at.map(|at| evidence.up_to(at));
        if let Some(cut) = evidence.cut {
            evidence.company.retain(|recorded| recorded.sequence <= cut);
            evidence.user.retain(|recorded| recorded.sequence <= cut);
            evidence.past_damage.retain(|sequence| *sequence <= cut);
            evidence.voids.retain(|void| void.sequence <= cut.0);
        }
        if evidence.findings.is_empty() {
            match explain(
                with_sequences(&evidence.company),
                with_sequences(&evidence.user),
            ) {
                Ok(explanation) => evidence.explanation = explanation,
                Err(illegal) => {
                    let says = format!("the events contradict each other: {illegal}");
                    evidence.findings.push(says);
                }
            }
        }
        Ok(evidence)
    }

    /// The position that a moment ends at. Clocks of several writers may disagree, and the log's order is
    /// what counts: the first event that is later than the moment ends it.
    fn up_to(&self, at: Moment) -> Sequence {
        match at {
            Moment::After(sequence) => sequence,
            Moment::Time(time) => self
                .company
                .iter()
                .chain(&self.user)
                .filter(|recorded| time < recorded.decoded.metadata.time)
                .map(|recorded| recorded.sequence)
                .min()
                .map_or(Sequence(u64::MAX), |later| {
                    Sequence(later.0.saturating_sub(1))
                }),
        }
    }

    fn last(&self) -> Option<Sequence> {
        let events = self.company.last().into_iter().chain(self.user.last());
        events.map(|recorded| recorded.sequence).max()
    }

    /// Whether the event at this place is a grant of the permission.
    fn grants(&self, sequence: Sequence, permission: Permission) -> bool {
        self.find(sequence)
            .is_some_and(|recorded| match &recorded.decoded.event {
                Event::UserScopeGranted(granted) => {
                    granted.permissions.kinds().contains(permission)
                }
                Event::ModeChanged(_)
                | Event::AdminConsentGranted(_)
                | Event::UserScopeRevoked(_) => false,
            })
    }

    fn find(&self, sequence: Sequence) -> Option<&RecordedEvent> {
        self.company
            .iter()
            .chain(&self.user)
            .find(|recorded| recorded.sequence == sequence)
            .map(AsRef::as_ref)
    }
}

/// Asks the projection for an answer that reflects at least what we have read.
async fn compare(
    connection: &Connection,
    query: &UserQuery,
    evidence: &Evidence,
    at: Option<Moment>,
) -> Comparison {
    if at.is_some() {
        return Comparison::NotAsked;
    }
    let query = UserQuery {
        at_least: evidence.last().map(|last| last.0),
        ..query.clone()
    };
    // Of a user whose events can't be believed, the default is what must be effective: nothing.
    let expected = evidence.explanation.effective;
    let answer = match projection::permissions(connection, &query).await {
        Ok(answer) => answer,
        Err(QueryError::NotYetApplied) => {
            let last = evidence.last().unwrap_or_default();
            return Comparison::Differs(format!("it has not applied event {last} in time"));
        }
        Err(
            unanswered @ (QueryError::NotReachable(_)
            | QueryError::Gone(_)
            | QueryError::Refused(_)),
        ) => {
            return Comparison::Unanswered(unanswered.to_line());
        }
    };
    let method = evidence.explanation.account.method();
    let same_method =
        !evidence.findings.is_empty() || answer.method == values::Method::from(method);
    if same_method && answer.effective == values::PermissionSet::from(expected) {
        let user = &evidence.explanation.user;
        let mailbox = user
            .mailbox(evidence.explanation.account.epoch)
            .map(PersonId::from);
        if !evidence.findings.is_empty() || answer.microsoft_identity == mailbox {
            return Comparison::Agrees(answer.sequence);
        }
        return Comparison::Differs(format!(
            "it says that the mailbox is {}, having applied the log up to event {}; the log says {}",
            event_text::mailbox(answer.microsoft_identity),
            answer.sequence,
            event_text::mailbox(mailbox),
        ));
    }
    Comparison::Differs(format!(
        "it says {} under {}, having applied the log up to event {}; the log says {} under {}",
        event_text::permissions(answer.effective.into()),
        answer.method.as_str(),
        answer.sequence,
        event_text::permissions(expected),
        event_text::method(method),
    ))
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::Sequence;

    use super::Asked;
    use crate::arguments::Moment;

    #[test]
    fn what_has_not_come_to_pass_is_answered_as_of_now() {
        let now = "2026-11-23T10:00:00Z";
        let asked = |at: &str| {
            Asked::of(
                Some(Moment::parse(at).unwrap()),
                Sequence(7),
                now.parse().unwrap(),
            )
        };
        for past in ["0", "7", now, "2026-11-23T09:59:59Z"] {
            assert!(matches!(asked(past), Asked::Past(_)), "{past}");
        }
        for future in ["8", "2026-11-23T10:00:01Z"] {
            assert!(matches!(asked(future), Asked::Now(Some(_))), "{future}");
        }
    }
}
