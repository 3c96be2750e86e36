//! What was begun is brought to its end, whether or not whoever asked still listens.
//!
//! A server drops a handler when its client hangs up or when a request takes too long: after a code was spent and before
//! what it is good for was recorded, for example. So every request that may change something is handled in a task of its
//! own, in the request's span; the program waits for these tasks when it stops. Reads are dropped with their requests.
//!
//! Whoever hangs up gives their connection free and leaves the work behind. So there is no more of it at once than there
//! may be connections; what is beyond that has not begun, and is dropped when nobody waits for it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use assent_service_kit::problem::HttpProblem;
use assent_service_kit::{BODY_LIMIT, Problem, Runtime};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::REFRESH;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument as _;

use super::prefetch_guard;
use assent_consent_pages::{Site, page};

/// How long a browser waits for the end before it is told that the work goes on: a little less than a request has.
const TOLD_AFTER: Duration = Duration::from_secs(12);
/// How long the work may go on. Each call that it makes has a deadline of its own, so this ends what nobody foresaw.
const AT_MOST: Duration = Duration::from_mins(1);

/// What is being worked on.
#[derive(Debug, Clone)]
pub(super) struct Works {
    site: Arc<Site>,
    runtime: Runtime,
    /// A permit for each that may be worked on.
    room: Arc<Semaphore>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
enum Unanswered {
    /// Too much else is being worked on.
    NotBegun,
    /// The request takes longer than anybody waits.
    GoesOn,
    /// The request's task panicked, and has said so.
    Died,
}

impl Works {
    /// `most`: how much at once.
    pub(super) fn new(site: Arc<Site>, runtime: Runtime, most: usize) -> Self {
        Self {
            site,
            runtime,
            room: Arc::new(Semaphore::new(most)),
        }
    }
}

/// The middleware.
pub(super) async fn run_to_completion(
    State(works): State<Works>,
    request: Request,
    next: Next,
) -> Response {
    if prefetch_guard::is_pure_read(&request) {
        return next.run(request).await;
    }
    // Whoever sends half a body is waited for no longer than the request has.
    let request = match whole(request).await {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let visitor = Visitor::of(&request);
    let done = begun(&works.runtime, &works.room, next.run(request)).await;
    done.unwrap_or_else(|unanswered| match unanswered {
        // For whoever comes there are too many connections.
        Unanswered::NotBegun => Problem::new(HttpProblem::TooManyConnections).into_response(),
        Unanswered::GoesOn => visitor.told_that_it_goes_on(&works.site),
        Unanswered::Died => Problem::bug("the handler did not come to its end").into_response(),
    })
}

/// Begins the work as soon as there is room for it, and waits for its end as long as somebody waits for the answer.
async fn begun(
    runtime: &Runtime,
    room: &Arc<Semaphore>,
    work: impl Future<Output = Response> + Send + 'static,
) -> Result<Response, Unanswered> {
    let until = Instant::now() + TOLD_AFTER;
    let permit = timeout_at(until, Arc::clone(room).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else {
        return Err(Unanswered::NotBegun);
    };
    let (done, answer) = oneshot::channel();
    let work = async move {
        let answered = timeout(AT_MOST, work).await;
        drop(permit);
        let Ok(response) = answered else {
            tracing::error!("what was begun did not come to its end in time, and was dropped");
            return;
        };
        if let Err(unheard) = done.send(response) {
            tracing::info!(
                status = unheard.status().as_u16(),
                "done, though whoever asked for it has gone"
            );
        }
    };
    runtime.spawn(work.in_current_span());
    match timeout_at(until, answer).await {
        Ok(answer) => answer.map_err(|_| Unanswered::Died),
        Err(_) => Err(Unanswered::GoesOn),
    }
}

/// The request with its body as it was sent. Of one that is too large only so much that the handler sees it is.
async fn whole(request: Request) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let (mut sent, mut read) = (body.into_data_stream(), Vec::new());
    while let Some(bytes) = sent.next().await {
        match bytes {
            Ok(bytes) => read.extend_from_slice(&bytes),
            Err(_) => {
                return Err(Problem::invalid_request("the body could not be read").into_response());
            }
        }
        if read.len() > BODY_LIMIT {
            break;
        }
    }
    Ok(Request::from_parts(parts, Body::from(read)))
}

/// Whoever waits for an answer.
struct Visitor {
    /// Where the same can be asked by following a link.
    again: Option<String>,
    /// Whether it may be asked again without a person's doing.
    is_a_visit: bool,
    /// The cookie is lost with the answer, so that nothing is left to look at.
    opens_a_session: bool,
    wants_a_page: bool,
}

impl Visitor {
    fn of(request: &Request) -> Self {
        let path = request.uri().path();
        Self {
            again: page_of(path),
            is_a_visit: request.method() == Method::GET,
            opens_a_session: path.ends_with("/session"),
            wants_a_page: page::wants_a_page(request.headers()),
        }
    }

    fn told_that_it_goes_on(self, site: &Site) -> Response {
        if !self.wants_a_page {
            return Problem::new(HttpProblem::Timeout)
                .detail("it is being worked on all the same; ask how it went")
                .into_response();
        }
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let (title, sentence, again) = self.says();
        let Some(address) = again else {
            return page::settings_message(site, status, title, sentence);
        };
        let way_on = page::WayOn {
            address,
            words: "Look again",
        };
        let mut page = page::message_leading_on(site, status, (title, sentence), way_on);
        if self.is_a_visit {
            let headers = page.headers_mut();
            headers.insert(REFRESH, HeaderValue::from_static("2"));
        }
        page
    }

    /// A title, a sentence, and where to look again; `None` where that would show nothing.
    fn says(&self) -> (&'static str, &'static str, Option<&str>) {
        if self.opens_a_session {
            let sentence = "Open the settings from the application again.";
            return ("This takes too long", sentence, None);
        }
        (
            "Just a moment",
            "This takes longer than usual. It goes on by itself, and is not lost if you leave.",
            Some(self.again.as_deref().unwrap_or_default()),
        )
    }
}

/// The page that a form was on, where the form has an address of its own.
fn page_of(path: &str) -> Option<String> {
    let at = path.find("/settings/")?;
    let mut parts = path.get(at..)?.split('/').skip(2);
    let page = parts.next()?;
    Some(format!("{}/settings/{page}", path.get(..at)?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use assent_service_kit::Runtime;
    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::http::header::ACCEPT;
    use axum::response::IntoResponse as _;
    use futures::poll;
    use tokio::sync::Semaphore;

    use super::{Unanswered, Visitor, begun, page_of};

    #[tokio::test(start_paused = true)]
    async fn what_was_left_behind_leaves_no_room_for_more_of_it() {
        let (runtime, room) = (Runtime::new(), Arc::new(Semaphore::new(1)));
        let (begins, free) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let visit = || {
            let (begins, free) = (Arc::clone(&begins), Arc::clone(&free));
            let work = async move {
                begins.fetch_add(1, Ordering::Relaxed);
                let _free = free.acquire().await;
                StatusCode::OK.into_response()
            };
            Box::pin(begun(&runtime, &room, work))
        };
        for _ in 0..3 {
            let mut hangs_up = visit();
            assert!(poll!(&mut hangs_up).is_pending());
            tokio::task::yield_now().await;
        }
        assert_eq!(begins.load(Ordering::Relaxed), 1);
        assert_eq!(visit().await.unwrap_err(), Unanswered::NotBegun);

        free.add_permits(2);
        assert_eq!(visit().await.unwrap().status(), StatusCode::OK);
        assert_eq!(begins.load(Ordering::Relaxed), 2);
        runtime.tasks_ended().await;
        assert_eq!(room.available_permits(), 1);
    }

    #[test]
    fn nobody_is_told_to_look_for_a_session_whose_cookie_is_lost() {
        let waits_for = |address: &str| {
            let form = Request::post(address).header(ACCEPT, "text/html");
            Visitor::of(&form.body(Body::empty()).unwrap())
        };
        let of_a_session = waits_for("/consent/session");
        let (_, sentence, again) = of_a_session.says();
        assert_eq!(sentence, "Open the settings from the application again.");
        assert_eq!(again, None);
        let of_a_link = waits_for("/hand-off/x");
        assert_eq!(of_a_link.says().2, Some(""));
        // A form is never sent again without a person's doing.
        assert!(!of_a_session.is_a_visit && !of_a_link.is_a_visit);
        assert!(of_a_session.wants_a_page && of_a_link.wants_a_page);
    }

    #[test]
    fn a_form_of_the_settings_leads_back_to_its_page() {
        for (form, page) in [
            (
                "/settings/account/administrator-links/x/cancellation",
                Some("/settings/account"),
            ),
            (
                "/consent/settings/company/method",
                Some("/consent/settings/company"),
            ),
            ("/hand-off/x", None),
        ] {
            assert_eq!(page_of(form).as_deref(), page);
        }
    }
}
