//! The jobs that sync: one task for each user and kind, started and stopped. What they do is in `mailbox.rs`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::assent::permissions::{EmailLevel, Permissions};
use crate::users::User;

/// How many lines of each user's log are kept.
const LINES: usize = 12;

/// What a job syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum JobKind {
    Calendar,
    Contacts,
    Email,
}

impl JobKind {
    pub(crate) const ALL: [Self; 3] = [Self::Calendar, Self::Contacts, Self::Email];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Calendar => "Calendar",
            Self::Contacts => "Contacts",
            Self::Email => "E-mail",
        }
    }

    /// The permission that it needs, as Assent names it.
    pub(super) const fn permission(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Contacts => "contacts",
            Self::Email => "email",
        }
    }

    /// Whether it may run. Syncing e-mail means reading it, so sending only is not enough.
    fn is_permitted(self, permitted: Permissions) -> bool {
        match self {
            Self::Calendar => permitted.calendar,
            Self::Contacts => permitted.contacts,
            Self::Email => match permitted.email {
                EmailLevel::Full => true,
                EmailLevel::Limited | EmailLevel::None => false,
            },
        }
    }
}

/// The reason why jobs start or stop, and since when it is known.
#[derive(Debug)]
pub(crate) struct Trigger {
    at: Instant,
    reason: &'static str,
}

impl Trigger {
    pub(super) fn at(at: Instant, reason: &'static str) -> Self {
        Self { at, reason }
    }

    pub(super) fn now(reason: &'static str) -> Self {
        Self::at(Instant::now(), reason)
    }
}

/// How a job syncs. It goes on until it is aborted.
pub(crate) trait Syncing: Send + Sync + 'static {
    /// Syncs one kind of a user's things, and says how far it has got.
    fn sync(
        self: Arc<Self>,
        user: &'static User,
        kind: JobKind,
        progress: Arc<Progress>,
    ) -> BoxFuture<'static, ()>;
}

/// How far a job has got.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Standing>);

#[derive(Debug, Default, Clone)]
struct Standing {
    synced: u64,
    /// How many of a page are stored, and how many it has.
    page: (usize, usize),
    /// When Microsoft last said yes to the token in use.
    verified_at: Option<Timestamp>,
    waits_because: Option<&'static str>,
}

impl Progress {
    /// A page of so many has come, by a token to which Microsoft last said yes at this time.
    pub(super) fn goes_on(&self, verified_at: Timestamp, of: usize) {
        let mut standing = self.standing();
        standing.page = (0, of);
        standing.verified_at = Some(verified_at);
        standing.waits_because = None;
    }

    /// So many of a page of so many are stored.
    pub(super) fn stored(&self, stored: usize, of: usize) {
        let mut standing = self.standing();
        standing.synced += 1;
        standing.page = (stored, of);
    }

    pub(super) fn waits_because(&self, reason: &'static str) {
        self.standing().waits_because = Some(reason);
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All running jobs, and a log of each user's.
pub(crate) struct Jobs {
    syncing: Arc<dyn Syncing>,
    running: Mutex<HashMap<(&'static str, JobKind), Job>>,
    log: Mutex<HashMap<&'static str, VecDeque<LogLine>>>,
}

#[derive(Debug)]
struct Job {
    started: Timestamp,
    progress: Arc<Progress>,
    task: JoinHandle<()>,
}

/// A running job as the home page shows it.
#[derive(Debug)]
pub(crate) struct JobView {
    pub(crate) started: Timestamp,
    pub(crate) synced: u64,
    pub(crate) verified_at: Option<Timestamp>,
    pub(crate) waits_because: Option<&'static str>,
}

/// A line of a user's log: a job was started or stopped.
#[derive(Debug, Clone)]
pub(crate) struct LogLine {
    pub(crate) at: Timestamp,
    pub(crate) text: String,
}

impl Jobs {
    pub(crate) fn new(syncing: Arc<dyn Syncing>) -> Self {
        Self {
            syncing,
            running: Mutex::default(),
            log: Mutex::default(),
        }
    }

    /// Stops the jobs of a user that are not permitted.
    pub(super) async fn stop(&self, user: &'static User, permitted: Permissions, why: &Trigger) {
        for kind in JobKind::ALL {
            if !kind.is_permitted(permitted) {
                self.stop_one(user.id, kind, why).await;
            }
        }
    }

    /// Starts the jobs of a user that are permitted and do not run yet.
    pub(super) fn start(&self, user: &'static User, permitted: Permissions, why: &Trigger) {
        for kind in JobKind::ALL {
            if kind.is_permitted(permitted) {
                self.start_one(user, kind, why);
            }
        }
    }

    /// Stops all jobs of all users.
    pub(super) async fn stop_all(&self, why: &Trigger) {
        let all: Vec<_> = self.running().keys().copied().collect();
        for (user, kind) in all {
            self.stop_one(user, kind, why).await;
        }
    }

    /// Shows the job of this kind for a user, if it runs.
    pub(crate) fn view(&self, user: &User, kind: JobKind) -> Option<JobView> {
        self.running().get(&(user.id, kind)).map(|job| {
            let standing = job.progress.standing().clone();
            JobView {
                started: job.started,
                synced: standing.synced,
                verified_at: standing.verified_at,
                waits_because: standing.waits_because,
            }
        })
    }

    /// Copies a user's log, the newest line first.
    pub(crate) fn log_of(&self, user: &User) -> Vec<LogLine> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = log.get(user.id).into_iter().flatten();
        lines.rev().cloned().collect()
    }

    async fn stop_one(&self, user: &'static str, kind: JobKind, why: &Trigger) {
        let Some(mut job) = self.running().remove(&(user, kind)) else {
            return;
        };
        // It ends at its next await, even in the middle of a request to Microsoft. Whoever wants to clean up races
        // the work against a `CancellationToken` instead.
        job.task.abort();
        // It has ended when this returns; only then it counts as stopped.
        (&mut job.task).await.ok();
        let took = why.at.elapsed();
        let standing = job.progress.standing().clone();
        let (stored, of) = standing.page;
        tracing::info!(
            user,
            kind = kind.name(),
            ?took,
            stored,
            of,
            why = why.reason,
            "stopped"
        );
        let within = if stored < of {
            format!("; {stored} of {of} of its page were stored")
        } else {
            String::new()
        };
        let text = format!(
            "{} stopped: {} ({:.1} ms after we heard of it{within})",
            kind.name(),
            why.reason,
            took.as_secs_f64() * 1000.0
        );
        self.note(user, text);
    }

    fn start_one(&self, user: &'static User, kind: JobKind, why: &Trigger) {
        let mut running = self.running();
        if running.contains_key(&(user.id, kind)) {
            return;
        }
        let progress = Arc::new(Progress::default());
        let syncing = Arc::clone(&self.syncing);
        let job = Job {
            started: Timestamp::now(),
            progress: Arc::clone(&progress),
            task: tokio::spawn(syncing.sync(user, kind, progress)),
        };
        running.insert((user.id, kind), job);
        drop(running);
        let user = user.id;
        tracing::info!(user, kind = kind.name(), why = why.reason, "started");
        self.note(user, format!("{} started: {}", kind.name(), why.reason));
    }

    fn note(&self, user: &'static str, text: String) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = log.entry(user).or_default();
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(LogLine {
            at: Timestamp::now(),
            text,
        });
    }

    fn running(&self) -> MutexGuard<'_, HashMap<(&'static str, JobKind), Job>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;

    use super::*;
    use crate::users;

    const EACH: Duration = Duration::from_secs(1);

    /// An endless page, of which one thing is stored each second.
    struct Counting;

    impl Syncing for Counting {
        fn sync(
            self: Arc<Self>,
            _: &'static User,
            _: JobKind,
            progress: Arc<Progress>,
        ) -> BoxFuture<'static, ()> {
            async move {
                for stored in 1.. {
                    tokio::time::sleep(EACH).await;
                    progress.stored(stored, usize::MAX);
                }
            }
            .boxed()
        }
    }

    fn jobs() -> (Jobs, Trigger) {
        (Jobs::new(Arc::new(Counting)), Trigger::now("test"))
    }

    async fn only(jobs: &Jobs, user: &'static User, permitted: Permissions, why: &Trigger) {
        jobs.stop(user, permitted, why).await;
        jobs.start(user, permitted, why);
    }

    fn running(jobs: &Jobs, user: &User) -> Vec<JobKind> {
        let all = JobKind::ALL.into_iter();
        all.filter(|kind| jobs.view(user, *kind).is_some())
            .collect()
    }

    #[tokio::test]
    async fn what_is_permitted_runs_and_nothing_else() {
        let (jobs, why) = jobs();
        let (ana, ben) = (users::find("ana").unwrap(), users::find("ben").unwrap());
        only(&jobs, ana, Permissions::EVERYTHING, &why).await;
        only(&jobs, ben, Permissions::EVERYTHING, &why).await;
        let sending_only = Permissions {
            email: EmailLevel::Limited,
            contacts: false,
            ..Permissions::EVERYTHING
        };

        only(&jobs, ana, sending_only, &why).await;

        assert_eq!(running(&jobs, ana), [JobKind::Calendar]);
        assert_eq!(running(&jobs, ben), JobKind::ALL);
        jobs.stop_all(&why).await;
        assert_eq!((running(&jobs, ana), running(&jobs, ben)), (vec![], vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_job_syncs_nothing_more() {
        let (jobs, why) = jobs();
        let ana = users::find("ana").unwrap();
        only(&jobs, ana, Permissions::EVERYTHING, &why).await;
        tokio::time::sleep(EACH * 3).await;
        let progress = Arc::clone(&jobs.running()[&("ana", JobKind::Calendar)].progress);

        only(&jobs, ana, Permissions::NOTHING, &why).await;

        let when_stopped = progress.standing().synced;
        assert!(when_stopped > 0);
        tokio::time::sleep(EACH * 10).await;
        assert_eq!(progress.standing().synced, when_stopped);
        // Nobody else holds it, so nobody can count any more.
        assert_eq!(Arc::strong_count(&progress), 1);
        // In the middle of a page, and the log says so.
        let log = jobs.log_of(ana);
        assert!(log[0].text.contains("of its page were stored"), "{log:?}");
    }

    #[tokio::test]
    async fn a_job_that_goes_on_is_left_alone_and_the_log_is_bounded() {
        let (jobs, why) = jobs();
        let ana = users::find("ana").unwrap();
        only(&jobs, ana, Permissions::EVERYTHING, &why).await;
        only(&jobs, ana, Permissions::EVERYTHING, &why).await;
        assert_eq!(jobs.log_of(ana).len(), JobKind::ALL.len());

        for _ in 0..LINES {
            only(&jobs, ana, Permissions::NOTHING, &why).await;
            only(&jobs, ana, Permissions::EVERYTHING, &why).await;
        }

        let log = jobs.log_of(ana);
        assert_eq!(log.len(), LINES);
        assert!(log[0].text.contains("E-mail started"), "{log:?}");
    }
}
