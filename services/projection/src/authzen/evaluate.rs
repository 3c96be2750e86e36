//! One evaluation, or many in one request. All answers of a request are true of one moment.

use assent_contract::problem::ErrorCode;
use assent_permission_store::{ReadError, Reading};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{self, NotAsked, Reach};
use super::decision::{Decision, reason};
use super::entities::{
    Action, Context, EvaluationRequest, EvaluationsRequest, PartialAction, PartialEntity,
    PartialEvaluation, Resource, Semantic, Subject,
};
use crate::answers::read;
use crate::query_failure::QueryFailure;
use crate::served_view::ServedView;

/// How many evaluations a request may have: nothing is applied to the view while they are carried out.
const MOST: usize = 256;

const OF_ANOTHER: &str = "the token is of another account";

/// What many evaluations came to, or the one that the request was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = EvaluationsAnswer)]
pub(crate) enum Decisions {
    /// In the order of the request; it ends early where the semantic says so.
    Many { evaluations: Vec<Decision> },
    /// Where the request had no list.
    One(Decision),
}

pub(crate) async fn one(
    served: &ServedView,
    reach: Reach<'_>,
    at_least: Option<u64>,
    request: EvaluationRequest,
) -> Result<Decision, QueryFailure> {
    let own = request.context.and_then(|context| context.at_least);
    served.reaches(at_least.max(own)).await?;
    let tuple = (request.subject, request.action, request.resource);
    decide_alone(served, reach, &tuple)
}

pub(crate) async fn many(
    served: &ServedView,
    reach: Reach<'_>,
    at_least: Option<u64>,
    request: EvaluationsRequest,
) -> Result<Decisions, QueryFailure> {
    let asked = request.evaluations.unwrap_or_default();
    if MOST < asked.len() {
        return Err(QueryFailure::Invalid(format!(
            "`evaluations`: at most {MOST} at once"
        )));
    }
    let of = |context: Option<&Context>| context.and_then(|context| context.at_least);
    let each = asked.iter().map(|one| of(one.context.as_ref()));
    let needed = each.max().flatten().max(of(request.context.as_ref()));
    served.reaches(at_least.max(needed)).await?;

    let defaults = PartialEvaluation {
        subject: request.subject,
        action: request.action,
        resource: request.resource,
        context: None,
    };
    if asked.is_empty() {
        let tuple = complete(PartialEvaluation::default(), &defaults);
        let tuple = tuple.map_err(|missing| QueryFailure::Invalid(missing.to_owned()))?;
        return Ok(Decisions::One(decide_alone(served, reach, &tuple)?));
    }
    let semantic = request.options.and_then(|of| of.evaluations_semantic);
    let semantic = semantic.unwrap_or_default();
    let evaluations = read(served, |view| {
        let reading = view.read();
        let mut decisions = Vec::with_capacity(asked.len());
        for one in asked {
            let decision = match complete(one, &defaults) {
                Ok(tuple) => match decide(&reading, reach, &tuple)? {
                    Ok(decision) => decision,
                    Err(Undecided::Incomplete(what)) => {
                        Decision::undecided(ErrorCode::InvalidRequest, what)
                    }
                    Err(Undecided::Forbidden) => {
                        Decision::undecided(ErrorCode::Forbidden, OF_ANOTHER)
                    }
                },
                Err(missing) => Decision::undecided(ErrorCode::InvalidRequest, missing),
            };
            let is_last = match semantic {
                Semantic::ExecuteAll => false,
                Semantic::DenyOnFirstDeny => !decision.decision,
                Semantic::PermitOnFirstPermit => decision.decision,
            };
            decisions.push(decision);
            if is_last {
                break;
            }
        }
        Ok(decisions)
    })?;
    Ok(Decisions::Many { evaluations })
}

type Tuple = (Subject, Action, Resource);

/// Why nothing is decided.
enum Undecided {
    Incomplete(&'static str),
    Forbidden,
}

/// A decision that is the whole answer: what can't be decided is an error of the request.
fn decide_alone(
    served: &ServedView,
    reach: Reach<'_>,
    tuple: &Tuple,
) -> Result<Decision, QueryFailure> {
    let decided = read(served, |view| decide(&view.read(), reach, tuple))?;
    decided.map_err(|undecided| match undecided {
        Undecided::Incomplete(what) => QueryFailure::Invalid(what.to_owned()),
        Undecided::Forbidden => QueryFailure::Forbidden,
    })
}

fn decide(
    reading: &Reading<'_>,
    reach: Reach<'_>,
    (subject, action, resource): &Tuple,
) -> Result<Result<Decision, Undecided>, ReadError> {
    let asked = || {
        // Nobody learns anything of an account that the token does not reach, not even that a word is unknown.
        let account = reach.account(subject.properties.as_ref(), resource.properties.as_ref());
        if account == Err(NotAsked::Forbidden) {
            return Err(NotAsked::Forbidden);
        }
        let user = asked::user(&subject.kind, &subject.id)?;
        asked::action(&action.name)?;
        let permission = asked::resource(&resource.kind, &resource.id)?;
        Ok((account?, user, permission))
    };
    let (account, user, permission) = match asked() {
        Ok(asked) => asked,
        Err(NotAsked::Denied(refusal)) => {
            return Ok(Ok(Decision::because(refusal.into(), None)));
        }
        Err(NotAsked::Incomplete(what)) => return Ok(Err(Undecided::Incomplete(what))),
        Err(NotAsked::Forbidden) => return Ok(Err(Undecided::Forbidden)),
    };
    let of_user = reading.user(&account, &user)?;
    let why = reason(&reading.account(&account)?, &of_user, permission);
    Ok(Ok(Decision::because(why, Some(reading.sequence().0))))
}

/// An evaluation with what it leaves to the whole request: a subject, action or resource of its own takes the place of the
/// default one, which only lends what is absent.
fn complete(one: PartialEvaluation, defaults: &PartialEvaluation) -> Result<Tuple, &'static str> {
    let entity = |own: Option<PartialEntity>, default: Option<&PartialEntity>| {
        let own = own.unwrap_or_default();
        let default = default.cloned().unwrap_or_default();
        (
            own.kind.or(default.kind),
            own.id.or(default.id),
            own.properties.or(default.properties),
        )
    };
    let (kind, id, properties) = entity(one.subject, defaults.subject.as_ref());
    let subject = Subject {
        kind: kind.ok_or("`subject`: the field `type` is missing")?,
        id: id.ok_or("`subject`: the field `id` is missing")?,
        properties,
    };
    let default = defaults.action.as_ref().and_then(|of| of.name.clone());
    let name = one.action.and_then(|PartialAction { name }| name);
    let action = Action {
        name: name
            .or(default)
            .ok_or("`action`: the field `name` is missing")?,
    };
    let (kind, id, properties) = entity(one.resource, defaults.resource.as_ref());
    let resource = Resource {
        kind: kind.ok_or("`resource`: the field `type` is missing")?,
        id: id.ok_or("`resource`: the field `id` is missing")?,
        properties,
    };
    Ok((subject, action, resource))
}
