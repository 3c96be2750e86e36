//! Who may sync something, what a user may have synced, and what may be done with it.

use assent_contract::allowed::{Allowed, AllowedAction};
use assent_domain::ids::{AccountId, UserId};
use assent_permission_store::effective;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{self, NotAsked, Reach};
use super::entities::{
    Action, ActionSearchRequest, Context, Page, Resource, ResourceSearchRequest, Subject,
    SubjectSearchRequest,
};
use super::page::Token;
use crate::answers::read;
use crate::query_failure::QueryFailure;
use crate::served_view::ServedView;

const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;
/// How many users are looked at for one page, however few of them are results.
const LOOKED_AT: usize = 1000;

/// A page of results.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found<T> {
    pub(crate) results: Vec<T>,
    page: PageAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<SearchContext>,
}

/// Where the page is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageAnswer {
    /// Give this back as `page.token` for the next page; empty on the last one.
    next_token: String,
    /// How many results there are on this page.
    count: usize,
}

/// What the results reflect.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchContext {
    /// How much of the log.
    sequence: u64,
}

impl<T> Found<T> {
    fn new(results: Vec<T>, sequence: Option<u64>, next: Option<&Token>) -> Self {
        Self {
            page: PageAnswer {
                next_token: next.map(ToString::to_string).unwrap_or_default(),
                count: results.len(),
            },
            context: sequence.map(|sequence| SearchContext { sequence }),
            results,
        }
    }

    fn none() -> Self {
        Self::new(Vec::new(), None, None)
    }
}

/// Where nothing can be found there is nothing; what can't be searched for is an error.
fn nothing<T>(why: NotAsked) -> Result<Found<T>, QueryFailure> {
    match why {
        NotAsked::Denied(_) => Ok(Found::none()),
        NotAsked::Incomplete(what) => Err(QueryFailure::Invalid(what.to_owned())),
        NotAsked::Forbidden => Err(QueryFailure::Forbidden),
    }
}

fn needed(at_least: Option<u64>, context: Option<Context>) -> Option<u64> {
    at_least.max(context.and_then(|context| context.at_least))
}

pub(crate) async fn subjects(
    served: &ServedView,
    reach: Reach<'_>,
    at_least: Option<u64>,
    request: SubjectSearchRequest,
) -> Result<Found<Subject>, QueryFailure> {
    let asked = || -> Result<_, NotAsked> {
        let (subject, resource) = (&request.subject, &request.resource);
        let account = reach.account(subject.properties.as_ref(), resource.properties.as_ref());
        asked::subject_type(&subject.kind)?;
        asked::action(&request.action.name)?;
        let permission = asked::resource(&resource.kind, &resource.id)?;
        Ok((account?, permission))
    };
    let (account, permission) = match asked() {
        Ok(asked) => asked,
        Err(why) => return nothing(why),
    };
    let page = request.page.unwrap_or_default();
    let before = before(&page, &account, permission)?;
    let at_least = needed(at_least, request.context).max(before.as_ref().map(|it| it.at_least));
    served.reaches(at_least).await?;
    let after = before.and_then(|it| it.after);
    let after = after.and_then(|after| UserId::parse(&after).ok());
    read(served, |view| {
        let reading = view.read();
        let limit = limit(&page);
        let company = reading.account(&account)?;
        let looked_at = reading.users(&account, after.as_ref(), LOOKED_AT)?;
        let (mut results, mut last, mut more) = (Vec::new(), after.clone(), looked_at.more);
        for (user, state) in looked_at.users {
            if results.len() == limit {
                more = true;
                break;
            }
            if Allowed::from(effective(&company, &state)).contains(permission) {
                results.push(Subject::of(&account, &user));
            }
            last = Some(user);
        }
        let sequence = reading.sequence().0;
        let next = Token {
            account: account.to_string(),
            resource: permission.as_str().to_owned(),
            after: last.map(|last| last.to_string()),
            at_least: sequence,
        };
        Ok(Found::new(results, Some(sequence), more.then_some(&next)))
    })
}

fn limit(page: &Page) -> usize {
    let asked = page
        .limit
        .map(|limit| usize::try_from(limit).unwrap_or(LARGEST_PAGE));
    asked.unwrap_or(USUAL_PAGE).min(LARGEST_PAGE)
}

/// The page before; `None` for the first one.
fn before(
    page: &Page,
    account: &AccountId,
    permission: AllowedAction,
) -> Result<Option<Token>, QueryFailure> {
    let Some(text) = page.token.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let token = Token::parse(text)
        .filter(|token| token.account == account.as_str() && token.resource == permission.as_str());
    let foreign = || QueryFailure::Invalid("`page.token` is not of this search".to_owned());
    token.ok_or_else(foreign).map(Some)
}

/// What of a user's may be synced now, and as of when.
async fn allowed(
    served: &ServedView,
    (account, user): (&AccountId, &UserId),
    at_least: Option<u64>,
) -> Result<(Allowed, u64), QueryFailure> {
    served.reaches(at_least).await?;
    read(served, |view| {
        let reading = view.read();
        let effective = effective(&reading.account(account)?, &reading.user(account, user)?);
        Ok((effective.into(), reading.sequence().0))
    })
}

pub(crate) async fn resources(
    served: &ServedView,
    reach: Reach<'_>,
    at_least: Option<u64>,
    request: ResourceSearchRequest,
) -> Result<Found<Resource>, QueryFailure> {
    let asked = || -> Result<_, NotAsked> {
        let (subject, resource) = (&request.subject, &request.resource);
        let account = reach.account(subject.properties.as_ref(), resource.properties.as_ref());
        let user = asked::user(&subject.kind, &subject.id)?;
        asked::action(&request.action.name)?;
        asked::resource_type(&resource.kind)?;
        Ok((account?, user))
    };
    let (account, user) = match asked() {
        Ok(asked) => asked,
        Err(why) => return nothing(why),
    };
    let at_least = needed(at_least, request.context);
    let (allowed, sequence) = allowed(served, (&account, &user), at_least).await?;
    let all = AllowedAction::ALL.into_iter();
    let results = all
        .filter(|action| allowed.contains(*action))
        .map(|action| Resource::of(&account, action));
    Ok(Found::new(results.collect(), Some(sequence), None))
}

pub(crate) async fn actions(
    served: &ServedView,
    reach: Reach<'_>,
    at_least: Option<u64>,
    request: ActionSearchRequest,
) -> Result<Found<Action>, QueryFailure> {
    let asked = || -> Result<_, NotAsked> {
        let (subject, resource) = (&request.subject, &request.resource);
        let account = reach.account(subject.properties.as_ref(), resource.properties.as_ref());
        let user = asked::user(&subject.kind, &subject.id)?;
        let permission = asked::resource(&resource.kind, &resource.id)?;
        Ok((account?, user, permission))
    };
    let (account, user, permission) = match asked() {
        Ok(asked) => asked,
        Err(why) => return nothing(why),
    };
    let at_least = needed(at_least, request.context);
    let (allowed, sequence) = allowed(served, (&account, &user), at_least).await?;
    let is_allowed = allowed.contains(permission);
    let results = is_allowed.then(Action::sync).into_iter();
    Ok(Found::new(results.collect(), Some(sequence), None))
}
