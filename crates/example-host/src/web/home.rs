//! The home page: for those who are not signed in, the way in; for the others, what is synced for them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::REFRESH;
use axum::response::{Redirect, Response};
use jiff::Timestamp;

use super::parameters::Parameters;
use super::{App, SignedIn, pages};
use crate::assent::permissions::{EmailLevel, Method, Permissions};
use crate::error_chain::with_sources;
use crate::notice::{Notice, Offer};
use crate::sync_worker::{JobKind, JobView, LogLine};
use crate::users::{USERS, User};

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    user: Option<&'static User>,
    users: &'static [User],
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    user: Option<&'static User>,
    name: &'static str,
    notices: Vec<Notice>,
    /// `None` if Assent did not say.
    decided_by: Option<Method>,
    rows: Vec<Row>,
    log: Vec<LogLine>,
    live: bool,
    has_mailbox: bool,
}

/// A row of the table: a permission, and the job that needs it.
struct Row {
    kind: JobKind,
    permitted: &'static str,
    is_permitted: bool,
    job: Option<JobView>,
}

/// `GET /`, and `GET /?live`: the page loads itself again every two seconds, if somebody wants to watch.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    signed_in: Result<SignedIn, Redirect>,
    options: Parameters,
) -> Response {
    let Ok(SignedIn { name, session }) = signed_in else {
        return pages::show(&Start {
            user: None,
            users: &USERS,
        });
    };
    let user = session.user;
    let permissions = app.permissions.ask(user, session.at_least).await;
    if let Err(error) = &permissions {
        tracing::warn!(
            user = user.id,
            error = %with_sources(error),
            "permissions are unknown"
        );
    }
    let decided_by = permissions.as_ref().ok().map(|known| known.method);
    // Nobody knows: so nothing.
    let permitted = permissions.map_or(Permissions::NOTHING, |known| known.effective);
    app.sessions.change(&name, |session| session.outcome = None);
    let live = options.has("live");
    let mut response = pages::show(&Home {
        user: Some(user),
        name: user.name.split(' ').next().unwrap_or(user.name),
        notices: session.outcome.into_iter().chain(session.notices).collect(),
        decided_by,
        rows: JobKind::ALL
            .map(|kind| row(&app, user, kind, permitted))
            .into(),
        log: app.jobs.log_of(user),
        live,
        has_mailbox: user.has_mailbox(),
    });
    if live {
        let headers = response.headers_mut();
        headers.insert(REFRESH, HeaderValue::from_static("2"));
    }
    response
}

fn row(app: &App, user: &User, kind: JobKind, permitted: Permissions) -> Row {
    let yes_or_no = |yes: bool| if yes { "Yes" } else { "No" };
    let (is_permitted, permitted) = match kind {
        JobKind::Calendar => (permitted.calendar, yes_or_no(permitted.calendar)),
        JobKind::Contacts => (permitted.contacts, yes_or_no(permitted.contacts)),
        JobKind::Email => match permitted.email {
            EmailLevel::None => (false, "No"),
            EmailLevel::Limited => (true, "Sending only"),
            EmailLevel::Full => (true, "Yes"),
        },
    };
    Row {
        kind,
        permitted,
        is_permitted,
        job: app.jobs.view(user, kind),
    }
}

/// Formats the time of day, in UTC.
fn clock(at: &Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}
