//! Who leads the log, and having another one lead.

use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser, Stack, StackOptions};
use serde_json::json;

use crate::fixture::{connect, eventually};

/// What only tests may do: say who leads.
const STEP_DOWN: &str = "$JS.API.STREAM.LEADER.STEPDOWN.CONSENT_EVENTS";

/// Has the gateway's user say who leads.
pub(super) fn may_choose_leader(options: &mut StackOptions) {
    let allowed = "\"$JS.API.INFO\"";
    options.nats_configuration.push((
        allowed.to_owned(),
        format!("{allowed}\n            \"{STEP_DOWN}\""),
    ));
}

/// Has a server lead the log.
pub(super) async fn lead(stack: &Stack, name: &str) -> anyhow::Result<()> {
    let gateway = connect(stack, NatsUser::Gateway).await?;
    eventually("that server leads", async || {
        if leader(stack).await? == name {
            return Ok(true);
        }
        let preferred = serde_json::to_vec(&json!({"placement": {"preferred": name}}))?;
        // An election may be under way.
        drop(
            gateway
                .request(STEP_DOWN, preferred, None, Duration::from_secs(5))
                .await,
        );
        Ok(false)
    })
    .await
}

/// The name of the server that leads the log.
pub(super) async fn leader(stack: &Stack) -> anyhow::Result<String> {
    let connection = connect(stack, NatsUser::Operator).await?;
    let found = std::sync::Mutex::new(None);
    eventually("the log has a leader", async || {
        let state = connection
            .stream_state("CONSENT_EVENTS", Duration::from_secs(2))
            .await;
        let leader = state.ok().flatten().and_then(|state| state.leader);
        let is_found = leader.is_some();
        if let (Ok(mut found), Some(leader)) = (found.lock(), leader) {
            *found = Some(leader);
        }
        Ok(is_found)
    })
    .await?;
    found
        .into_inner()?
        .ok_or_else(|| anyhow::anyhow!("the log has no leader"))
}

/// One of the servers, by its name.
pub(super) fn server<'a>(stack: &'a mut Stack, name: &str) -> anyhow::Result<&'a mut NatsServer> {
    stack
        .nats_cluster_mut()
        .find(|server| server.name() == name)
        .ok_or_else(|| anyhow::anyhow!("there is no server {name}"))
}

/// The name of the server that a program is connected to.
pub(super) async fn server_of(stack: &Stack, program: &str) -> anyhow::Result<String> {
    for server in stack.nats_cluster() {
        if server.has_client(program).await {
            return Ok(server.name().to_owned());
        }
    }
    anyhow::bail!("{program} is connected to none")
}
