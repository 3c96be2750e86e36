//! Closed loops and medians.

use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::try_join_all;

/// Runs `workers` loops of `operation` side by side for some seconds, and gives operations per
/// second. Each loop waits for its answer before it asks again.
pub(crate) async fn closed_loop<F, Fut>(
    workers: usize,
    seconds: f64,
    operation: F,
) -> anyhow::Result<f64>
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let started = Instant::now();
    let until = started + Duration::from_secs_f64(seconds);
    let tasks = (0..workers).map(|worker| {
        let operation = operation.clone();
        tokio::spawn(async move {
            let mut done = 0_u32;
            while Instant::now() < until {
                operation(worker).await?;
                done += 1;
            }
            anyhow::Ok(done)
        })
    });
    let mut done = 0.0;
    for counted in try_join_all(tasks).await? {
        done += f64::from(counted?);
    }
    Ok(done / started.elapsed().as_secs_f64())
}

/// What several rounds say: the middle, and how far they lie apart.
#[derive(Debug, Clone)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn new(mut rates: Vec<f64>) -> Self {
        rates.sort_by(f64::total_cmp);
        Self(rates)
    }

    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    pub(crate) fn lowest(&self) -> f64 {
        self.0.first().copied().unwrap_or_default()
    }

    pub(crate) fn highest(&self) -> f64 {
        self.0.last().copied().unwrap_or_default()
    }
}
