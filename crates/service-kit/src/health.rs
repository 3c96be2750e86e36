//! Whether the program may take traffic, and if not, because of what.

use assent_metrics::service::{DEPENDENCY_UP, READY};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::watch;

/// The readiness of a program; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    draining: AtomicBool,
    dependencies: RwLock<BTreeMap<&'static str, DependencyStatus>>,
    changes: watch::Sender<()>,
}

/// The status of a dependency, and why it is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DependencyStatus {
    Ready,
    /// The dependency is away, and the program serves all the same, only worse.
    DoneWithout(String),
    NotReady(String),
}

impl Health {
    /// A program without dependencies: ready from the start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names something the program needs. It counts as not ready until
    /// [`Dependency::ready`] is called.
    pub fn dependency(&self, name: &'static str) -> Dependency {
        let dependency = Dependency {
            health: self.clone(),
            name,
        };
        dependency.not_ready("not reached yet");
        dependency
    }

    /// Whether the program may take traffic.
    pub fn is_ready(&self) -> bool {
        !self.is_draining()
            && self
                .shared
                .dependencies
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .values()
                .all(|status| !matches!(status, DependencyStatus::NotReady(_)))
    }

    /// What is not as it should be, by name, and why.
    pub fn troubles(&self) -> BTreeMap<String, String> {
        let dependencies = &self.shared.dependencies;
        let dependencies = dependencies.read().unwrap_or_else(PoisonError::into_inner);
        let troubles = dependencies
            .iter()
            .filter_map(|(name, status)| match status {
                DependencyStatus::Ready => None,
                DependencyStatus::DoneWithout(reason) | DependencyStatus::NotReady(reason) => {
                    Some(((*name).to_owned(), reason.clone()))
                }
            });
        troubles.collect()
    }

    /// From now on the program is not ready: it finishes what it has.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Release);
        self.changed();
    }

    /// Something is another way than it was.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes.subscribe()
    }

    fn changed(&self) {
        READY.set(if self.is_ready() { 1.0 } else { 0.0 });
        self.shared.changes.send_replace(());
    }

    fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Acquire)
    }

    /// The answer at `/readyz`.
    pub(crate) fn readiness(&self) -> Response {
        let dependencies: serde_json::Map<String, serde_json::Value> = self
            .shared
            .dependencies
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(name, status)| {
                let state = match status {
                    DependencyStatus::Ready => json!({"ready": true}),
                    DependencyStatus::DoneWithout(reason) => {
                        json!({"ready": false, "required": false, "reason": reason})
                    }
                    DependencyStatus::NotReady(reason) => json!({"ready": false, "reason": reason}),
                };
                ((*name).to_owned(), state)
            })
            .collect();
        let ready = self.is_ready();
        let status = if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let mut body = json!({"ready": ready, "dependencies": dependencies});
        if let (true, Some(body)) = (self.is_draining(), body.as_object_mut()) {
            body.insert("draining".to_owned(), true.into());
        }
        (status, Json(body)).into_response()
    }
}

/// One thing the program needs; clones are the same thing.
#[derive(Debug, Clone)]
pub struct Dependency {
    health: Health,
    name: &'static str,
}

impl Dependency {
    /// Reports that the dependency answers.
    pub fn ready(&self) {
        if self.set(DependencyStatus::Ready) {
            tracing::info!(dependency = self.name, "ready");
        }
    }

    /// Reports that the dependency does not answer: why, and what to do about it. Operators
    /// read this text, so it must hold no secret.
    pub fn not_ready(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.set(DependencyStatus::NotReady(reason.clone())) {
            tracing::info!(dependency = self.name, reason, "not ready");
        }
    }

    /// Reports that the dependency does not answer and the program takes traffic all the
    /// same: say what is worse for it.
    pub fn do_without(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.set(DependencyStatus::DoneWithout(reason.clone())) {
            tracing::warn!(dependency = self.name, reason, "done without");
        }
    }

    /// Whether the dependency answers, as far as was reported.
    pub fn is_ready(&self) -> bool {
        let dependencies = &self.health.shared.dependencies;
        let dependencies = dependencies.read().unwrap_or_else(PoisonError::into_inner);
        dependencies.get(self.name) == Some(&DependencyStatus::Ready)
    }

    /// Tells whether anything changed, so that a repeated report is not logged.
    fn set(&self, status: DependencyStatus) -> bool {
        let mut dependencies = self
            .health
            .shared
            .dependencies
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if dependencies.get(self.name) == Some(&status) {
            return false;
        }
        let up = if status == DependencyStatus::Ready {
            1.0
        } else {
            0.0
        };
        DEPENDENCY_UP.with([self.name]).set(up);
        dependencies.insert(self.name, status);
        drop(dependencies);
        self.health.changed();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dependency_must_be_ready_and_nothing_draining() {
        let health = Health::new();
        assert!(health.is_ready());
        let (nats, keys) = (health.dependency("nats"), health.dependency("keys"));
        assert!(!health.is_ready());
        nats.ready();
        assert!(!health.is_ready());
        keys.ready();
        assert!(health.is_ready());
        nats.not_ready("connection lost; it is tried again every second");
        assert!(!health.is_ready());
        assert_eq!(health.readiness().status(), StatusCode::SERVICE_UNAVAILABLE);
        nats.do_without("answers are degraded");
        assert!(health.is_ready() && !nats.is_ready());
        nats.ready();
        assert_eq!(health.readiness().status(), StatusCode::OK);
        health.drain();
        assert!(!health.is_ready());
    }
}
