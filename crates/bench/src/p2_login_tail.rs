//! P2: how long the slowest of a hundred logins takes at half of what the login hook can do, against the ceiling's server at
//! the same rate.
//!
//! The load is open: requests begin when they are due, whether or not the ones before are answered, as people sign in. A
//! request's time counts from when it was due, so that a server that stalls is charged with all who came meanwhile.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::Size;
use crate::catalogue;
use crate::logins::{Asked, Logins};
use crate::measure::{milliseconds, quantile};
use crate::table::Row;

/// How many may be under way at once. A server that can't keep up would be asked ever more.
const MOST_UNDER_WAY: usize = 4_096;

pub(crate) async fn measure(logins: &Logins, size: Size) -> anyhow::Result<Row> {
    let rate = logins.ours.rate(size.seconds_per_round).await? / 2.0;
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        ceiling.push(p99(&logins.ceiling, rate, size.seconds_per_round).await?);
        ours.push(p99(&logins.ours, rate, size.seconds_per_round).await?);
    }
    Ok(Row::new(
        &catalogue::LOGIN_P99,
        ours,
        ceiling,
        format!(
            "{rate:.0} requests a second for {} s a round, each begun when it is due, and timed from then; the ceiling is \
             P1's, at the same rate",
            size.seconds_per_round
        ),
    ))
}

/// The 99th percentile of the times from when a request was due to its answer, in milliseconds.
async fn p99(asked: &Asked, rate: f64, seconds: f64) -> anyhow::Result<f64> {
    ensure!(rate > 0.0, "the login hook answers nothing");
    let (asked, runtime) = (asked.clone(), Handle::current());
    let times = Arc::new(Mutex::new(Vec::new()));
    let under_way = TaskTracker::new();
    let begun = under_way.clone();
    let kept = Arc::clone(&times);
    // A thread of its own: the runtime's own timer is too coarse, and waits for its turn as everything else.
    let pace = move || {
        let every = Duration::from_secs_f64(1.0 / rate);
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        let mut due = Instant::now();
        while due < until {
            std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
            ensure!(
                begun.len() < MOST_UNDER_WAY,
                "it does not keep up with {rate:.0} requests a second"
            );
            let (asked, kept, since) = (asked.clone(), Arc::clone(&kept), due);
            let request = async move {
                let answered = asked.send().await.map(|_| milliseconds(since.elapsed()));
                if let Ok(mut kept) = kept.lock() {
                    kept.push(answered);
                }
            };
            begun.spawn_on(request, &runtime);
            due += every;
        }
        Ok(())
    };
    tokio::task::spawn_blocking(pace).await??;
    under_way.close();
    under_way.wait().await;
    let taken = times.lock().map(|mut times| std::mem::take(&mut *times));
    let taken = taken.ok().context("a request panicked")?;
    let mut taken = taken.into_iter().collect::<anyhow::Result<Vec<f64>>>()?;
    Ok(quantile(&mut taken, 990))
}
