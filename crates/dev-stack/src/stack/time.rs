//! Time that passes in a story, and not for whoever tells it.

use serde_json::{Value, json};

use super::Stack;
use crate::actors::ActorError;
use crate::nats_server::NatsUser;

/// The bucket that the gateway keeps its flows in, and a time long over.
const FLOWS: &str = "CONSENT_FLOWS";
const LONG_AGO: &str = "2020-01-01T00:00:00Z";

impl Stack {
    /// Lets the time of a flow be over that somebody is at Microsoft with, as if the fifteen minutes had passed: by the
    /// gateway's own record of it. `state`: what Microsoft was told to bring back.
    pub async fn let_flow_expire(&self, state: &str) -> Result<(), ActorError> {
        let (flow, _) = state.split_once('.').unwrap_or_default();
        self.change_flow(flow, |record| {
            if let Some(fields) = record.as_object_mut() {
                fields.insert("expires_at".to_owned(), json!(LONG_AGO));
            }
        })
        .await
        .map_err(ActorError::Nats)
    }

    async fn change_flow(
        &self,
        key: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let client = self.nats().connect(NatsUser::Gateway).await?;
        let flows = async_nats::jetstream::new(client)
            .get_key_value(FLOWS)
            .await?;
        let entry = flows.entry(key).await?.ok_or("there is no such flow")?;
        let mut record = serde_json::from_slice(&entry.value)?;
        change(&mut record);
        let changed = serde_json::to_vec(&record)?;
        flows.update(key, changed.into(), entry.revision).await?;
        Ok(())
    }
}
