//! What an endpoint counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::ServiceError;

#[derive(Debug)]
pub(super) struct Statistics {
    name: String,
    subject: String,
    /// None where it is empty: each replica answers.
    queue_group: &'static str,
    requests: AtomicU64,
    errors: AtomicU64,
    nanoseconds: AtomicU64,
    last_error: Mutex<String>,
}

/// An endpoint as `$SRV.STATS` shows it.
#[derive(Debug, Serialize)]
pub(super) struct EndpointStats<'a> {
    name: &'a str,
    subject: &'a str,
    queue_group: &'static str,
    num_requests: u64,
    num_errors: u64,
    last_error: String,
    processing_time: u64,
    average_processing_time: u64,
    data: Data<'a>,
}

/// What ADR-32 leaves to the service to tell.
#[derive(Debug, Serialize)]
struct Data<'a> {
    not_ready: &'a BTreeMap<String, String>,
}

/// An endpoint as `$SRV.INFO` shows it.
#[derive(Debug, Serialize)]
pub(super) struct EndpointInfo<'a> {
    name: &'a str,
    subject: &'a str,
    queue_group: &'static str,
    metadata: serde_json::Map<String, serde_json::Value>,
}

impl Statistics {
    pub(super) fn new(name: &str, subject: &str, queue_group: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            subject: subject.to_owned(),
            queue_group,
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
            last_error: Mutex::default(),
        }
    }

    pub(super) fn count(&self, took: Duration, error: Option<&ServiceError>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        if let Some(error) = error {
            self.errors.fetch_add(1, Ordering::Relaxed);
            let mut last = self
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *last = format!("{}:{}", error.status, error.code);
        }
    }

    pub(super) fn info(&self) -> EndpointInfo<'_> {
        EndpointInfo {
            name: &self.name,
            subject: &self.subject,
            queue_group: self.queue_group,
            metadata: serde_json::Map::new(),
        }
    }

    pub(super) fn stats<'a>(
        &'a self,
        not_ready: &'a BTreeMap<String, String>,
    ) -> EndpointStats<'a> {
        let (requests, time) = (
            self.requests.load(Ordering::Relaxed),
            self.nanoseconds.load(Ordering::Relaxed),
        );
        EndpointStats {
            name: &self.name,
            subject: &self.subject,
            queue_group: self.queue_group,
            num_requests: requests,
            num_errors: self.errors.load(Ordering::Relaxed),
            last_error: self
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            processing_time: time,
            average_processing_time: time.checked_div(requests).unwrap_or(0),
            data: Data { not_ready },
        }
    }
}
