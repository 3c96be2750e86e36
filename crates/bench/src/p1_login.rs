//! P1: login decisions over HTTP, against a server that does only what can't be left out.

use crate::Size;
use crate::catalogue;
use crate::logins::{CONNECTIONS, Logins};
use crate::table::Row;

pub(crate) async fn measure(logins: &Logins, size: Size) -> anyhow::Result<Row> {
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        ceiling.push(logins.ceiling.rate(size.seconds_per_round).await?);
        ours.push(logins.ours.rate(size.seconds_per_round).await?);
    }
    Ok(Row::new(
        &catalogue::LOGINS,
        ours,
        ceiling,
        format!(
            "{CONNECTIONS} connections, closed loop, {} s a round; the ceiling is an axum server \
             that verifies the same two tokens with jsonwebtoken, makes one NATS request to an \
             echo and answers {} bytes",
            size.seconds_per_round, logins.bytes
        ),
    ))
}
