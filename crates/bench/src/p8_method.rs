//! P8: how long after a company changes how it consents every decision reflects it, with very many users and with few.

use std::time::Instant;

use futures::future::try_join_all;

use crate::Size;
use crate::catalogue;
use crate::many_users::{FEW, LARGE, ManyUsers, SMALL};
use crate::measure::{milliseconds, quantile};
use crate::table::Row;

/// Changes of each account in a round.
const CHANGES: usize = 10;

pub(crate) async fn measure(many: &ManyUsers, size: Size) -> anyhow::Result<Row> {
    let (mut large, mut small) = (Vec::new(), Vec::new());
    for account in [LARGE, SMALL] {
        change(many, account, "limited").await?;
    }
    for _ in 0..size.rounds {
        let (mut of_large, mut of_small) = (Vec::new(), Vec::new());
        for number in 0..CHANGES {
            let sync = if number % 2 == 0 { "full" } else { "limited" };
            of_small.push(change(many, SMALL, sync).await?);
            of_large.push(change(many, LARGE, sync).await?);
        }
        large.push(quantile(&mut of_large, 500));
        small.push(quantile(&mut of_small, 500));
    }
    Ok(Row::new(
        &catalogue::METHOD,
        large,
        small,
        format!(
            "from PUT authorization-method until the login hook has decided about {FEW} users, spread over the account, as \
             of that change; the median of {CHANGES}; the ceiling's account has {FEW} users. Nobody waits for \
             the disk here"
        ),
    )
    .of_users(many.users))
}

/// One change, and decisions about some users that reflect it, in milliseconds.
async fn change(many: &ManyUsers, account: &str, sync: &str) -> anyhow::Result<f64> {
    let admin = many.stack.super_admin(account, "super");
    let started = Instant::now();
    let changed = admin.set_method("user_individual", sync).await?.ok()?;
    let at_least = Some(changed.sequence());
    let of_large = account == LARGE;
    let decisions = (0..FEW).map(|number| {
        let user = if of_large {
            many.users / FEW * number
        } else {
            many.users + number
        };
        many.decide(account, user, at_least)
    });
    try_join_all(decisions).await?;
    Ok(milliseconds(started.elapsed()))
}
