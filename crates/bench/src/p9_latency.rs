//! P9: how long a login decision takes where the view has very many users, and where it has few.

use std::time::{Duration, Instant};

use crate::Size;
use crate::catalogue;
use crate::many_users::{LARGE, ManyUsers};
use crate::measure::{milliseconds, quantile};
use crate::table::Row;

/// A step through the users that has no divisor with their number, so that each is met once before any is met twice.
const STEP: usize = 999_983;

pub(crate) async fn measure(many: &ManyUsers, few: &ManyUsers, size: Size) -> anyhow::Result<Row> {
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for round in 0..size.rounds {
        ceiling.push(median(few, round, size).await?);
        ours.push(median(many, round, size).await?);
    }
    Ok(Row::new(
        &catalogue::DECISION_MILLION,
        ours,
        ceiling,
        format!(
            "decisions over HTTP about users far apart, one after the other, for {} s a round; the ceiling's view has {} \
             users",
            size.seconds_per_round, few.users
        ),
    )
    .of_users(many.users))
}

/// The median of the times of decisions, in milliseconds.
async fn median(many: &ManyUsers, round: usize, size: Size) -> anyhow::Result<f64> {
    let until = Instant::now() + Duration::from_secs_f64(size.seconds_per_round);
    let mut times = Vec::new();
    let mut user = round % many.users;
    while Instant::now() < until {
        let began = Instant::now();
        many.decide(LARGE, user, None).await?;
        times.push(milliseconds(began.elapsed()));
        user = (user + STEP) % many.users;
    }
    Ok(quantile(&mut times, 500))
}
