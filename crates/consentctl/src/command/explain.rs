//! `explain`: why each permission of a user is on or off.

mod telling;

use assent_contract::operation::VoidRecord;
use assent_contract::query::UserQuery;
use assent_contract::values::{self, PersonId};
use assent_domain::event::Aggregate;
use assent_domain::explanation::{Explanation, explain};
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_event_log::{EventLog, ReadError, RecordedEvent};
use assent_messaging::{Connection, ConnectionSettings};
use serde::Serialize;

use crate::arguments::Moment;
use crate::ending::{Ending, Failure};
use crate::history::{self, Past, Source};
use crate::line::events;
use crate::output::Output;
use crate::projection::{self, Unanswered};
use crate::sentence;
use telling::Answer;

/// How often the log is read anew because the projection may have seen a later event than we.
const ATTEMPTS: usize = 3;

/// What the projection says, beside what follows from the log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    /// The past is not what the projection answers about.
    NotAsked,
    /// It answers the same, having applied the log up to here.
    Agrees(u64),
    /// It answers something else.
    Differs(String),
    /// It does not answer.
    Unanswered(String),
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    account: AccountId,
    user: UserId,
    at: Option<Moment>,
    output: &mut Output,
) -> Result<Ending, Failure> {
    let source = Source::open(settings).await?;
    let query = UserQuery {
        account_id: account,
        user_id: user,
        at_least: None,
    };
    let mut story = Story::read(&source.log, &query, at).await?;
    let mut comparison = compare(&source.connection, &query, &story, at).await;
    for _ in 1..ATTEMPTS {
        if !matches!(comparison, Comparison::Differs(_)) {
            break;
        }
        let again = Story::read(&source.log, &query, at).await?;
        if again.last() == story.last() {
            break;
        }
        story = again;
        comparison = compare(&source.connection, &query, &story, at).await;
    }
    let answer = Answer::new(&query, at, &story, comparison);
    if output.is_json() {
        output.document(&answer)?;
    } else {
        answer.tell(output)?;
    }
    Ok(Ending::with(!answer.findings().is_empty()))
}

/// What the log tells of a user: the company's events and the user's, in the log's order.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// The company's.
    company: Vec<RecordedEvent>,
    /// The user's.
    user: Vec<RecordedEvent>,
    /// Those of the user's that were recorded while the log was damaged.
    past_damage: Vec<Sequence>,
    /// The messages between them that are passed over.
    voids: Vec<VoidRecord>,
    /// Up to here; `None` is all.
    cut: Option<Sequence>,
    /// What follows from them.
    explanation: Explanation,
    /// Why nothing follows from them.
    finding: Option<String>,
}

impl Story {
    async fn read(
        log: &EventLog,
        query: &UserQuery,
        at: Option<Moment>,
    ) -> Result<Self, ReadError> {
        let (account, user) = (&query.account_id, &query.user_id);
        let company = Aggregate::Account(account.clone());
        let user = Aggregate::User(account.clone(), user.clone());
        let (company, user) =
            tokio::try_join!(history::read(log, &company), history::read(log, &user))?;
        let mut story = Self::default();
        match company {
            Past::Known(history) => {
                story.company = history.events;
                story.voids.extend(history.voids);
            }
            Past::NotBelieved(why) => story.finding = Some(format!("the company: {why}")),
        }
        match user {
            Past::Known(history) => {
                story.user = history.events;
                story.past_damage = history.past_damage;
                story.voids.extend(history.voids);
            }
            Past::NotBelieved(why) => story.finding = Some(format!("the user: {why}")),
        }
        story.cut = at.map(|at| story.up_to(at));
        if let Some(cut) = story.cut {
            story.company.retain(|recorded| recorded.sequence <= cut);
            story.user.retain(|recorded| recorded.sequence <= cut);
            story.past_damage.retain(|sequence| *sequence <= cut);
            story.voids.retain(|void| void.sequence <= cut.0);
        }
        if story.finding.is_none() {
            match explain(events(&story.company), events(&story.user)) {
                Ok(explanation) => story.explanation = explanation,
                Err(illegal) => {
                    story.finding = Some(format!("the events contradict each other: {illegal}"));
                }
            }
        }
        Ok(story)
    }

    /// The last event of a moment. Clocks of several writers may disagree, and the log's order is
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

    fn find(&self, sequence: Sequence) -> Option<&RecordedEvent> {
        self.company
            .iter()
            .chain(&self.user)
            .find(|recorded| recorded.sequence == sequence)
    }
}

/// Asks the projection for an answer that reflects at least what we have read.
async fn compare(
    connection: &Connection,
    query: &UserQuery,
    story: &Story,
    at: Option<Moment>,
) -> Comparison {
    if at.is_some() {
        return Comparison::NotAsked;
    }
    let query = UserQuery {
        at_least: story.last().map(|last| last.0),
        ..query.clone()
    };
    // Of a user whose events can't be believed, the default is what must be effective: nothing.
    let expected = story.explanation.effective;
    let answer = match projection::permissions(connection, &query).await {
        Ok(answer) => answer,
        Err(Unanswered::NotYetApplied) => {
            let last = story.last().unwrap_or_default();
            return Comparison::Differs(format!("it has not applied event {last} in time"));
        }
        Err(unanswered @ (Unanswered::NotReachable(_) | Unanswered::Refused(_))) => {
            return Comparison::Unanswered(unanswered.line());
        }
    };
    let method = story.explanation.account.method();
    let same_method = story.finding.is_some() || answer.method == values::Method::from(method);
    if same_method && answer.effective == values::PermissionSet::from(expected) {
        let user = &story.explanation.user;
        let mailbox = user
            .mailbox(story.explanation.account.epoch)
            .map(PersonId::from);
        if story.finding.is_some() || answer.microsoft_identity == mailbox {
            return Comparison::Agrees(answer.sequence);
        }
        return Comparison::Differs(format!(
            "it says that the mailbox is {}, having applied the log up to event {}; the log says {}",
            sentence::mailbox(answer.microsoft_identity),
            answer.sequence,
            sentence::mailbox(mailbox),
        ));
    }
    Comparison::Differs(format!(
        "it says {} under {}, having applied the log up to event {}; the log says {} under {}",
        sentence::permissions(answer.effective.into()),
        answer.method.as_str(),
        answer.sequence,
        sentence::permissions(expected),
        sentence::method(method),
    ))
}
