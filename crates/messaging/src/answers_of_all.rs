//! Asking all replicas of a service at once, each of which answers for itself.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use crate::connection::{Connection, ConnectionState};
use crate::message::SubscribeError;
use crate::request::{self, RequestError};

/// How many answers are waited for at the most: whoever answers without end is not listened to.
const MOST_ANSWERS: usize = 1024;

impl Connection {
    /// Asks whoever listens on a subject, and gathers the answers that come within `first` and, once there is one,
    /// until none has come for `quiet`; by `first` in any case. [`RequestError::NoResponders`] where nobody listens, and
    /// [`RequestError::TimedOut`] where nobody answers.
    pub async fn request_all(
        &self,
        subject: &str,
        payload: Vec<u8>,
        first: Duration,
        quiet: Duration,
    ) -> Result<Vec<Result<Vec<u8>, RequestError>>, RequestError> {
        if self.state() == ConnectionState::Disconnected {
            return Err(RequestError::NotConnected);
        }
        let until = Instant::now() + first;
        let inbox = self.client().new_inbox();
        let mut answers = self
            .plain_subscribe(&inbox)
            .await
            .map_err(|error| match error {
                SubscribeError::NotConnected { .. } => RequestError::NotConnected,
                SubscribeError::BadSubject { subject, source } => {
                    RequestError::CannotBeSent { subject, source }
                }
            })?;
        let sent = self
            .client()
            .publish_with_reply(subject.to_owned(), inbox, payload.into())
            .await;
        sent.map_err(|error| request::publish_error(subject, error))?;
        let mut gathered = Vec::new();
        let mut wait = until;
        while gathered.len() < MOST_ANSWERS {
            let Ok(Some(message)) = timeout_at(wait, answers.next()).await else {
                break;
            };
            match request::answer(subject, message) {
                Err(nobody @ RequestError::NoResponders { .. }) if gathered.is_empty() => {
                    return Err(nobody);
                }
                answer => gathered.push(answer),
            }
            wait = until.min(Instant::now() + quiet);
        }
        if gathered.is_empty() {
            return Err(self.unanswered(subject, first));
        }
        Ok(gathered)
    }
}
