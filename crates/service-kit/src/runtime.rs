//! What is alive in a running program: its tasks and the wish to stop.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The shutdown token and the tasks of a program; clones share both.
#[derive(Debug, Clone, Default)]
pub struct Runtime {
    shutdown: CancellationToken,
    tasks: TaskTracker,
    died: Arc<OnceLock<&'static str>>,
    serving: Arc<AtomicBool>,
}

impl Runtime {
    /// A runtime nobody asked to stop. Programs receive theirs from
    /// [`crate::run`]; tests make their own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends when the program shall stop.
    pub async fn shutdown_requested(&self) {
        self.shutdown.cancelled().await;
    }

    /// Whether the program shall stop.
    pub fn is_shutting_down(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// Asks the whole program to stop.
    pub fn request_shutdown(&self) {
        self.shutdown.cancel();
    }

    /// The token behind [`Runtime::shutdown_requested`], for libraries that
    /// take one; cancelling it does not stop the program.
    pub fn shutdown_token(&self) -> CancellationToken {
        self.shutdown.child_token()
    }

    /// Starts a task that the program waits for when it stops.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Starts a task the program cannot live without: if it ends before a
    /// shutdown was asked for, or panics, the program stops and exits non-zero.
    ///
    /// The task should end when [`Runtime::shutdown_requested`] does.
    pub fn spawn_critical<F>(&self, name: &'static str, task: F)
    where
        F: Future + Send + 'static,
    {
        let runtime = self.clone();
        self.tasks.spawn(async move {
            let ended = AssertUnwindSafe(task).catch_unwind().await.map(drop);
            if ended.is_err() || !runtime.is_shutting_down() {
                tracing::error!(
                    task = name,
                    panicked = ended.is_err(),
                    "a critical task died"
                );
                // Only the first death is the cause; later ones follow from it.
                let _first = runtime.died.set(name);
                runtime.request_shutdown();
            }
        });
    }

    /// The name of the critical task that died first, if one did.
    pub fn died(&self) -> Option<&'static str> {
        self.died.get().copied()
    }

    /// Ends when every task has ended; call it after asking for shutdown.
    pub async fn tasks_ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(crate) fn now_serving(&self) {
        self.serving.store(true, Ordering::Release);
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_critical_task_that_ends_or_panics_stops_the_program() {
        let ended = Runtime::new();
        ended.spawn_critical("ends", async {});
        ended.shutdown_requested().await;
        assert_eq!(ended.died(), Some("ends"));

        let panicked = Runtime::new();
        panicked.spawn_critical("panics", async { panic!("as the test wants") });
        panicked.shutdown_requested().await;
        assert_eq!(panicked.died(), Some("panics"));
    }

    #[tokio::test]
    async fn a_task_that_ends_after_the_request_is_no_death() {
        let runtime = Runtime::new();
        let token = runtime.shutdown_token();
        runtime.spawn_critical("waits", async move { token.cancelled().await });
        runtime.request_shutdown();
        runtime.tasks_ended().await;
        assert_eq!(runtime.died(), None);
    }
}
