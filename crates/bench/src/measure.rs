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

/// What several rounds say, in their order: the middle, and how far they lie apart.
#[derive(Debug, Clone)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn new(figures: Vec<f64>) -> Self {
        Self(figures)
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// The lowest and the highest.
    pub(crate) fn spread(&self) -> [f64; 2] {
        let lowest = self.0.iter().copied().min_by(f64::total_cmp);
        let highest = self.0.iter().copied().max_by(f64::total_cmp);
        [lowest.unwrap_or_default(), highest.unwrap_or_default()]
    }

    /// Ours divided by the ceiling, round by round: what a busy minute does to both is not in it.
    pub(crate) fn ratios(&self, ceiling: &Self) -> Option<Self> {
        let is_paired = self.0.len() == ceiling.0.len() && ceiling.0.iter().all(|one| *one != 0.0);
        let pairs = self.0.iter().zip(&ceiling.0);
        is_paired.then(|| Self(pairs.map(|(ours, beside)| ours / beside).collect()))
    }
}

/// The figure below which so many of a thousand lie; 0 where there is none. `figures` get sorted.
pub(crate) fn quantile(figures: &mut [f64], of_a_thousand: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let last = figures.len().saturating_sub(1);
    let place = last.saturating_mul(of_a_thousand).div_ceil(1000);
    figures.get(place).copied().unwrap_or_default()
}

/// Milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The most that a process has had so far, in MiB, by its `/proc/…/status`; 0 where this system does not tell.
pub(crate) fn peak_memory(status: &str) -> f64 {
    memory(status, "VmHWM:")
}

/// A field of a process's `/proc/…/status`, in MiB.
pub(crate) fn memory(status: &str, field: &str) -> f64 {
    let said = std::fs::read_to_string(status).unwrap_or_default();
    let line = said.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u32>().ok());
    f64::from(kilobytes.unwrap_or_default()) / 1024.0
}
