//! Plain messages: published to whoever listens, received while one listens.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::{HeaderMap, HeaderName, HeaderValue, Subscriber};
use bytes::Bytes;
use futures::Stream;

use crate::connection::{Connection, ConnectionState};

/// How long handing a message to the connection may take. It waits only while the connection's
/// own queue is full, which means that the server takes nothing.
const HAND_OVER_DEADLINE: Duration = Duration::from_secs(2);

/// A message that was received.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it was published.
    pub subject: String,
    /// What it says.
    pub payload: Bytes,
    headers: Option<HeaderMap>,
}

impl Message {
    /// A header's value. Names are case-sensitive in NATS.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.as_ref()?.get(name)?;
        Some(value.as_str())
    }
}

/// The messages of a subscription, which ends with it. At most 65,536 wait to be read; beyond
/// that the newest are dropped, so what may not be missed is read from JetStream instead.
#[derive(Debug)]
pub struct Messages {
    subscriber: Subscriber,
}

impl Stream for Messages {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let message = std::task::ready!(Pin::new(&mut self.subscriber).poll_next(context));
        Poll::Ready(message.map(|message| Message {
            subject: message.subject.into_string(),
            payload: message.payload,
            headers: message.headers,
        }))
    }
}

/// Why a message was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no connection; nothing was sent.
    #[error("not connected to NATS")]
    NotConnected,
    /// The connection took nothing more in time.
    #[error("the NATS connection took no message to {subject} in time")]
    TimedOut {
        /// Where it was to go.
        subject: String,
    },
    /// The message is too large for the server, or its subject or a header is malformed.
    #[error("the message to {subject} cannot be sent")]
    CannotBeSent {
        /// Where it was to go.
        subject: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Why there is no subscription.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The connection is closed, or takes nothing more.
    #[error("the NATS connection took no subscription to {subject} in time")]
    NotConnected {
        /// What was to be subscribed.
        subject: String,
    },
    /// The subject is malformed.
    #[error("cannot subscribe to {subject:?}")]
    BadSubject {
        /// What was to be subscribed.
        subject: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Connection {
    /// Publishes to whoever listens, or to nobody. `Ok` means that it was handed to the
    /// connection, not that anybody received it.
    pub async fn publish(
        &self,
        subject: &str,
        headers: &[(&str, &str)],
        payload: impl Into<Bytes>,
    ) -> Result<(), PublishError> {
        if self.state() == ConnectionState::Disconnected {
            return Err(PublishError::NotConnected);
        }
        let cannot = |source| PublishError::CannotBeSent {
            subject: subject.to_owned(),
            source,
        };
        let headers = parse_headers(headers).map_err(|error| cannot(error.into()))?;
        let (client, to, payload) = (self.client(), subject.to_owned(), payload.into());
        let publish = async {
            if headers.is_empty() {
                return client.publish(to, payload).await;
            }
            client.publish_with_headers(to, headers, payload).await
        };
        tokio::time::timeout(HAND_OVER_DEADLINE, publish)
            .await
            .map_err(|_| PublishError::TimedOut {
                subject: subject.to_owned(),
            })?
            .map_err(|error| cannot(error.into()))
    }

    /// Listens to a subject, which may have wildcards. It may be called before the first connect,
    /// and the subscription outlives reconnects (what is published meanwhile is missed).
    pub async fn subscribe(&self, subject: &str) -> Result<Messages, SubscribeError> {
        let subscriber = self.plain_subscribe(subject).await?;
        Ok(Messages { subscriber })
    }

    pub(crate) async fn plain_subscribe(
        &self,
        subject: &str,
    ) -> Result<Subscriber, SubscribeError> {
        listening(subject, self.client().subscribe(subject.to_owned())).await
    }

    pub(crate) async fn queue_subscribe(
        &self,
        subject: &str,
        group: &str,
    ) -> Result<Subscriber, SubscribeError> {
        let subscribe = self
            .client()
            .queue_subscribe(subject.to_owned(), group.to_owned());
        listening(subject, subscribe).await
    }
}

async fn listening(
    subject: &str,
    subscribe: impl Future<Output = Result<Subscriber, async_nats::SubscribeError>>,
) -> Result<Subscriber, SubscribeError> {
    tokio::time::timeout(HAND_OVER_DEADLINE, subscribe)
        .await
        .map_err(|_| SubscribeError::NotConnected {
            subject: subject.to_owned(),
        })?
        .map_err(|error| SubscribeError::BadSubject {
            subject: subject.to_owned(),
            source: error.into(),
        })
}

/// A header that cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("the header {name:?} cannot be sent")]
pub(crate) struct BadHeader {
    name: String,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

/// Headers, checked: the library's own conversion of a bad value (a line break) panics.
pub(crate) fn parse_headers<N: AsRef<str>, V: AsRef<str>>(
    headers: &[(N, V)],
) -> Result<HeaderMap, BadHeader> {
    let mut parsed = HeaderMap::new();
    for (name, value) in headers {
        let name = name.as_ref();
        let bad = |source| BadHeader {
            name: name.to_owned(),
            source,
        };
        let name: HeaderName = name.parse().map_err(|error| bad(Box::from(error)))?;
        let value: HeaderValue = value
            .as_ref()
            .parse()
            .map_err(|error| bad(Box::from(error)))?;
        parsed.append(name, value);
    }
    Ok(parsed)
}
