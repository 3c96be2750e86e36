//! P3: login decisions against what a team would write instead: the same endpoint over PostgreSQL.

use crate::Size;
use crate::catalogue;
use crate::ceiling::{Ceiling, Kind};
use crate::fixture::Fixture;
use crate::logins::{CONNECTIONS, Logins, token_settings};
use crate::postgresql::{NotThere, Postgresql};
use crate::table::Row;

pub(crate) async fn measure(fixture: &Fixture, logins: &Logins, size: Size) -> anyhow::Result<Row> {
    let database = match Postgresql::start(size.consents).await {
        Ok(database) => database,
        Err(NotThere::NotInstalled(why)) => {
            return Ok(Row::skipped(&catalogue::LOGINS_POSTGRESQL, why));
        }
        Err(NotThere::Broken(error)) => return Err(error),
    };
    let mut settings = token_settings(fixture, logins.bytes).to_vec();
    settings.push(("POSTGRESQL", database.socket_folder()));
    let nats = fixture.stack.nats();
    let user = assent_dev_stack::NatsUser::LoginHook;
    let server = Ceiling::start(Kind::Postgresql, nats, user, &settings)?;
    let rival = logins.ours.by(server.ready().await?);
    rival.send().await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        theirs.push(rival.rate(size.seconds_per_round).await?);
        ours.push(logins.ours.rate(size.seconds_per_round).await?);
    }
    Ok(Row::new(
        &catalogue::LOGINS_POSTGRESQL,
        ours,
        theirs,
        format!(
            "{CONNECTIONS} connections, closed loop, {} s a round; the rival is an axum server that verifies the same two \
             tokens with jsonwebtoken and makes one indexed join of two tables with {} users (a prepared statement, 16 \
             connections over a Unix socket; {}, all in shared buffers)",
            size.seconds_per_round,
            size.consents,
            database.version()
        ),
    ))
}
